"""Verbs that open a ticket, and that write down what the language models said of it."""

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
from appliance.files import services as files_services
from appliance.tickets import queries
from appliance.tickets.event_data import ClassifiedData
from appliance.tickets.models import Event, Priority, Ticket, TicketCategory
from appliance.tickets.services.events import lock, record, relation_change
from appliance.tickets.services.messages import attach
from appliance.tickets.services.properties import clean, refuse_missing


def create_ticket(
    *,
    customer: Customer,
    subject: str,
    description: str,
    by: User | None,
    priority: Priority = Priority.NORMAL,
    category: TicketCategory | None = None,
    team: Team | None = None,
    fields: dict[str, object] | None = None,
    files: Iterable[UploadedFile] = (),
    guest_token: str = "",
    idempotency_key: uuid.UUID | None = None,
    at: datetime | None = None,
) -> Ticket:
    """A new ticket. The same ``idempotency_key`` sent again gives the ticket made the first time.

    ``fields`` are answers by key; a customer must answer those required of customers. Of a
    ``guest_token`` only the hash is kept.
    """
    at, key = at or timezone.now(), idempotency_key or uuid.uuid4()
    answers = _answers(by, category, fields or {}, is_guest=bool(guest_token))
    try:
        with files_services.atomic():
            ticket = Ticket.objects.create(
                customer=customer,
                subject=subject,
                description=description,
                priority=priority,
                category=category,
                team=team,
                fields=answers,
                guest_token_sha256=hash_token(guest_token) if guest_token else "",
                idempotency_key=key,
                created_at=at,
                updated_at=at,
            )
            attach(ticket, None, files, by)
            record(ticket, Event.Kind.OPENED, by, at, name=customer.full_name)
            if category:
                record(ticket, Event.Kind.CATEGORY, by, at, data=relation_change(None, category))
            cache.invalidate(cache.TICKETS)
    except IntegrityError:
        ticket = Ticket.objects.filter(idempotency_key=key, customer=customer).first()
        if ticket is None:
            raise BadInputError(
                _("This form was submitted by somebody else. Reload the page.")
            ) from None
    return ticket


@transaction.atomic
def record_classification(
    *,
    ticket: Ticket,
    category: TicketCategory | None,
    sentiment_score: float | None,
    bundles: str,
    data: ClassifiedData,
) -> None:
    """Store what the language models predicted, except a category that a person chose.

    ``bundles`` is the actor's name in the event, ``data`` the data of the event.
    """
    locked = lock(ticket)
    if not queries.was_category_set_by_agent(locked):
        locked.category = category
    if sentiment_score is not None:
        locked.sentiment_score = sentiment_score
    locked.save(update_fields=["category", "sentiment_score"])  # no change of updated_at
    record(locked, Event.Kind.CLASSIFIED, None, name=bundles, data=data)
    cache.invalidate(cache.TICKETS)


def _answers(
    by: User | None, category: TicketCategory | None, values: dict, *, is_guest: bool
) -> dict[str, object]:
    """What is kept of the answers given with a new ticket."""
    asks = is_guest or (by is not None and not by.is_agent)
    fields = queries.fields_of(category)
    if asks:
        fields = fields.filter(is_for_customers=True)
    elif not values:
        return {}
    by_key = {field.key: field for field in fields}
    answers = {k: v for k, v in clean(by_key, values).items() if v is not None}
    if asks:
        required = [field for field in by_key.values() if field.is_required]
        refuse_missing(required, answers, _("Required: %(fields)s."))
    return answers
