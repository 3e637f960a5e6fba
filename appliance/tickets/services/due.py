"""When the next promise of a ticket falls due; the room that keeps promises says so."""

from datetime import datetime

from appliance.core import cache
from appliance.tickets.models import Ticket


def set_due(*, ticket: Ticket, due_at: datetime | None) -> None:
    """Stands on the ticket so that a million can be listed by it. No event: its clock has one."""
    if ticket.due_at != due_at:
        ticket.due_at = due_at
        ticket.save(update_fields=["due_at"])
        cache.invalidate(cache.TICKETS)
