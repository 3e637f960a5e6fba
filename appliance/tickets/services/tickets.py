"""Services that create tickets and store what language models predicted about them."""

import uuid
from collections.abc import Iterable
from datetime import datetime

from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from appliance.accounts.models import Customer, Team, User
from appliance.accounts.security import hash_token
from appliance.core import cache
from appliance.core.errors import BadInputError
from appliance.core.types import UNSET, Unset
from appliance.files import services as files_services
from appliance.tickets import custom_fields, queries
from appliance.tickets.event_data import ClassifiedData, OpenedData
from appliance.tickets.models import (
    Attachment,
    Channel,
    Event,
    Message,
    Priority,
    Ticket,
    TicketCategory,
)
from appliance.tickets.services.events import lock, record, relation_change


def create_ticket(
    *,
    customer: Customer,
    subject: str,
    description: str,
    by: User | None,
    priority: Priority = Priority.NORMAL,
    channel: Channel = Channel.PORTAL,
    category: TicketCategory | None = None,
    team: Team | None = None,
    fields: dict[str, object] | None = None,
    files: Iterable[UploadedFile] = (),
    guest_token: str = "",
    is_automatic: bool = False,
    idempotency_key: uuid.UUID | None = None,
    at: datetime | None = None,
) -> Ticket:
    """Create a ticket. The same ``idempotency_key`` returns the ticket of the first call.

    ``fields`` are values of custom fields by key; a customer must give those that are required of
    customers. Only the hash of a ``guest_token`` is stored. ``is_automatic``: a program wrote it,
    so that nobody gets an acknowledgement.
    """
    at, key = at or timezone.now(), idempotency_key or uuid.uuid4()
    values = _parse_fields(by, category, fields or {}, is_guest=bool(guest_token))
    try:
        with files_services.atomic():
            ticket = Ticket.objects.create(
                customer=customer,
                subject=subject,
                description=description,
                priority=priority,
                channel=channel,
                category=category,
                team=team,
                fields=values,
                guest_token_sha256=hash_token(guest_token) if guest_token else "",
                idempotency_key=key,
                created_at=at,
                updated_at=at,
            )
            attach_files(ticket, None, files, by)
            opened = OpenedData(automatic=True) if is_automatic else OpenedData()
            record(ticket, Event.Kind.OPENED, by, at, name=customer.full_name, data=opened)
            if category:
                data = relation_change(None, category)
                record(ticket, Event.Kind.CATEGORY, by, at, data=data)
            cache.invalidate(cache.TICKETS)
    except IntegrityError:
        return _get_earlier(customer, by, key)
    return ticket


def _get_earlier(customer: Customer, by: User | None, key: uuid.UUID) -> Ticket:
    ticket = Ticket.objects.filter(idempotency_key=key, customer=customer).first()
    ticket = ticket or queries.find_created_ticket(by, key)
    if ticket is None:
        raise BadInputError(_("This form was submitted by somebody else. Reload the page."))
    return ticket


def attach_files(
    ticket: Ticket, message: Message | None, files: Iterable[UploadedFile], by: User | None
) -> None:
    """Store the files of a message or of the ticket itself. Requires ``files_services.atomic``."""
    for upload in files:
        stored = files_services.store(upload=upload, by=by)
        Attachment.objects.create(ticket=ticket, message=message, file=stored)


@transaction.atomic
def record_classification(
    *,
    ticket: Ticket,
    category: TicketCategory | None,
    sentiment_score: float | Unset | None,
    bundles: str,
    data: ClassifiedData,
    language: str | Unset = UNSET,
) -> None:
    """Store what the language models predicted, except a category or language that was chosen.

    ``sentiment_score``: None for a text whose sentiment cannot be predicted, UNSET leaves it.
    ``bundles`` is the actor's name in the event, ``data`` the data of the event.
    """
    locked = lock(ticket)
    if not queries.was_category_chosen(locked):
        locked.category = category
    if sentiment_score is not UNSET:
        locked.sentiment_score = sentiment_score
    if language is not UNSET:
        _set_recognised_language(locked, language)
    # updated_at stays
    locked.save(update_fields=["category", "sentiment_score", "language"])
    record(locked, Event.Kind.CLASSIFIED, None, name=bundles, data=data)
    cache.invalidate(cache.TICKETS)


@transaction.atomic
def record_language(*, ticket: Ticket, language: str) -> None:
    """Store the language that was recognised, unless one was chosen. Writes no event."""
    locked = lock(ticket)
    before = locked.language
    _set_recognised_language(locked, language)
    if locked.language != before:
        locked.save(update_fields=["language"])  # updated_at stays
        cache.invalidate(cache.TICKETS)


def _set_recognised_language(locked: Ticket, language: str) -> None:
    if locked.language != language and not queries.was_language_chosen(locked):
        locked.language = language


def _parse_fields(
    by: User | None,
    category: TicketCategory | None,
    values: dict[str, object],
    *,
    is_guest: bool,
) -> dict[str, custom_fields.StoredValue]:
    """Return the values of a new ticket's custom fields, as ``Ticket.fields`` stores them."""
    is_agent = not is_guest and (by is None or by.is_agent)
    if is_agent and not values:
        return {}
    fields = queries.list_category_fields(category)
    if not is_agent:
        fields = fields.filter(is_for_customers=True)
    parsed = custom_fields.parse_values(fields, values)
    stored = {key: value for key, value in parsed.items() if value is not None}
    if not is_agent:
        custom_fields.require_values(fields, stored, _("Required: %(fields)s."))
    return stored
