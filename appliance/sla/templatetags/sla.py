"""Template tags for SLA status."""

from datetime import date
from functools import lru_cache
from html import escape

from django import template
from django.utils.formats import date_format
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import localtime
from django.utils.translation import get_language

from appliance.sla import status
from appliance.tickets.models import Ticket

register = template.Library()


@register.simple_tag
def due(ticket: Ticket) -> SafeString:
    """Render the SLA cell of a list row. No query after ``queries.with_timers``."""
    target = status.describe_next_target(getattr(ticket, "timer", None))
    if target is None:
        return SafeString()
    title = ""
    if target.due_at:
        due_at = localtime(target.due_at)
        title = f' title="{_format_day(get_language(), due_at.date())}, {due_at:%H:%M}"'
    label = f' <span class="t-under">{escape(target.label)}</span>' if target.label else ""
    return mark_safe(  # noqa: S308
        f'<span class="due due-cell due-{target.state}"{title}>'
        f'<i class="bi bi-{target.icon}" aria-hidden="true"></i>'
        f" <span>{escape(target.short)}{label}</span></span>"
    )


@lru_cache(maxsize=1000)  # the rows of a list share few days
def _format_day(language: str | None, day: date) -> str:
    return escape(date_format(day, "DATE_FORMAT"))
