"""What all changes of a ticket share: the lock, the event, its listeners and the cache."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Model
from django.utils import timezone
from django.utils.translation import gettext as _

from appliance.accounts.models import User
from appliance.core import cache
from appliance.core.errors import ForbiddenError
from appliance.tickets.event_data import (
    EscalatedData,
    EventData,
    FailedData,
    ForwardedData,
    IncidentData,
    NoData,
    RelationChange,
)
from appliance.tickets.models import Event, Message, Ticket

SYSTEM_ACTOR_NAME = "Skerry"  # of events without a user
Listener = Callable[[Event], None]
BatchListener = Callable[[Sequence[Event]], None]
_listeners: dict[Listener, BatchListener] = {}
EVENTS_PER_INSERT = 1000


def subscribe(listener: Listener, *, for_many: BatchListener | None = None) -> None:
    """Call ``listener`` for every event from now on, in the order of registration.

    A change of many tickets is given to ``for_many`` at once if there is one.

    Rooms above this one subscribe in ``AppConfig.ready``. A listener runs in the transaction that
    writes the event, with the ticket locked, and changes tickets through ``tickets.services``.
    See docs/decisions/0004-notify-upper-rooms-through-event-listeners.md.
    """

    def call_for_each(events: Sequence[Event]) -> None:
        for event in events:
            listener(event)

    _listeners.setdefault(listener, for_many or call_for_each)


def lock(ticket: Ticket) -> Ticket:
    """Return the ticket, locked until the commit, with customer, assignee and team."""
    locked = Ticket.objects.select_for_update(of=["self"])
    return locked.select_related("customer", "assignee", "team").get(pk=ticket.pk)


def lock_both(ticket: Ticket, other: Ticket) -> tuple[Ticket, Ticket]:
    """Lock two tickets in the order of their primary keys, so that no deadlock is possible."""
    tickets = Ticket.objects.select_for_update(of=["self"]).filter(pk__in=[ticket.pk, other.pk])
    locked = {row.pk: row for row in tickets.order_by("pk")}
    return locked[ticket.pk], locked[other.pk]


def save(ticket: Ticket, *fields: str, at: datetime | None = None) -> None:
    """Save these fields and ``updated_at``."""
    ticket.updated_at = at or timezone.now()
    ticket.save(update_fields=[*fields, "updated_at"])
    cache.invalidate(cache.TICKETS)


def relation_change(before: Model | None, after: Model | None) -> RelationChange:
    """Return the event data of a change from one related object to another."""
    return {
        "from": str(before) if before else "",
        "to": str(after) if after else "",
        "from_id": before.pk if before else None,
        "to_id": after.pk if after else None,
    }


def require_agent(by: User | None) -> None:
    """Raise ForbiddenError unless ``by`` is an agent or None, the system."""
    if by is not None and not by.is_agent:
        raise ForbiddenError(_("Only agents can change this."))


def record(
    ticket: Ticket,
    kind: Event.Kind,
    by: User | None,
    at: datetime | None = None,
    /,
    *,
    name: str = SYSTEM_ACTOR_NAME,
    data: EventData | None = None,
) -> Event:
    """Write an event and publish it to the listeners. ``name`` is the actor's when ``by`` is None.

    ``data`` has the shape that ``event_data`` defines for the kind.
    """
    event = _new_event(ticket, kind, by, at, name=name, data=data)
    event.save(force_insert=True)
    for listener in _listeners:
        listener(event)
    return event


def record_many(
    changes: Iterable[tuple[Ticket, EventData]], kind: Event.Kind, by: User | None
) -> None:
    """Write an event for each ticket and publish all of them together."""
    events = [_new_event(ticket, kind, by, None, data=data) for ticket, data in changes]
    Event.objects.bulk_create(events, batch_size=EVENTS_PER_INSERT)
    for listener in _listeners.values():
        listener(events)


def _new_event(
    ticket: Ticket,
    kind: Event.Kind,
    by: User | None,
    at: datetime | None,
    *,
    name: str = SYSTEM_ACTOR_NAME,
    data: EventData | None,
) -> Event:
    return Event(
        ticket=ticket,
        kind=kind,
        actor=by,
        actor_name=str(by) if by else name,
        at=at or timezone.now(),
        data=data or NoData(),
    )


def set_due(*, ticket: Ticket, due_at: datetime | None) -> None:
    """Copy the next due time of the SLA timer to the ticket, for lists. Writes no event."""
    if ticket.due_at != due_at:
        ticket.due_at = due_at
        ticket.save(update_fields=["due_at"])
        cache.invalidate(cache.TICKETS)


def lock_ticket(ticket: Ticket) -> Ticket:
    """Return the ticket, locked until the commit, for a service of a higher room."""
    return lock(ticket)


@transaction.atomic
def record_forward(*, ticket: Ticket, by: User, message: Message, address: str) -> None:
    """Write an event: the ticket was forwarded to an address; ``message`` says what was sent."""
    data = ForwardedData(message=message.pk, to=address)
    record(lock(ticket), Event.Kind.FORWARDED, by, data=data)


@transaction.atomic
def record_undelivered(*, ticket: Ticket, to: str, reason: str) -> None:
    """Write an event: somebody did not get an e-mail about the ticket."""
    data = FailedData(to=to, reason=reason)
    record(lock(ticket), Event.Kind.UNDELIVERED, None, data=data)
    cache.invalidate(cache.TICKETS)


@transaction.atomic
def record_escalation(*, ticket: Ticket, data: EscalatedData) -> None:
    """Write an event about an escalation; the ticket's ``updated_at`` stays."""
    record(lock(ticket), Event.Kind.ESCALATED, None, data=data)
    cache.invalidate(cache.TICKETS)


@transaction.atomic
def record_incident(*, ticket: Ticket, by: User | None, data: IncidentData) -> None:
    """Write an event about similar tickets; the ticket's ``updated_at`` stays."""
    record(lock(ticket), Event.Kind.INCIDENT, by, data=data)
    cache.invalidate(cache.TICKETS)
