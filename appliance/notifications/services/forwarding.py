"""Forwarding a ticket to somebody outside, such as a supplier, whose answers become notes."""

import uuid
from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.core.validators import validate_email
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from appliance.accounts.models import User
from appliance.core import markdown
from appliance.core import queries as core_queries
from appliance.core.errors import BadInputError, ForbiddenError
from appliance.notifications import fragments, senders, texts
from appliance.notifications.models import Forward, Kind, OutgoingEmail
from appliance.notifications.services.outbox import build_email
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Attachment, Message, Ticket


@transaction.atomic
def forward_ticket(
    *,
    ticket: Ticket,
    by: User,
    address: str,
    body: str,
    attachments: Iterable[Attachment] = (),
    idempotency_key: uuid.UUID | None = None,
) -> Forward:
    """Send a text and files of the ticket to an address; a note on the ticket says what was sent.

    The same ``idempotency_key`` returns the forward of the first call. The attachments must be of
    the ticket and visible to ``by``.
    """
    if not by.is_agent:
        raise ForbiddenError(_("Only agents can forward tickets."))
    key = idempotency_key or uuid.uuid4()
    ticket = tickets_services.lock_ticket(ticket)
    if earlier := Forward.objects.filter(idempotency_key=key, ticket=ticket).first():
        return earlier
    _check_address(ticket, address)
    note = tickets_services.add_note(
        ticket=ticket, by=by, body=_note_body(address, body), idempotency_key=key
    )
    Attachment.objects.bulk_create(
        Attachment(ticket=ticket, message=note, file_id=attachment.file_id)
        for attachment in attachments
    )
    forward = Forward.objects.create(
        ticket=ticket, message=note, address=address, by=by, idempotency_key=key
    )
    tickets_services.record_forward(ticket=ticket, by=by, message=note, address=address)
    _queue(forward, by, body)
    return forward


def add_forward_answer(
    *,
    forward: Forward,
    body: str,
    name: str = "",
    files: Iterable[UploadedFile] = (),
    idempotency_key: uuid.UUID | None = None,
) -> Message:
    """Add the answer to a forwarded ticket as a note. The same key again changes nothing."""
    return tickets_services.add_note(
        ticket=forward.ticket,
        by=None,
        name=name or forward.address,
        body=body,
        files=files,
        idempotency_key=idempotency_key,
    )


def _check_address(ticket: Ticket, address: str) -> None:
    try:
        validate_email(address)
    except ValidationError as error:
        raise BadInputError(
            _("“%(text)s” is not an e-mail address.") % {"text": address}, field="address"
        ) from error
    if senders.is_own_address(address):
        raise BadInputError(
            _("%(email)s is an address of this help desk. Choose another team instead.")
            % {"email": address},
            field="address",
        )
    if address.casefold() == ticket.customer.contact_email.casefold():
        raise BadInputError(
            _("%(email)s is the customer of this ticket. Write a reply.") % {"email": address},
            field="address",
        )


def _note_body(address: str, body: str) -> str:
    head = _("Forwarded to %(email)s:") % {"email": address}
    return f"{markdown.escape(head)}\n\n{body}"


def _queue(forward: Forward, by: User, body: str) -> None:
    with translation.override(core_queries.locale_defaults()[0]):
        content = fragments.of_text(body)
        email = build_email(
            key=f"forward:{forward.pk}",
            to=forward.address,
            user=None,
            ticket=forward.ticket,
            kind=Kind.FORWARD,
            recipient=f"s{forward.pk}",
            author_name=str(by),
            subject=texts.ticket_subject(forward.ticket),
            body=content.text,
            html=content.html,
        )
    OutgoingEmail.objects.bulk_create([email])
    email.messages.add(forward.message)
