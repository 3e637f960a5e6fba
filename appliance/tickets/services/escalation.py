"""What is written on a ticket when a promise is about to be broken, or was."""

from django.db import transaction

from appliance.core import cache
from appliance.tickets.models import Event, Ticket
from appliance.tickets.services.recording import lock, record


@transaction.atomic
def record_escalation(*, ticket: Ticket, **said: object) -> None:
    """``said`` goes into the event as it is. The ticket counts as untouched."""
    record(lock(ticket), Event.Kind.ESCALATED, None, **said)
    cache.invalidate(cache.TICKETS)
