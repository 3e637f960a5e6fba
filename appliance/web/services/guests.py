"""Somebody without an account asks."""

import uuid
from collections.abc import Iterable

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import Http404
from django.utils.crypto import salted_hmac

from appliance.accounts import services as accounts_services
from appliance.core import queries as core_queries
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Message, Ticket
from appliance.triage import services as triage_services


def ask_as_guest(
    *,
    address: str,
    name: str,
    email: str,
    subject: str,
    description: str,
    fields: dict[str, object] | None = None,
    files: Iterable[UploadedFile] = (),
    idempotency_key: uuid.UUID | None = None,
) -> tuple[Ticket, str]:
    """The ticket and the token of the secret link to it. Raises Http404 unless guests may ask.

    The ticket belongs to whoever the desk knows by that address, without a word about it: the
    guest reads nothing else of theirs. The same form sent twice gives the same ticket and link.
    """
    if not core_queries.site_settings().is_guest_form_open:
        raise Http404
    accounts_services.check_rate_limit(scope="ask", ip_address=address)
    key = idempotency_key or uuid.uuid4()
    token = _token(key, email)
    with transaction.atomic():
        ticket = tickets_services.create_ticket(
            customer=accounts_services.ensure_customer(email=email, first_name=name),
            subject=subject,
            description=description,
            by=None,
            fields=fields,
            files=files,
            guest_token=token,
            idempotency_key=key,
        )
        triage_services.queue_annotation(ticket)
    return ticket, token


def answer_as_guest(
    *,
    address: str,
    ticket: Ticket,
    body: str,
    files: Iterable[UploadedFile] = (),
    idempotency_key: uuid.UUID | None = None,
) -> Message:
    """What whoever holds the link writes. Raises BadInputError on a closed ticket."""
    accounts_services.check_rate_limit(scope="answer", ip_address=address)
    return tickets_services.reply(
        ticket=ticket, by=None, body=body, files=files, idempotency_key=idempotency_key
    )


def _token(key: uuid.UUID, email: str) -> str:
    """256 bits that only this desk can make, and makes again for the same form."""
    text = f"{key.hex} {email.strip().lower()}"
    return salted_hmac("guest", text, secret=settings.SECRET_KEY, algorithm="sha256").hexdigest()
