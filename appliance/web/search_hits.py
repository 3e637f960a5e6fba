"""Search results as HTML, built in Python because a page has dozens of them."""

from collections.abc import Sequence

from django.template.defaultfilters import date
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from appliance.accounts.models import Customer, Viewer
from appliance.knowledge.models import Article
from appliance.search.hits import Hit
from appliance.tickets.models import Message, Ticket

ICONS = {"ticket": "inbox", "customer": "person", "article": "journal-text"}
MATCH_LABELS = {
    "exact": gettext_lazy("exact match"),
    "meaning": gettext_lazy("meaning"),
    "typo": gettext_lazy("similar spelling"),
    "message": gettext_lazy("message"),
    "name": gettext_lazy("name"),
    "words": gettext_lazy("text"),
}
HIT = (
    '<li class="hit" data-keys-item>\n'
    '  <h2><i class="bi bi-{}" aria-hidden="true"></i>'
    ' <a href="{}" dir="auto" data-keys-open>{}</a></h2>\n'
    '  <p dir="auto">{}{}</p>\n'
    '  <p class="why" dir="auto">{}{}</p>\n'
    "</li>\n"
)
SUGGESTION = (
    '<a class="quick-hit" role="option" id="quick-{}" aria-selected="false" tabindex="-1"'
    ' href="{}"><i class="bi bi-{}" aria-hidden="true"></i>'
    '<span class="quick-title">{}</span><small>{}</small></a>\n'
)


def render_hits(hits: Sequence[Hit], viewer: Viewer, *, shows_match: bool) -> SafeString:
    """Render the list of hits; ``shows_match`` adds how each one matched."""
    return format_html_join("", "{}", ((_render_hit(hit, viewer, shows_match),) for hit in hits))


def render_suggestions(hits: Sequence[Hit], viewer: Viewer) -> SafeString:
    """Render the suggestions under the search field, numbered from 1."""
    return format_html_join(
        "",
        SUGGESTION,
        (
            (place, _url(hit), ICONS[hit.kind], hit.marked_title, _short_label(hit, viewer))
            for place, hit in enumerate(hits, start=1)
        ),
    )


def _url(hit: Hit) -> str:
    """Return the URL of a hit; a customer leads to their tickets."""
    if hit.kind == "customer":
        return f"{reverse('dashboard')}?customer={hit.id}&status=any"
    return reverse(hit.kind, args=[hit.id])


def _render_hit(hit: Hit, viewer: Viewer, shows_match: bool) -> SafeString:
    return format_html(
        HIT,
        ICONS[hit.kind],
        _url(hit),
        hit.marked_title,
        _message_author(hit),
        hit.snippet,
        _describe(hit.object, viewer),
        _matched_by(hit) if shows_match else "",
    )


def _message_author(hit: Hit) -> SafeString | str:
    if hit.message is None:
        return ""
    text = (
        _("%(name)s added an internal note:")
        if hit.message.kind == Message.Kind.NOTE
        else _("%(name)s wrote:")
    )
    return format_html(
        '<span class="message-author">{}</span> ', text % {"name": hit.message.author_name}
    )


def _describe(match: Ticket | Article | Customer, viewer: Viewer) -> SafeString | str:
    if isinstance(match, Customer):
        return _("Customer")
    if isinstance(match, Ticket):
        return _describe_ticket(match, viewer)
    label = _("Article")
    is_published = match.status == Article.Status.PUBLISHED
    return label if is_published else f"{label} · {match.get_status_display()}"


def _describe_ticket(ticket: Ticket, viewer: Viewer) -> SafeString:
    created_at = localtime(ticket.created_at)
    is_agent = viewer.is_authenticated and viewer.is_agent
    return format_html(
        '{} · {} · <time datetime="{}">{}</time>{}',
        ticket.number,
        ticket.get_status_display(),
        created_at.isoformat(),
        date(created_at, "DATE_FORMAT"),
        f" · {ticket.customer.full_name}" if is_agent else "",
    )


def _matched_by(hit: Hit) -> str:
    names = ", ".join(str(MATCH_LABELS[name]) for name in hit.matched_by)
    return " · " + _("found by %(names)s") % {"names": names}


def _short_label(hit: Hit, viewer: Viewer) -> str:
    if isinstance(hit.object, Ticket):
        parts = [hit.object.number, str(hit.object.get_status_display())]
        if viewer.is_authenticated and viewer.is_agent:
            parts.append(hit.object.customer.full_name)
        return " · ".join(parts)
    return hit.object.contact_email if isinstance(hit.object, Customer) else _("Article")
