"""What the pages of the desk draw without a template."""

from collections.abc import Iterable
from html import escape

from django import template
from django.template.context import RequestContext
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from appliance.web import ticket_rows
from appliance.web.inbox_views import Queue

register = template.Library()


@register.simple_tag(takes_context=True)
def rows(context: RequestContext) -> SafeString:
    """The rows of the list. Context: page, headings, may_change_many, chosen."""
    return ticket_rows.rows(
        context["page"].rows,
        [heading.name for heading in context["headings"]],
        may_choose=context["can_change_in_bulk"],
        chosen=context.get("chosen", ()),
    )


@register.simple_tag
def queue_links(queues: Iterable[Queue]) -> SafeString:
    """One item each."""
    home = reverse("dashboard")
    return mark_safe("".join(_queue_link(queue, home) for queue in queues))  # noqa: S308


def _queue_link(queue: Queue, home: str) -> str:
    label = escape(str(queue.label))
    chosen = ' aria-current="true"' if queue.is_chosen else ""
    key = f' data-key="{queue.key}" data-key-label="{label}"' if queue.key else ""
    icon = f'<i class="bi bi-{queue.icon}" aria-hidden="true"></i>' if queue.icon else ""
    return (
        f'<li><a id="q-{escape(queue.name)}" href="{home}{escape(queue.query)}"{chosen}{key}>'
        f"{icon}<span>{label}</span><b>{queue.shown}</b></a></li>"
    )


@register.filter
def sentiment(name: str | None) -> SafeString:
    """negative → a face and a word."""
    return mark_safe(ticket_rows.Words().sentiment(name))  # noqa: S308
