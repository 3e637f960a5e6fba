"""What every change of a ticket has in common: the lock, the time, the event and the cache."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from appliance.accounts.models import User
from appliance.core import cache
from appliance.core.errors import ForbiddenError
from appliance.tickets import listeners
from appliance.tickets.models import Event, Ticket

SYSTEM_ACTOR_NAME = "Skerry"  # who did what nobody did


def lock(ticket: Ticket) -> Ticket:
    """With whom it is for and about, whom nearly every verb and listener asks for."""
    locked = Ticket.objects.select_for_update(of=["self"])
    return locked.select_related("customer", "assignee", "team").get(pk=ticket.pk)


def lock_both(ticket: Ticket, other: Ticket) -> tuple[Ticket, Ticket]:
    """In the order of their ids, whoever asks, so that no two wait for each other."""
    rows = Ticket.objects.select_for_update(of=["self"]).filter(pk__in=[ticket.pk, other.pk])
    locked = {row.pk: row for row in rows.order_by("pk")}
    return locked[ticket.pk], locked[other.pk]


def save(ticket: Ticket, *fields: str, at: datetime | None = None) -> None:
    ticket.updated_at = at or timezone.now()
    ticket.save(update_fields=[*fields, "updated_at"])
    cache.invalidate(cache.TICKETS)


def name_of(thing: object | None) -> str:
    return str(thing) if thing else ""


def from_to(before: object | None, after: object | None) -> dict[str, object]:
    """Names for the time line, ids for whoever listens."""
    return {
        "from": name_of(before),
        "to": name_of(after),
        "from_id": getattr(before, "pk", None),
        "to_id": getattr(after, "pk", None),
    }


def require_agent(by: User | None) -> None:
    """``by=None`` is the box itself, which may do what an agent may."""
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
    **data: object,
) -> Event:
    """Writes the event and tells whoever listens. ``name`` is who it was when ``by`` is nobody."""
    event = Event.objects.create(
        ticket=ticket,
        kind=kind,
        actor=by,
        actor_name=str(by) if by else name,
        at=at or timezone.now(),
        data=data,
    )
    listeners.tell(event)
    return event


def set_due(*, ticket: Ticket, due_at: datetime | None) -> None:
    """Stands on the ticket so that a million can be listed by it. No event: its clock has one."""
    if ticket.due_at != due_at:
        ticket.due_at = due_at
        ticket.save(update_fields=["due_at"])
        cache.invalidate(cache.TICKETS)


@transaction.atomic
def record_escalation(*, ticket: Ticket, **event_data: object) -> None:
    """``said`` goes into the event as it is. The ticket counts as untouched."""
    record(lock(ticket), Event.Kind.ESCALATED, None, **event_data)
    cache.invalidate(cache.TICKETS)
