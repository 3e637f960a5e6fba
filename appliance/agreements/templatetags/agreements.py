"""What templates show of a promise."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime

from appliance.agreements import queries, words
from appliance.tickets.models import Ticket

register = template.Library()
DUE = (
    '<span class="due due-cell due-{}"{}><i class="bi bi-{}" aria-hidden="true"></i>'
    " <span>{}{}</span></span>"
)


@register.simple_tag
def due(ticket: Ticket) -> SafeString:
    """The cell of a list. No query when the tickets came through ``queries.with_due``."""
    line = words.read_next(getattr(ticket, "clock", None))
    if line is None:
        return SafeString()
    at = f"{localtime(line.due_at):%Y-%m-%d %H:%M}" if line.due_at else ""
    title = format_html(' title="{}"', at) if at else ""
    label = format_html(' <span class="t-under">{}</span>', line.label) if line.label else ""
    return format_html(DUE, line.state, title, line.icon, line.short, label)


@register.inclusion_tag("agreements/_clock.html")
def clock(ticket: Ticket) -> dict:
    """The panel on the page of a ticket, for agents; one query. Asks for itself every minute."""
    return {"ticket": ticket, "face": words.read_clock(queries.find_clock(ticket))}


@register.simple_tag
def escalation(data: dict) -> str:
    """One readable line of what an ESCALATED event says."""
    return words.describe_event(data)
