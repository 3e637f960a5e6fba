"""Template tags for SLA status."""

from html import escape

from django import template
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import localtime

from appliance.sla import status
from appliance.tickets.models import Ticket

register = template.Library()


@register.simple_tag
def due(ticket: Ticket) -> SafeString:
    """Render the SLA cell of a list row. No query after ``queries.with_timers``."""
    target = status.describe_next_target(getattr(ticket, "timer", None))
    if target is None:
        return SafeString()
    title = f' title="{localtime(target.due_at):%Y-%m-%d %H:%M}"' if target.due_at else ""
    label = f' <span class="t-under">{escape(target.label)}</span>' if target.label else ""
    return mark_safe(  # noqa: S308
        f'<span class="due due-cell due-{target.state}"{title}>'
        f'<i class="bi bi-{target.icon}" aria-hidden="true"></i>'
        f" <span>{escape(target.short)}{label}</span></span>"
    )
