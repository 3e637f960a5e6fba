"""Tags of the ticket list and the ticket page; templates would need 2 ms for each message."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from html import escape
from typing import Literal

from django import template
from django.template import Context
from django.template.loader import get_template
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from appliance.core.plain_text import render as render_plain_text
from appliance.mail import queries as mail_queries
from appliance.mail.models import InboundEmail
from appliance.mail.ticket_emails import TicketEmails, list_notes, list_recipients
from appliance.notifications.event_texts import describe_event
from appliance.tickets.models import Attachment, Channel, Event, Message
from appliance.tickets.words import (
    Words,
    signature_of_message,
    words_of_message,
    words_of_ticket,
)
from appliance.web import ticket_rows
from appliance.web.queues import MAIN_QUEUES, Queue, format_count, query_string
from appliance.web.ticket_list import TicketList
from appliance.web.ticket_page import Conversation

register = template.Library()
Kind = Event.Kind
EMPTY = SafeString("")
CHANNEL_ICONS = {
    Channel.PORTAL: "window",
    Channel.EMAIL: "envelope",
    Channel.PHONE: "telephone",
    Channel.WALK_IN: "person-walking",
    Channel.API: "plug",
}
ARTICLE = """<article class="message{}"{}>
  <header><strong dir="auto">{}</strong>{}{}
    <span class="message-actions">{}
    {}</span></header>
  <div class="{}" dir="auto" data-words>{}</div>
  {}{}{}{}
</article>
"""
UNDELIVERED = ("failed", "bounced")
DELIVERY_ICONS = {"sent": "envelope-check", "failed": "envelope-x", "bounced": "envelope-x"}
DELIVERY_TEXTS = {
    "waiting": gettext_lazy("E-mail to %(to)s is waiting"),
    "sent": gettext_lazy("E-mail sent to %(to)s"),
    "failed": gettext_lazy("E-mail to %(to)s failed: %(reason)s"),
    "bounced": gettext_lazy("E-mail to %(to)s came back: %(reason)s"),
    "digest": gettext_lazy("E-mail to %(to)s is in a digest"),
    "dropped": gettext_lazy("E-mail to %(to)s was not sent"),
}
FORWARD = (
    '<a class="btn btn-sm btn-icon" href="{}" aria-label="{}">'
    '<i class="bi bi-forward" aria-hidden="true"></i></a>'
)
DELIVERY = '<p class="delivery{}"><i class="bi bi-{}" aria-hidden="true"></i> {}</p>'
SIGNATURE = '<div class="prose signature" dir="auto">{}</div>'
WORDS = '<div class="{}" dir="auto">{}</div>'
NOTE = ' <span><i class="bi bi-lock" aria-hidden="true"></i> {}</span>'
QUOTE = (
    '<button type="button" class="btn btn-sm btn-icon needs-js" data-quote="{}" '
    'data-quote-by="{}" aria-label="{}"><i class="bi bi-quote" aria-hidden="true"></i></button>'
)
SPLIT = (
    '<a class="btn btn-sm btn-icon" href="{}" aria-label="{}">'
    '<i class="bi bi-scissors" aria-hidden="true"></i></a>'
)
QUEUE_KEY = '<a tabindex="-1" href="{}{}" data-key="{}">{}</a>'
SHOW_ALL = (
    '<p class="show-all"><a href="?all={1}&amp;whole={0}#{0}" hx-get="?all={1}&amp;whole={0}" '
    'hx-select="#{0}" hx-target="#{0}" hx-swap="outerHTML">{2}</a></p>'
)
ACTIVITY = '<li>{} <strong dir="auto">{}</strong> <span dir="auto">{}</span></li>'


@register.filter
def channel_icon(channel: str) -> str:
    """Return the name of the Bootstrap icon of a channel."""
    return CHANNEL_ICONS[Channel(channel)]


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
        categories=dict(ticket_list.query.form.choices.category_slugs),
    )


@register.simple_tag
def queue_links(queues: Iterable[Queue]) -> SafeString:
    """Render a list item with a link for each queue."""
    list_url = reverse("dashboard")
    return mark_safe("".join(_queue_link(queue, list_url) for queue in queues))  # noqa: S308


@register.simple_tag(takes_context=True)
def held_emails_link(context: Context) -> SafeString | str:
    """Render a list item with a link to the e-mails that wait for an agent, if there are any."""
    count = mail_queries.count_held_emails(context["user"])
    if not count:
        return ""
    return format_html(
        '<li><a href="{}"><i class="bi bi-envelope-exclamation" aria-hidden="true"></i>'
        "<span>{}</span><b>{}</b></a></li>",
        reverse("received-emails"),
        _("Held e-mails"),
        format_count(count),
    )


@register.simple_tag
def queue_keys() -> SafeString:
    """Render a link for each queue that has a key; "g o" is in the header."""
    list_url = reverse("dashboard")
    links = (
        (list_url, query_string(filters), key, label)
        for _, label, _, key, filters in MAIN_QUEUES
        if key and filters
    )
    return format_html_join("", QUEUE_KEY, links)


def _queue_link(queue: Queue, list_url: str) -> str:
    label = escape(str(queue.label))
    current = ' aria-current="true"' if queue.is_active else ""
    icon = f'<i class="bi bi-{queue.icon}" aria-hidden="true"></i>' if queue.icon else ""
    return (
        f'<li><a id="q-{escape(queue.name)}" href="{list_url}{escape(queue.query)}"{current}>'
        f"{icon}<span dir='auto'>{label}</span><b>{queue.count_label}</b></a></li>"
    )


@register.filter
def plain_text(text: str) -> SafeString:
    """Render text as somebody typed it, with its addresses as links."""
    return render_plain_text(text)


@register.filter
def sentiment(name: str | None) -> SafeString:
    """Render one of SENTIMENTS as an icon and a word."""
    return mark_safe(ticket_rows.CellTexts().sentiment(name))  # noqa: S308


@register.simple_tag
def first_message(conversation: Conversation) -> SafeString:
    """Render the text the ticket was created with."""
    ticket, name = conversation.ticket, conversation.ticket.customer.full_name
    label, is_whole = _("Quote first message"), conversation.unfolded_id == "opening"
    return format_html(
        ARTICLE,
        EMPTY,
        SafeString(' id="opening"'),
        _author(conversation, name, is_from_customer=True),
        EMPTY,
        EMPTY,
        _quote_button("opening", name, label) if conversation.can_quote_first else EMPTY,
        _time(ticket.created_at),
        *_words(words_of_ticket(ticket, is_whole=is_whole), "opening", conversation),
        EMPTY,
        _email(conversation.emails.of_tickets.get(ticket.pk), conversation),
        _attachments(conversation.first_files, conversation),
    )


@register.simple_tag
def messages(conversation: Conversation) -> SafeString:
    """Render the messages that followed."""
    return mark_safe(  # noqa: S308
        "".join(_message(message, conversation) for message in conversation.messages)
    )


@register.simple_tag
def message_words(message: Message) -> SafeString:
    """Render the text of a whole message alone."""
    words = words_of_message(message, is_whole=True)
    return format_html(WORDS, words.css_class, words.html)


@register.simple_tag
def activity(events: Iterable[Event]) -> SafeString:
    """Render a list item for each event: when, who, what."""
    items = (
        (_time(event.at, with_seconds=True), event.actor_name, describe_event(event))
        for event in events
    )
    return format_html_join("", ACTIVITY, items)


def _message(message: Message, conversation: Conversation) -> SafeString:
    is_note = message.kind == Message.Kind.NOTE
    is_merged = message.ticket_id != conversation.ticket.pk
    # the first message of a merged ticket is not stored as a message
    element_id = f"message-{message.pk}" if message.pk else f"opening-{message.ticket_id}"
    is_whole = conversation.unfolded_id == element_id
    source = _("from SKR-%(number)s") % {"number": message.ticket_id}
    return format_html(
        ARTICLE,
        _css_class(message, is_note),
        format_html(' id="{}"', element_id),
        _author(conversation, message.author_name, is_from_customer=message.is_from_customer),
        format_html(NOTE, _("internal note")) if is_note else EMPTY,
        format_html(' <span class="quiet">{}</span>', source) if is_merged else EMPTY,
        _actions(message, conversation, can_split=conversation.can_split and not is_merged),
        _time(message.created_at),
        *_words(words_of_message(message, is_whole=is_whole), element_id, conversation),
        format_html(SIGNATURE, signature_of_message(message)) if message.signature else EMPTY,
        _email(_email_of(message, conversation.emails), conversation),
        _attachments(message.files, conversation) + _deliveries(message, conversation),
    )


def _email_of(message: Message, emails: TicketEmails) -> InboundEmail | None:
    if message.pk:
        return emails.of_messages.get(message.pk)
    return emails.of_tickets.get(message.ticket_id)  # the first message of a merged ticket


def _email(email: InboundEmail | None, conversation: Conversation) -> SafeString:
    """Render what belongs to a message that came by e-mail: folded parts, notes, other forms."""
    if email is None:
        return EMPTY
    context = {
        "email": email,
        "conversation": conversation,
        "notes": list_notes(email),
        "recipients": list_recipients(email),
    }
    return mark_safe(get_template("web/_email.html").render(context))  # noqa: S308


def _words(
    words: Words, element_id: str, conversation: Conversation
) -> tuple[str, SafeString, SafeString]:
    """Return the CSS class, the text and, if that is only the opening, a link to the whole."""
    if not words.is_folded:
        return words.css_class, words.html, EMPTY
    link = format_html(
        SHOW_ALL, element_id, conversation.earlier_parts, pgettext("a text", "Show all")
    )
    return words.css_class, words.html, link


def _css_class(message: Message, is_note: bool) -> str:
    if is_note:
        return " message-note"
    return "" if message.is_from_customer else " message-agent"


def _author(conversation: Conversation, name: str, *, is_from_customer: bool) -> str:
    return _("You") if conversation.guest_token and is_from_customer else name


def _actions(message: Message, conversation: Conversation, *, can_split: bool) -> SafeString:
    if not message.pk or conversation.guest_token:
        return EMPTY
    names = {"name": message.author_name}
    label = _("Quote message by %(name)s") % names
    quote = _quote_button(f"message-{message.pk}", message.author_name, label)
    if conversation.is_for_agent:
        url = reverse("forward-ticket", args=[conversation.ticket.pk])
        label = _("Forward message by %(name)s") % names
        quote += format_html(FORWARD, f"{url}?message={message.pk}", label)
    if not can_split:
        return quote
    url = reverse("split-ticket", args=[conversation.ticket.pk, message.pk])
    return quote + format_html(SPLIT, url, _("Split message by %(name)s into new ticket") % names)


def _deliveries(message: Message, conversation: Conversation) -> SafeString:
    """Return a line for each state of the e-mails with the message, naming their recipients."""
    recipients = defaultdict(list)
    for delivery in conversation.deliveries.get(message.pk or 0, ()):
        reason = delivery.reason if delivery.is_undelivered else ""
        recipients[delivery.state, reason].append(delivery.to)
    lines = []
    for (state, reason), addresses in recipients.items():
        css_class = " undelivered" if state in UNDELIVERED else ""
        names = {"to": ", ".join(addresses), "reason": reason}
        text = DELIVERY_TEXTS.get(state, DELIVERY_TEXTS["dropped"]) % names
        lines.append(format_html(DELIVERY, css_class, DELIVERY_ICONS.get(state, "envelope"), text))
    return mark_safe("".join(lines))  # noqa: S308  every line is escaped


def _quote_button(element_id: str, author: str, label: str) -> SafeString:
    return format_html(QUOTE, element_id, _("%(name)s wrote:") % {"name": author}, label)


def _time(at: datetime, *, with_seconds: bool = False) -> SafeString:
    local = timezone.localtime(at)
    text = formats.date_format(local, "SHORT_DATETIME_FORMAT")
    if with_seconds:  # both languages end with the minutes
        text += f":{local.second:02}"
    return format_html('<time class="quiet" datetime="{}">{}</time>', local.isoformat(), text)


def _attachments(attachments: Iterable[Attachment], conversation: Conversation) -> SafeString:
    if not attachments:
        return EMPTY
    context = {"attachments": attachments, "guest_token": conversation.guest_token}
    return mark_safe(get_template("web/_attachments.html").render(context))  # noqa: S308
