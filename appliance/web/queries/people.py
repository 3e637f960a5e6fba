"""What hangs on a person."""

from appliance.accounts.models import User
from appliance.tickets.models import Ticket


def count_open_tickets_of(person: User) -> int:
    """Open tickets that wait for somebody else when this person goes."""
    return Ticket.objects.open().filter(assignee=person).count()
