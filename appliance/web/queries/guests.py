"""What somebody without an account reads by their secret link."""

from datetime import timedelta

from django.contrib.auth.models import AnonymousUser
from django.http import Http404
from django.utils import timezone

from appliance.tickets import queries as tickets_queries
from appliance.tickets.models import Attachment, Message, Status, Ticket

LINK_OUTLIVES_TICKET = timedelta(days=30)


def access_guest_ticket(token: str) -> Ticket:
    """Raises Http404: for a wrong link just as for one whose ticket is closed for a month."""
    ticket = tickets_queries.access_guest_ticket(token)
    is_over = ticket.status == Status.CLOSED or ticket.customer.anonymised_at
    if is_over and ticket.updated_at < timezone.now() - LINK_OUTLIVES_TICKET:
        raise Http404
    return ticket


def access_guest_attachment(token: str, attachment_id: int) -> Attachment:
    access_guest_ticket(token)
    return tickets_queries.access_guest_attachment(token, attachment_id)


def list_guest_messages(ticket: Ticket) -> list[Message]:
    """The replies on this ticket, never a note.

    Nor what was said on tickets merged into it: those may have been asked by the customer behind
    a log-in, and nobody has shown that whoever holds this link is that customer.
    """
    said = tickets_queries.list_messages(AnonymousUser(), ticket)
    return [message for message in said if message.ticket_id == ticket.pk]
