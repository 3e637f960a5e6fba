"""The rows of the list, drawn in Python: a page has hundreds of cells, and a template that is
included for each takes ten times as long. What says the same in every row is made once a page.

Everything here returns HTML; what people wrote goes through ``escape`` on its way.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from html import escape

from django.urls import reverse
from django.utils.dates import MONTHS_3
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from appliance.sla.templatetags.sla import due
from appliance.tickets.models import Priority, Status, Ticket
from appliance.tickets.sorts import Sort


class Words:
    """What cells say in the language of whoever looks, as HTML. For one page."""

    @cached_property
    def sentiments(self) -> dict[str | None, str]:
        looks = {
            "negative": (" sentiment-negative", _("Negative"), "frown", _("negative")),
            "neutral": ("", _("Neutral"), "neutral", _("neutral")),
            "positive": (" sentiment-positive", _("Positive"), "smile", _("positive")),
        }
        return {
            sentiment: f'<span class="sentiment{style}" title="{escape(title)}">'
            f'<i class="bi bi-emoji-{face}" aria-hidden="true"></i>'
            f'<span class="sentiment-word">{escape(word)}</span></span>'
            for sentiment, (style, title, face, word) in looks.items()
        }

    def sentiment(self, name: str | None) -> str:
        """One of SENTIMENTS, in a word and a face; anything else: nobody has read it."""
        return self.sentiments.get(name) or self.unread

    @cached_property
    def statuses(self) -> dict[str, str]:
        return {
            value: f'<span class="badge status-{value}">{escape(str(label))}</span>'
            for value, label in Status.choices
        }

    @cached_property
    def priorities(self) -> dict[int, str]:
        return {
            value: f'<span class="priority-{value}">{escape(str(label))}</span>'
            for value, label in Priority.choices
        }

    @cached_property
    def unread(self) -> str:
        return _quiet(_("not analysed yet"))

    @cached_property
    def unsorted(self) -> str:
        return _quiet(_("not classified yet"))

    @cached_property
    def unsure(self) -> str:
        return _quiet(_("uncategorised"))

    @cached_property
    def nobody(self) -> str:
        text = f'<span class="visually-hidden">{escape(_("unassigned"))}</span>'
        return f'<span class="quiet"><span aria-hidden="true">–</span>{text}</span>'

    @cached_property
    def premium(self) -> str:
        return (
            f' <i class="bi bi-star-fill premium" title="{escape(_("Premium customer"))}"></i>'
            f'<span class="visually-hidden">{escape(_("premium customer"))}</span>'
        )

    @cached_property
    def choose(self) -> str:
        return escape(_("Select %(number)s"))

    @cached_property
    def months(self) -> list[str]:
        return ["", *(escape(str(MONTHS_3[month]).title()) for month in range(1, 13))]

    @cached_property
    def address(self) -> list[str]:
        """What stands before and after the number of a ticket."""
        return reverse("ticket", args=[0]).rsplit("0", 1)

    def moment(self, at: datetime) -> str:
        at = localtime(at)
        clock = f"{at.hour:02}:{at.minute:02}"
        return (
            f'<time datetime="{at.isoformat()}"'
            f' title="{at.year:04}-{at.month:02}-{at.day:02} {clock}">'
            f"{at.day} {self.months[at.month]}, {clock}</time>"
        )


def rows(
    tickets: Iterable[Ticket],
    columns: Sequence[str],
    *,
    may_choose: bool = False,
    chosen: Collection[int] = (),
) -> SafeString:
    """The rows of a list with these columns. No query when the tickets came through ``lists``."""
    words, drawn = Words(), []
    cells = [(STYLES.get(name, name), CELLS[name]) for name in columns]
    for ticket in tickets:
        drawn += [
            f'<tr id="row-{ticket.pk}" data-keys-item>',
            _choose(ticket, words, ticket.pk in chosen) if may_choose else "",
            _subject(ticket, words),
            *(f'<td class="t-{style}">{say(ticket, words)}</td>' for style, say in cells),
            "</tr>\n",
        ]
    return mark_safe("".join(drawn))  # noqa: S308


def _choose(ticket: Ticket, words: Words, is_chosen: bool) -> str:
    return (
        '<td class="t-choose"><input class="form-check-input" type="checkbox" form="bulk"'
        f' name="ticket" value="{ticket.pk}" id="choose-{ticket.pk}"'
        f' aria-label="{words.choose % {"number": ticket.number}}"'
        f"{' checked' if is_chosen else ''}></td>"
    )


def _subject(ticket: Ticket, words: Words) -> str:
    before, after = words.address
    customer, star = ticket.customer, words.premium if ticket.customer.is_premium else ""
    return (
        f'<td class="t-subject"><a id="t{ticket.pk}" href="{before}{ticket.pk}{after}"'
        f" data-keys-open>{escape(ticket.subject)}</a>"
        f'<span class="t-under">{ticket.number} · {escape(customer.full_name)}{star}</span></td>'
    )


def _category(ticket: Ticket, words: Words) -> str:
    if ticket.category:
        return escape(ticket.category.name)
    return words.unsorted if ticket.sentiment_score is None else words.unsure


def _tags(ticket: Ticket, words: Words) -> str:
    return "".join(f'<span class="tag">{escape(tag.name)}</span> ' for tag in ticket.tags.all())


def _named(row: object | None) -> str:
    return escape(str(row)) if row else ""


def _quiet(text: str) -> str:
    return f'<span class="quiet">{escape(text)}</span>'


STYLES = {"updated": "when", "created": "when"}  # of columns that have not their own
CELLS: dict[str, Callable[[Ticket, Words], str]] = {
    "sentiment": lambda ticket, words: words.sentiment(ticket.sentiment),
    "category": _category,
    "status": lambda ticket, words: words.statuses.get(ticket.status, ""),
    "priority": lambda ticket, words: words.priorities.get(ticket.priority, ""),
    "assignee": lambda ticket, words: _named(ticket.assignee) or words.nobody,
    "team": lambda ticket, words: _named(ticket.team),
    "tags": _tags,
    "organisation": lambda ticket, words: _named(ticket.customer.organisation),
    "due": lambda ticket, words: due(ticket),
    "updated": lambda ticket, words: words.moment(ticket.updated_at),
    "created": lambda ticket, words: words.moment(ticket.created_at),
}


@dataclass(frozen=True)
class Column:
    name: str
    label: str
    sorts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Heading:
    """A column above the present list: which order a click on it gives, how it stands now."""

    name: str
    label: str
    sort: str  # empty: this column orders nothing
    order: str  # as aria-sort calls it; empty: the list stands in another order


COLUMNS = {
    column.name: column
    for column in (
        Column("sentiment", gettext_lazy("Sentiment")),
        Column("category", gettext_lazy("Category")),
        Column("status", gettext_lazy("Status")),
        Column("priority", gettext_lazy("Priority"), ("priority",)),
        Column("assignee", gettext_lazy("Assignee")),
        Column("team", gettext_lazy("Team")),
        Column("tags", gettext_lazy("Tags")),
        Column("organisation", gettext_lazy("Organisation")),
        Column("due", gettext_lazy("SLA"), ("due",)),
        Column("updated", gettext_lazy("Updated"), ("updated", "stale")),
        Column("created", gettext_lazy("Created"), ("newest", "oldest")),
    )
}
USUAL = ("sentiment", "category", "status", "priority", "assignee", "due", "created")


def find_columns(names: Iterable[str], sort: Sort) -> list[Column]:
    """Columns of the view, or the default columns; the sort column is always included."""
    chosen = [name for name in names if name in COLUMNS] or list(USUAL)
    ordering = next((name for name, column in COLUMNS.items() if sort.name in column.sorts), "")
    if ordering == "updated" and not names:
        chosen.remove("created")
    return [column for name, column in COLUMNS.items() if name in {*chosen, ordering}]


def headings(columns: Iterable[Column], sort: Sort) -> list[Heading]:
    return [_heading(column, sort) for column in columns]


def _heading(column: Column, sort: Sort) -> Heading:
    if sort.name not in column.sorts:
        first = column.sorts[0] if column.sorts else ""
        return Heading(column.name, column.label, first, "")
    others = [name for name in column.sorts if name != sort.name]
    order = "descending" if sort.is_descending else "ascending"
    return Heading(column.name, column.label, others[0] if others else sort.name, order)
