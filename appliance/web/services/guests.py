"""Tickets and replies of somebody without an account."""

import uuid
from collections.abc import Iterable

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import Http404

from appliance.accounts import services as accounts_services
from appliance.core import queries as core_queries
from appliance.tickets import guest_links
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Message, Ticket
from appliance.triage import services as triage_services
from appliance.triage.models import Incident


def create_guest_ticket(
    *,
    ip_address: str,
    name: str,
    email: str,
    subject: str,
    description: str,
    fields: dict[str, object] | None = None,
    files: Iterable[UploadedFile] = (),
    incident: Incident | None = None,
    idempotency_key: uuid.UUID | None = None,
) -> tuple[Ticket, str]:
    """Create a ticket; return it with the token of its secret link.

    The ticket belongs to the customer with this e-mail address, if there is one, but the guest
    learns nothing about them. The same form sent twice gives the same ticket and link. With
    ``incident`` it becomes part of its parent.

    Raises Http404 unless the form for guests is open.
    """
    if not core_queries.site_settings().is_guest_form_open:
        raise Http404
    accounts_services.check_rate_limit(scope="ask", ip_address=ip_address)
    key = idempotency_key or uuid.uuid4()
    token = guest_links.token_of_form(key, email)
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
        if incident:
            triage_services.join_incident(incident=incident, ticket=ticket, by=None)
    return ticket, token


def reply_as_guest(
    *,
    ip_address: str,
    ticket: Ticket,
    body: str,
    files: Iterable[UploadedFile] = (),
    idempotency_key: uuid.UUID | None = None,
) -> Message:
    """Add a reply of the holder of the secret link. Raises BadInputError on a closed ticket."""
    accounts_services.check_rate_limit(scope="answer", ip_address=ip_address)
    return tickets_services.reply(
        ticket=ticket, by=None, body=body, files=files, idempotency_key=idempotency_key
    )
