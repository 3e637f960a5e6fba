"""What templates show of a promise."""

from django import template

from appliance.agreements import queries, words
from appliance.tickets.models import Ticket

register = template.Library()


@register.inclusion_tag("agreements/_due.html")
def due(ticket: Ticket) -> dict:
    """The cell of a list. No query when the tickets came through ``queries.with_due``."""
    return {"line": words.read_next(getattr(ticket, "clock", None))}


@register.inclusion_tag("agreements/_clock.html")
def clock(ticket: Ticket) -> dict:
    """The panel on the page of a ticket, for agents; one query. Asks for itself every minute."""
    return {"ticket": ticket, "face": words.read_clock(queries.find_clock(ticket))}


@register.simple_tag
def escalation(data: dict) -> str:
    """One readable line of what an ESCALATED event says."""
    return words.describe_event(data)
