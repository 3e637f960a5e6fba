"""Texts and addresses in notifications and e-mails."""

from collections.abc import Sequence
from copy import copy

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from appliance.core.queries import absolute_url
from appliance.knowledge.models import Article
from appliance.notifications import fragments
from appliance.notifications.event_texts import describe_event
from appliance.notifications.fragments import Fragment
from appliance.notifications.models import Kind, Notification, OutgoingEmail
from appliance.sla import status as sla_status
from appliance.tickets.models import Event, Message, Ticket
from appliance.tickets.queries import OTHER_TICKET
from appliance.tickets.words import as_text
from appliance.triage.drift.queries import Alarm

MAX_EXCERPT_CHARACTERS = 1_000  # for an agent, who reads the rest on the page of the ticket
MAX_MESSAGE_CHARACTERS = 20_000  # for the customer, to whom it was written
HEADLINES = {
    Kind.QUALITY: gettext_lazy("Model quality: this measure is over its limit"),
    Kind.REVIEW: gettext_lazy("This article is due for review"),
    Kind.TEAM: gettext_lazy("This ticket is unassigned"),
    Kind.CHANGED: gettext_lazy("%(who)s updated your ticket"),
    Kind.WATCHED: gettext_lazy("%(who)s replied on a ticket you follow"),
    Kind.ANSWERED: gettext_lazy("%(who)s replied on your ticket"),
    Kind.ASSIGNED: gettext_lazy("%(who)s assigned this ticket to you"),
    Kind.MENTIONED: gettext_lazy("%(who)s mentioned you"),
    Kind.INCIDENT: gettext_lazy("Many similar tickets: one incident?"),
    Kind.WARNING: gettext_lazy("SLA due soon on this ticket"),
    Kind.ESCALATED: gettext_lazy("This ticket was escalated"),
    Kind.RECEIVED: gettext_lazy("We have received your request"),
    Kind.FORWARD: gettext_lazy("%(who)s sends you a request"),
    Kind.COPY: gettext_lazy("%(who)s replied"),
    Kind.ANSWER: gettext_lazy("%(who)s replied to you"),
    Kind.SOLVED: gettext_lazy("%(who)s solved your ticket"),
}


def headline(kind: str, actor_name: str, event: Event | None = None) -> str:
    """Return one line: what happened, and who did it. Without the event it says less."""
    names = {"who": actor_name or _("Help desk")}
    if event and kind == Kind.CHANGED:
        return f"{names['who']} {describe_event(_without_other_tickets(event))}"
    if event and kind == Kind.WATCHED and event.kind == Event.Kind.NOTED:
        return _("%(who)s added an internal note on a ticket you follow") % names
    if event and kind == Kind.TEAM and event.data.get("why") == "no_access":
        text = _("This ticket is unassigned: %(name)s can no longer work on it")
        return text % {"name": event.before or _("the assignee")}
    return HEADLINES[Kind(kind)] % names


def _without_other_tickets(event: Event) -> Event:
    """Return a copy that names no number of another ticket, which the reader may not see."""
    event = copy(event)
    event.data = {key: 0 if key in OTHER_TICKET else value for key, value in event.data.items()}
    return event


def notification_line(notification: Notification) -> str:
    """Return the headline of a notification and how many more events it stands for."""
    line = headline(notification.kind, notification.actor_name, notification.event)
    count = notification.additional_count
    if not count:
        return line
    more = ngettext("and %(n)d more change", "and %(n)d more changes", count)
    return f"{line}, {more % {'n': count}}"


def ticket_subject(ticket: Ticket) -> str:
    """Return the subject of all e-mails of a ticket, so that e-mail clients group them."""
    return f"[{ticket.number}] {ticket.subject}"


def describe_event_for_email(
    event: Event, message: Message | None, kind: Kind, *, for_customer: bool
) -> Fragment:
    """Return the headline and the message: to agents a quotation of its beginning."""
    fragment = fragments.of_line(headline(kind, event.actor_name, event))
    if event.kind == Event.Kind.ESCALATED:
        fragment += fragments.of_line(sla_status.describe_event(event.data))
    if message and for_customer:
        fragment += _whole_message(message)
    elif message:
        fragment += _beginning(as_text(message), MAX_EXCERPT_CHARACTERS, is_quoted=True)
    return fragment


def more_in_ticket() -> str:
    """Return what an e-mail says instead of what no longer fits into it."""
    return _("More has happened since: read it in the ticket.")


def _whole_message(message: Message) -> Fragment:
    fragment = fragments.of_message(message)
    if len(fragment.text) <= MAX_MESSAGE_CHARACTERS:
        return fragment
    return _beginning(fragment.text, MAX_MESSAGE_CHARACTERS)


def _beginning(text: str, limit: int, *, is_quoted: bool = False) -> Fragment:
    """Return the text, or its beginning and a line that says what is missing."""
    fragment, missing = fragments.of_plain_text(text[:limit].strip("\n")), len(text) - limit
    if is_quoted:
        fragment = fragments.quoted(fragment)
    if missing > 0:
        rest = ngettext(
            "[%(n)d more character: read it in the ticket.]",
            "[%(n)d more characters: read them in the ticket.]",
            missing,
        )
        fragment += fragments.of_line(rest % {"n": missing})
    return fragment


def digest_part(email: OutgoingEmail, link: str) -> Fragment:
    """Return what a digest says about one ticket."""
    title = fragments.of_title(email.subject)
    link_line = fragments.of_link(link) if link else fragments.NOTHING
    text = "\n".join(filter(None, [title.text, email.body, link_line.text]))
    return Fragment(text, f"{title.html}{html_of(email)}{link_line.html}")


def html_of(email: OutgoingEmail) -> str:
    """Return what happened as HTML."""
    return email.html or fragments.of_plain_text(email.body).html


def quality_subject(alarms: Sequence[Alarm]) -> str:
    subject = ngettext(
        "A measure of model quality is over its limit",
        "%(n)d measures of model quality are over their limits",
        len(alarms),
    )
    return subject % {"n": len(alarms)}


def quality_body(alarms: Sequence[Alarm]) -> str:
    """Return each measure with its month, and the address of the page that explains them."""
    lines = [
        f"{alarm.measure.label}, {date_format(alarm.month, 'YEAR_MONTH_FORMAT')}"
        for alarm in alarms
    ]
    about = _("The page “Model quality” says what each one means and what to do about it.")
    return "\n".join([*lines, "", about, absolute_url("model-quality")]).rstrip()


def review_subject(articles: Sequence[Article]) -> str:
    subject = ngettext(
        "An article you own is due for review",
        "%(n)d articles you own are due for review",
        len(articles),
    )
    return subject % {"n": len(articles)}


def review_body(articles: Sequence[Article]) -> str:
    """Return each article with its review date and its address."""
    due = _("review date %(day)s")
    parts = [
        f"{article.title}\n{due % {'day': date_format(article.review_on or '')}}\n"
        + absolute_url("article", article.pk)
        for article in articles
    ]
    return "\n\n".join(part.rstrip() for part in parts)
