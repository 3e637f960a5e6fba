"""What templates show of a promise."""

from html import escape

from django import template
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import localtime

from appliance.sla import queries, words
from appliance.tickets.models import Ticket

register = template.Library()


@register.simple_tag
def due(ticket: Ticket) -> SafeString:
    """The cell of a list. No query when the tickets came through ``queries.with_due``."""
    line = words.read_next(getattr(ticket, "clock", None))
    if line is None:
        return SafeString()
    title = f' title="{localtime(line.due_at):%Y-%m-%d %H:%M}"' if line.due_at else ""
    label = f' <span class="t-under">{escape(line.label)}</span>' if line.label else ""
    return mark_safe(  # noqa: S308
        f'<span class="due due-cell due-{line.state}"{title}>'
        f'<i class="bi bi-{line.icon}" aria-hidden="true"></i>'
        f" <span>{escape(line.short)}{label}</span></span>"
    )


@register.inclusion_tag("sla/_clock.html")
def clock(ticket: Ticket) -> dict:
    """The panel on the page of a ticket, for agents; one query. Asks for itself every minute."""
    return {"ticket": ticket, "face": words.read_clock(queries.find_clock(ticket))}


@register.simple_tag
def escalation(data: dict) -> str:
    """One readable line of what an ESCALATED event says."""
    return words.describe_event(data)
