"""Parts of the ticket list that are built without a template."""

from collections.abc import Collection, Iterable
from html import escape
from typing import Literal

from django import template
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from appliance.web import ticket_rows
from appliance.web.queues import Queue
from appliance.web.ticket_list import TicketList

register = template.Library()


@register.simple_tag
def ticket_rows_html(
    ticket_list: TicketList, selected: Collection[int] | Literal[""] = ""
) -> SafeString:
    """Render the rows of the list; ``selected`` are the ids of ticked tickets, if any."""
    return ticket_rows.render_rows(
        ticket_list.page.rows,
        [heading.name for heading in ticket_list.headings],
        can_select=ticket_list.can_change_in_bulk,
        selected=selected or (),
    )


@register.simple_tag
def queue_links(queues: Iterable[Queue]) -> SafeString:
    """Render a list item with a link for each queue."""
    list_url = reverse("dashboard")
    return mark_safe("".join(_queue_link(queue, list_url) for queue in queues))  # noqa: S308


def _queue_link(queue: Queue, list_url: str) -> str:
    label = escape(str(queue.label))
    current = ' aria-current="true"' if queue.is_active else ""
    key = f' data-key="{queue.key}" data-key-label="{label}"' if queue.key else ""
    icon = f'<i class="bi bi-{queue.icon}" aria-hidden="true"></i>' if queue.icon else ""
    return (
        f'<li><a id="q-{escape(queue.name)}" href="{list_url}{escape(queue.query)}"{current}{key}>'
        f"{icon}<span>{label}</span><b>{queue.count_label}</b></a></li>"
    )


@register.filter
def sentiment(name: str | None) -> SafeString:
    """Render one of SENTIMENTS as an icon and a word."""
    return mark_safe(ticket_rows.CellTexts().sentiment(name))  # noqa: S308
