"""What the cache calls the notices of one person."""

from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from appliance.core import cache
from appliance.knowledge.models import Article
from appliance.notifications import email_builder
from appliance.notifications.models import Kind, Notification
from appliance.notifications.recipients import find_message
from appliance.sla.status import describe_event
from appliance.tickets.models import Event, Ticket


def subject_of(user_id: int) -> str:
    return f"notifications:{user_id}"


def changed_for(user_ids: list[int]) -> None:
    """The bells of these people look again once the transaction commits."""
    if user_ids:
        cache.invalidate(*map(subject_of, user_ids))


EXCERPT = 1_000  # characters of a message for an agent, who reads the rest on the desk
FULL_TEXT = 20_000  # and for the customer, to whom it was written
HEADLINES = {
    Kind.REVIEW: gettext_lazy("This article is due for review"),
    Kind.TEAM: gettext_lazy("This ticket is unassigned"),
    Kind.CHANGED: gettext_lazy("%(who)s updated your ticket"),
    Kind.WATCHED: gettext_lazy("%(who)s replied on a ticket you follow"),
    Kind.ANSWERED: gettext_lazy("%(who)s replied on your ticket"),
    Kind.ASSIGNED: gettext_lazy("%(who)s assigned this ticket to you"),
    Kind.MENTIONED: gettext_lazy("%(who)s mentioned you"),
    Kind.WARNING: gettext_lazy("SLA due soon on this ticket"),
    Kind.ESCALATED: gettext_lazy("This ticket was escalated"),
    Kind.ANSWER: gettext_lazy("%(who)s replied to you"),
    Kind.SOLVED: gettext_lazy("%(who)s solved your ticket"),
}


def headline(kind: str, who: str) -> str:
    """One line: what happened, and who did it."""
    return HEADLINES[Kind(kind)] % {"who": who or _("Help desk")}


def notification_line(notice: Notification) -> str:
    """The headline of a notice with whatever folded into it."""
    line = headline(notice.kind, notice.actor_name)
    if not notice.more:
        return line
    more = ngettext("and %(n)d more change", "and %(n)d more changes", notice.more)
    return f"{line}, {more % {'n': notice.more}}"


def subject(ticket: Ticket) -> str:
    """Subject line shared by all emails of a ticket, so that mail clients thread them."""
    return f"[{ticket.number}] {ticket.subject}"


def describe(event: Event, kind: Kind, *, for_customer: bool) -> str:
    """The headline and what was written, indented like a quotation."""
    lines = [headline(kind, event.actor_name)]
    if event.kind == Event.Kind.ESCALATED:
        lines.append(describe_event(event.data))
    message = find_message(event)
    if message:
        lines.append(_quote(message.body, FULL_TEXT if for_customer else EXCERPT))
    return "\n".join(lines)


def reviews_subject(articles: Sequence[Article]) -> str:
    subject = ngettext(
        "An article you own is due for review",
        "%(n)d articles you own are due for review",
        len(articles),
    )
    return subject % {"n": len(articles)}


def describe_reviews(articles: Sequence[Article]) -> str:
    """Each article with its date and its address."""
    due = _("review date %(day)s")
    lines = [
        f"{article.title}\n{due % {'day': article.review_on.isoformat()}}\n"
        + email_builder.to("article", article.pk)
        for article in articles
    ]
    return "\n\n".join(line.rstrip() for line in lines)


def _quote(text: str, most: int) -> str:
    shown = text if len(text) <= most else text[:most].rstrip() + " …"
    return "\n".join(f"> {line}".rstrip() for line in shown.strip().splitlines())
