"""What every change of a ticket has in common: the lock, the time, the event and the cache."""

from datetime import datetime

from django.utils import timezone

from appliance.accounts.models import User
from appliance.core import cache
from appliance.tickets import listeners
from appliance.tickets.models import Event, Ticket


def lock(ticket: Ticket) -> Ticket:
    return Ticket.objects.select_for_update(of=["self"]).get(pk=ticket.pk)


def save(ticket: Ticket, field: str, at: datetime | None = None) -> None:
    ticket.updated_at = at or timezone.now()
    ticket.save(update_fields=[field, "updated_at"])
    cache.changed(cache.TICKETS)


def name_of(thing: object | None) -> str:
    return str(thing) if thing else ""


def record(
    ticket: Ticket,
    kind: Event.Kind,
    by: User | None,
    at: datetime | None = None,
    *,
    name: str = "",
    **data: object,
) -> None:
    event = Event.objects.create(
        ticket=ticket,
        kind=kind,
        actor=by,
        actor_name=str(by) if by else name,
        at=at or timezone.now(),
        data=data,
    )
    listeners.tell(event)
