"""Search results as HTML, built in Python because a page has dozens of them."""

from collections.abc import Sequence

from django.template.defaultfilters import date
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from appliance.accounts.models import User
from appliance.search.hits import Hit

ICONS = {"ticket": "inbox", "customer": "person", "article": "journal-text"}
MATCH_LABELS = {
    "exact": gettext_lazy("exact match"),
    "meaning": gettext_lazy("meaning"),
    "typo": gettext_lazy("similar spelling"),
    "message": gettext_lazy("message"),
    "name": gettext_lazy("name"),
    "words": gettext_lazy("text"),
}
_HIT = (
    '<li class="hit" data-keys-item>\n'
    '  <h2><i class="bi bi-{}" aria-hidden="true"></i>'
    ' <a href="{}" data-keys-open>{}</a></h2>\n'
    "  <p>{}{}</p>\n"
    '  <p class="why">{}{}</p>\n'
    "</li>\n"
)
_QUICK = (
    '<a class="quick-hit" role="option" id="quick-{}" aria-selected="false" tabindex="-1"'
    ' href="{}"><i class="bi bi-{}" aria-hidden="true"></i>'
    '<span class="quick-title">{}</span><small>{}</small></a>\n'
)


def items(hits: Sequence[Hit], viewer: User, *, shows_match: bool) -> SafeString:
    """Render the list of hits; ``shows_match`` adds how each one matched."""
    return format_html_join("", "{}", ((_item(hit, viewer, shows_match),) for hit in hits))


def quick_items(hits: Sequence[Hit]) -> SafeString:
    """Render the suggestions under the search box, numbered from 1."""
    return format_html_join(
        "",
        _QUICK,
        (
            (place, address(hit), ICONS[hit.kind], hit.marked_title, _short_label(hit))
            for place, hit in enumerate(hits, start=1)
        ),
    )


def address(hit: Hit) -> str:
    """Return the URL of a hit; a customer leads to their tickets."""
    if hit.kind == "customer":
        return f"{reverse('dashboard')}?customer={hit.id}&status=any"
    return reverse(hit.kind, args=[hit.id])


def _item(hit: Hit, viewer: User, shows_match: bool) -> SafeString:
    return format_html(
        _HIT,
        ICONS[hit.kind],
        address(hit),
        hit.marked_title,
        _message_author(hit),
        hit.snippet,
        _describe(hit, viewer),
        _matched_by(hit) if shows_match else "",
    )


def _message_author(hit: Hit) -> SafeString | str:
    if hit.message is None:
        return ""
    text = (
        _("%(name)s added an internal note:")
        if hit.message.kind == "note"
        else _("%(name)s wrote:")
    )
    return format_html(
        '<span class="message-author">{}</span> ', text % {"name": hit.message.author_name}
    )


def _describe(hit: Hit, viewer: User) -> SafeString | str:
    if hit.kind == "customer":
        return _("Customer")
    if hit.kind == "ticket":
        return _describe_ticket(hit, viewer)
    is_published = hit.object.status == "published"
    return _("Article") if is_published else f"{_('Article')} · {hit.object.get_status_display()}"


def _describe_ticket(hit: Hit, viewer: User) -> SafeString:
    ticket, created_at = hit.object, localtime(hit.object.created_at)
    asker = f" · {ticket.customer.full_name}" if viewer.is_authenticated and viewer.is_agent else ""
    return format_html(
        '{} · {} · <time datetime="{}">{}</time>{}',
        ticket.number,
        ticket.get_status_display(),
        created_at.isoformat(),
        date(created_at, "j M Y"),
        asker,
    )


def _matched_by(hit: Hit) -> str:
    return f" · {_('found by')} {', '.join(str(MATCH_LABELS[name]) for name in hit.matched_by)}"


def _short_label(hit: Hit) -> str:
    if hit.kind == "ticket":
        return hit.object.number
    return hit.object.email if hit.kind == "customer" else _("Article")
