"""Verbs on one ticket: open, answer, change its properties."""

import uuid
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import timezone

from appliance.accounts.models import Customer, User
from appliance.core import cache
from appliance.core.errors import BadInputError, RefusedError
from appliance.tickets import queries
from appliance.tickets.models import (
    Event,
    Message,
    Priority,
    Status,
    Ticket,
    TicketCategory,
)
from appliance.tickets.services.recording import lock, name_of, record, save


def open_ticket(
    *,
    customer: Customer,
    subject: str,
    description: str,
    by: User | None,
    priority: Priority = Priority.NORMAL,
    submission_key: uuid.UUID | None = None,
    at: datetime | None = None,
) -> Ticket:
    """A new ticket. The same ``submission_key`` sent again gives the ticket made the first time."""
    at = at or timezone.now()
    key = submission_key or uuid.uuid4()
    try:
        with transaction.atomic():
            ticket = Ticket.objects.create(
                customer=customer,
                subject=subject,
                description=description,
                priority=priority,
                submission_key=key,
                created_at=at,
                updated_at=at,
            )
            record(ticket, Event.Kind.OPENED, by, at, name=customer.full_name)
            cache.changed(cache.TICKETS)
    except IntegrityError:
        ticket = Ticket.objects.filter(submission_key=key, customer=customer).first()
        if ticket is None:
            raise BadInputError("This form was used by somebody else. Reload the page.") from None
    return ticket


def reply(
    *,
    ticket: Ticket,
    by: User,
    body: str,
    status: Status | None = None,
    submission_key: uuid.UUID | None = None,
    at: datetime | None = None,
) -> Message:
    """An answer the customer can read. A customer's answer to a solved ticket opens it again.

    ``status`` is what an agent leaves the ticket in; by default one that was new becomes open.
    """
    if status is not None and not by.is_agent:
        raise RefusedError("Only an agent can set the status of a ticket.")
    with transaction.atomic():
        locked = lock(ticket)
        if locked.status == Status.CLOSED:
            raise BadInputError(
                f"{ticket.number} is closed. Open a new ticket and name this one in it.",
                field="body",
            )
        message, is_new = _say(locked, by, body, Message.Kind.REPLY, submission_key, at)
        if is_new:
            _change_status(locked, status or _status_after_reply(locked, by), by, at)
    ticket.refresh_from_db()
    return message


def add_note(
    *,
    ticket: Ticket,
    by: User,
    body: str,
    submission_key: uuid.UUID | None = None,
    at: datetime | None = None,
) -> Message:
    """A note only agents see."""
    if not by.is_agent:
        raise RefusedError("Only an agent can write internal notes.")
    with transaction.atomic():
        message, _ = _say(lock(ticket), by, body, Message.Kind.NOTE, submission_key, at)
    ticket.refresh_from_db()
    return message


def set_status(*, ticket: Ticket, status: Status, by: User, at: datetime | None = None) -> None:
    with transaction.atomic():
        _change_status(lock(ticket), status, by, at)
    ticket.refresh_from_db()


def set_priority(*, ticket: Ticket, priority: Priority, by: User) -> None:
    with transaction.atomic():
        locked = lock(ticket)
        if locked.priority != priority:
            change = {"from": locked.get_priority_display(), "to": Priority(priority).label}
            locked.priority = priority
            save(locked, "priority")
            record(locked, Event.Kind.PRIORITY, by, **change)
    ticket.refresh_from_db()


def set_category(*, ticket: Ticket, category: TicketCategory | None, by: User) -> None:
    with transaction.atomic():
        locked = lock(ticket)
        if locked.category_id != (category.pk if category else None):
            change = {"from": name_of(locked.category), "to": name_of(category)}
            locked.category = category
            save(locked, "category")
            record(locked, Event.Kind.CATEGORY, by, **change)
    ticket.refresh_from_db()


def assign(*, ticket: Ticket, assignee: User | None, by: User, at: datetime | None = None) -> None:
    if assignee and not assignee.is_agent:
        raise BadInputError(f"{assignee} is not an agent. Choose one.", field="assignee")
    with transaction.atomic():
        locked = lock(ticket)
        if locked.assignee_id != (assignee.pk if assignee else None):
            change = {"from": name_of(locked.assignee), "to": name_of(assignee)}
            locked.assignee = assignee
            save(locked, "assignee", at)
            record(locked, Event.Kind.ASSIGNEE, by, at, **change)
    ticket.refresh_from_db()


@transaction.atomic
def record_sorting(
    *,
    ticket: Ticket,
    category: TicketCategory | None,
    sentiment_score: float | None,
    bundles: str,
    said: dict,
) -> None:
    """What the language models said. Never touches a category that a person chose.

    ``bundles`` names who said it; ``said`` goes into the event as it is.
    """
    locked = lock(ticket)
    if not queries.was_category_chosen(locked):
        locked.category = category
    if sentiment_score is not None:
        locked.sentiment_score = sentiment_score
    locked.save(update_fields=["category", "sentiment_score"])  # no change of updated_at
    record(locked, Event.Kind.SORTED, None, name=bundles, **said)
    cache.changed(cache.TICKETS)


def _say(
    ticket: Ticket,
    by: User,
    body: str,
    kind: Message.Kind,
    key: uuid.UUID | None,
    at: datetime | None,
) -> tuple[Message, bool]:
    """The message and whether it is new; the ticket must be locked, so a key is never raced."""
    key, at = key or uuid.uuid4(), at or timezone.now()
    if earlier := Message.objects.filter(submission_key=key, ticket=ticket).first():
        return earlier, False
    message = Message.objects.create(
        ticket=ticket,
        author=by,
        author_name=str(by),
        kind=kind,
        is_from_customer=ticket.customer.user_id == by.pk,
        body=body,
        submission_key=key,
        created_at=at,
    )
    noted = kind == Message.Kind.NOTE
    record(ticket, Event.Kind.NOTED if noted else Event.Kind.REPLIED, by, at, message=message.pk)
    ticket.updated_at = at
    ticket.save(update_fields=["updated_at"])
    cache.changed(cache.TICKETS)
    return message, True


def _status_after_reply(ticket: Ticket, by: User) -> Status:
    asks = ticket.customer.user_id == by.pk
    if asks and ticket.status in (Status.SOLVED, Status.WAITING):
        return Status.OPEN
    if not asks and ticket.status == Status.NEW:
        return Status.OPEN
    return Status(ticket.status)


def _change_status(ticket: Ticket, status: Status, by: User, at: datetime | None) -> None:
    if ticket.status != status:
        change = {"from": ticket.get_status_display(), "to": Status(status).label}
        ticket.status = status
        save(ticket, "status", at)
        record(ticket, Event.Kind.STATUS, by, at, **change)
