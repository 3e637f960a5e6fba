"""One ticket, and what can be chosen for it."""

from django.db.models import QuerySet
from django.http import Http404

from appliance.accounts.models import User
from appliance.tickets.models import Event, Message, Ticket, TicketCategory


def access_ticket(viewer: User, ticket_id: int) -> Ticket:
    """The ticket, with customer, category and assignee. Raises Http404 if not the viewer's."""
    related = ("customer", "customer__user", "category", "assignee")
    ticket = Ticket.objects.visible_to(viewer).select_related(*related).filter(pk=ticket_id).first()
    if ticket is None:
        raise Http404
    return ticket


def list_messages(viewer: User, ticket: Ticket) -> QuerySet[Message]:
    """The conversation in order; notes only for agents. The ticket must be the viewer's."""
    messages = ticket.messages.all()
    return messages if viewer.is_agent else messages.filter(kind=Message.Kind.REPLY)


def was_category_chosen(ticket: Ticket) -> bool:
    """Whether a person has set the category of this ticket."""
    return ticket.events.filter(kind=Event.Kind.CATEGORY, actor__isnull=False).exists()


def list_categories() -> QuerySet[TicketCategory]:
    return TicketCategory.objects.filter(is_active=True)
