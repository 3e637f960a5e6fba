"""The rows of the list, drawn in Python: a page has hundreds of cells, and a template that is
included for each takes ten times as long. What says the same in every row is made once a page.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from functools import cached_property

from django.urls import reverse
from django.utils.dates import MONTHS_3
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from appliance.agreements.templatetags.agreements import due
from appliance.tickets.models import Priority, Status, Ticket

ROW = '<tr id="row-{}" data-keys-item>{}<td class="t-subject">{}</td>%s</tr>\n'
SUBJECT = (
    '<a id="t{}" href="{}{}{}" data-keys-open>{}</a>'
    '<span class="t-under">{} · {}{}</span>'
)  # fmt: skip
CHOOSE = (
    '<td class="t-choose"><input class="form-check-input" type="checkbox" form="bulk"'
    ' name="ticket" value="{}" id="choose-{}" aria-label="{}"{}></td>'
)
PREMIUM = (
    ' <i class="bi bi-star-fill premium" title="{}"></i><span class="visually-hidden">{}</span>'
)
MOMENT = '<time datetime="{}" title="{}">{} {}, {}</time>'


class Words:
    """What cells say in the language of whoever looks, as HTML. For one page."""

    @cached_property
    def moods(self) -> dict[str | None, SafeString]:
        looks = {
            "negative": (" mood-negative", _("Unhappy"), "frown", _("negative")),
            "neutral": ("", _("Neutral"), "neutral", _("neutral")),
            "positive": (" mood-positive", _("Pleased"), "smile", _("positive")),
        }
        return {
            mood: format_html(
                '<span class="mood{}" title="{}"><i class="bi bi-emoji-{}" aria-hidden="true"></i>'
                '<span class="mood-word">{}</span></span>',
                *look,
            )
            for mood, look in looks.items()
        }

    def mood(self, name: str | None) -> SafeString:
        """One of MOODS, in a word and a face; anything else: nobody has read it."""
        return self.moods.get(name) or self.unread

    @cached_property
    def statuses(self) -> dict[str, SafeString]:
        return {
            value: format_html('<span class="badge status-{}">{}</span>', value, label)
            for value, label in Status.choices
        }

    @cached_property
    def priorities(self) -> dict[int, SafeString]:
        return {
            value: format_html('<span class="priority-{}">{}</span>', value, label)
            for value, label in Priority.choices
        }

    @cached_property
    def unread(self) -> SafeString:
        return _quiet(_("not read yet"))

    @cached_property
    def unsorted(self) -> SafeString:
        return _quiet(_("not sorted yet"))

    @cached_property
    def unsure(self) -> SafeString:
        return _quiet(_("not sure"))

    @cached_property
    def nobody(self) -> SafeString:
        return format_html(
            '<span class="quiet"><span aria-hidden="true">–</span>'
            '<span class="visually-hidden">{}</span></span>',
            _("nobody"),
        )

    @cached_property
    def premium(self) -> SafeString:
        return format_html(PREMIUM, _("Premium customer"), _("premium customer"))

    @cached_property
    def choose(self) -> str:
        return _("Choose %(number)s")

    @cached_property
    def months(self) -> list[str]:
        return ["", *(str(MONTHS_3[month]).title() for month in range(1, 13))]

    @cached_property
    def address(self) -> list[str]:
        """What stands before and after the number of a ticket."""
        return reverse("ticket", args=[0]).rsplit("0", 1)

    def moment(self, at: datetime) -> SafeString:
        at = localtime(at)
        clock = at.strftime("%H:%M")
        day = f"{at.year:04}-{at.month:02}-{at.day:02}"
        return format_html(
            MOMENT, at.isoformat(), f"{day} {clock}", at.day, self.months[at.month], clock
        )


def rows(
    tickets: Iterable[Ticket],
    columns: Sequence[str],
    *,
    may_choose: bool = False,
    chosen: Collection[int] = (),
) -> SafeString:
    """The rows of a list with these columns. No query when the tickets came through ``lists``."""
    words, cells = Words(), [CELLS[name] for name in columns]
    row = ROW % "".join(map(_cell, columns))
    return format_html_join(
        "",
        row,
        (
            (
                ticket.pk,
                _choose(ticket, words, chosen) if may_choose else "",
                _subject(ticket, words),
                *(say(ticket, words) for say in cells),
            )
            for ticket in tickets
        ),
    )


def _cell(name: str) -> str:
    return f'<td class="t-{"when" if name in ("updated", "created") else name}">{{}}</td>'


def _choose(ticket: Ticket, words: Words, chosen: Collection[int]) -> SafeString:
    checked = SafeString(" checked") if ticket.pk in chosen else ""
    label = words.choose % {"number": ticket.number}
    return format_html(CHOOSE, ticket.pk, ticket.pk, label, checked)


def _subject(ticket: Ticket, words: Words) -> SafeString:
    before, after = words.address
    customer = ticket.customer
    star = words.premium if customer.is_premium else ""
    return format_html(
        SUBJECT, ticket.pk, before, ticket.pk, after, ticket.subject,
        ticket.number, customer.full_name, star,
    )  # fmt: skip


def _category(ticket: Ticket, words: Words) -> str:
    if ticket.category:
        return ticket.category.name
    return words.unsorted if ticket.sentiment_score is None else words.unsure


def _tags(ticket: Ticket, words: Words) -> SafeString:
    names = ((tag.name,) for tag in ticket.tags.all())
    return format_html_join("", '<span class="tag">{}</span> ', names)


def _quiet(text: str) -> SafeString:
    return format_html('<span class="quiet">{}</span>', text)


CELLS: dict[str, Callable[[Ticket, Words], object]] = {
    "mood": lambda ticket, words: words.mood(ticket.mood),
    "category": _category,
    "status": lambda ticket, words: words.statuses.get(ticket.status, ticket.status),
    "priority": lambda ticket, words: words.priorities.get(ticket.priority, ticket.priority),
    "assignee": lambda ticket, words: ticket.assignee or words.nobody,
    "team": lambda ticket, words: ticket.team or "",
    "tags": _tags,
    "organisation": lambda ticket, words: ticket.customer.organisation or "",
    "due": lambda ticket, words: due(ticket),
    "updated": lambda ticket, words: words.moment(ticket.updated_at),
    "created": lambda ticket, words: words.moment(ticket.created_at),
}
