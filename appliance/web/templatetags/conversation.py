"""What was said on a ticket, drawn in Python: a template would take 2 ms for each message."""

from collections.abc import Iterable
from datetime import datetime

from django import template
from django.template.context import RequestContext
from django.template.loader import get_template
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from appliance.core.markdown import render as markdown
from appliance.tickets.models import Message, Ticket
from appliance.web.timeline import Line

register = template.Library()
KINDS = {True: " message-note", False: " message-agent"}
NOTHING = SafeString("")
ARTICLE = """<article class="message{}"{}>
  <header><strong>{}</strong>{}{}
    <span class="message-actions">{}
    {}</span></header>
  <div class="prose" data-words>{}</div>
  {}
</article>
"""
NOTE = ' <span><i class="bi bi-lock" aria-hidden="true"></i> {}</span>'
QUOTE = (
    '<button type="button" class="btn btn-sm btn-icon needs-js" data-quote="message-{}" '
    'data-quote-by="{}" aria-label="{}"><i class="bi bi-quote" aria-hidden="true"></i></button>'
)
SPLIT = (
    '<a class="btn btn-sm btn-icon" href="{}" aria-label="{}">'
    '<i class="bi bi-scissors" aria-hidden="true"></i></a>'
)
LINE = "<li>{} <strong>{}</strong> {}</li>"


@register.simple_tag(takes_context=True)
def messages_html(context: RequestContext, messages: Iterable[Message]) -> SafeString:
    """Each message of the conversation of ``ticket``; ``may_split`` offers an agent to."""
    ticket = context["ticket"]
    may_split = context["user"].is_agent and context["may_split"]
    return mark_safe("".join(_message_html(message, ticket, may_split) for message in messages))  # noqa: S308


@register.simple_tag
def events(lines: Iterable[Line]) -> SafeString:
    """The items of the time line."""
    rows = ((_time(line.at, "j M, H:i:s"), line.who, line.what) for line in lines)
    return format_html_join("", LINE, rows)


def _message_html(message: Message, ticket: Ticket, may_split: bool) -> SafeString:
    is_own, name = message.ticket_id == ticket.pk, message.author_name
    is_note = message.kind == Message.Kind.NOTE
    other = _("from SKR-%(number)s") % {"number": message.ticket_id}
    return format_html(
        ARTICLE,
        NOTHING if message.is_from_customer and not is_note else KINDS[is_note],
        format_html(' id="message-{}"', message.pk) if message.pk else NOTHING,
        name,
        format_html(NOTE, _("internal note")) if is_note else NOTHING,
        NOTHING if is_own else format_html(' <span class="quiet">{}</span>', other),
        _deeds(message, ticket if may_split and is_own else None) if message.pk else NOTHING,
        _time(message.created_at, "j M, H:i"),
        markdown(message.body),
        _files(message),
    )


def _deeds(message: Message, splits_off: Ticket | None) -> SafeString:
    name = {"name": message.author_name}
    quote = format_html(
        QUOTE, message.pk, _("%(name)s wrote:") % name, _("Quote message by %(name)s") % name
    )
    if splits_off is None:
        return quote
    address = reverse("split-ticket", args=[splits_off.pk, message.pk])
    return quote + format_html(
        SPLIT, address, _("Split message by %(name)s into new ticket") % name
    )


def _time(at: datetime, pattern: str) -> SafeString:
    local = timezone.localtime(at)
    shown = formats.date_format(local, pattern)
    return format_html('<time class="quiet" datetime="{}">{}</time>', local.isoformat(), shown)


def _files(message: Message) -> SafeString:
    if not message.files:
        return NOTHING
    return get_template("web/_attachments.html").render({"files": message.files})
