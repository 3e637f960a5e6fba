"""The rows of the ticket list as HTML, built in Python: a page has hundreds of cells, and including
a template for each takes ten times as long. What is equal in every row is built once a page.

Everything here returns HTML; all text of users goes through ``escape``.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from html import escape

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from appliance.core.languages import Language
from appliance.sla.templatetags.sla import due
from appliance.tickets.custom_fields import text_of_kind
from appliance.tickets.models import Priority, Status, Ticket
from appliance.tickets.queries import list_field_choices, list_field_kinds
from appliance.tickets.sorts import Sort
from appliance.triage.category_suggestions import SuggestedCategory, pick_suggestions


class CellTexts:
    """The fixed texts of cells as HTML, in the language of the request. For one page.

    ``categories`` are those that can be chosen: slug → name.
    """

    def __init__(self, categories: Mapping[str, str] | None = None) -> None:
        self.categories = categories or {}

    @cached_property
    def sentiments(self) -> dict[str | None, str]:
        styles = {
            "negative": (" sentiment-negative", _("Negative"), "frown", _("negative")),
            "neutral": ("", _("Neutral"), "neutral", _("neutral")),
            "positive": (" sentiment-positive", _("Positive"), "smile", _("positive")),
        }
        return {
            sentiment: f'<span class="sentiment{style}" title="{escape(title)}">'
            f'<i class="bi bi-emoji-{face}" aria-hidden="true"></i>'
            f'<span class="sentiment-word">{escape(word)}</span></span>'
            for sentiment, (style, title, face, word) in styles.items()
        }

    def sentiment(self, name: str | None) -> str:
        """Return one of SENTIMENTS as a word and an icon; anything else means not analysed yet."""
        return self.sentiments.get(name) or self.not_analysed

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
    def languages(self) -> dict[str, str]:
        return {value: escape(str(label)) for value, label in Language.choices}

    @cached_property
    def not_analysed(self) -> str:
        return _quiet(_("not analysed yet"))

    @cached_property
    def not_classified(self) -> str:
        return _quiet(_("not classified yet"))

    @cached_property
    def uncategorised(self) -> str:
        return _quiet(_("uncategorised"))

    @cached_property
    def guess(self) -> str:
        """Return the first suggestion for a category, to be filled in."""
        confirm = escape(_("Confirm category %(name)s for %(number)s"))
        return (
            '<span class="guess" hx-target="closest td" hx-swap="innerHTML">'
            f'<button {self._guess_attributes} id="confirm-%(pk)s" class="guess-first"'
            f' title="%(share)s&#8239;%%" aria-label="{confirm}">'
            '<bdi>%(name)s</bdi>? <i class="bi bi-check-lg" aria-hidden="true"></i></button>'
        )

    @cached_property
    def other_guesses(self) -> str:
        """Return the menu beside it, with the second suggestion and a link to the ticket."""
        label, other = escape(_("Other categories for %(number)s")), escape(_("Other …"))
        return (
            f'<details class="guess-menu" name="guess-menu" id="guesses-%(pk)s"><summary'
            f' aria-label="{label}"><i class="bi bi-chevron-down" aria-hidden="true"></i></summary>'
            f'<span class="guess-choices">%(choices)s<a href="%(url)s#classification">{other}</a>'
            "</span></details></span>"
        )

    @cached_property
    def second_guess(self) -> str:
        return (
            f"<button {self._guess_attributes}><bdi>%(name)s</bdi>"
            ' <span class="share">%(share)s&#8239;%%</span></button>'
        )

    # one form outside of the list serves all rows, also without JavaScript
    _guess_attributes = (
        'type="submit" form="confirm-category" formaction="%(action)s" hx-post="%(action)s"'
        ' name="category" value="%(slug)s"'
    )

    @cached_property
    def confirm_url(self) -> list[str]:
        return reverse("confirm-category", args=[0]).rsplit("0", 1)

    @cached_property
    def unassigned(self) -> str:
        label = _("unassigned")
        text = f'<span class="visually-hidden">{escape(label)}</span>'
        return f'<span class="quiet"><span aria-hidden="true">–</span>{text}</span>'

    @cached_property
    def premium(self) -> str:
        label = escape(_("VIP customer"))
        return (
            f' <i class="bi bi-star-fill premium" title="{label}"></i>'
            f'<span class="visually-hidden">{label}</span>'
        )

    @cached_property
    def select_label(self) -> str:
        return escape(_("Select %(number)s"))

    @cached_property
    def months(self) -> list[str]:
        """Return what follows the day in a date, by month: in both languages the day is first."""
        dates = (date(2000, month, 1) for month in range(1, 13))
        return ["", *(escape(date_format(day, "MONTH_DAY_FORMAT")[1:]) for day in dates)]

    @cached_property
    def ticket_url(self) -> list[str]:
        """The URL of a ticket without its number: what comes before it and after it."""
        return reverse("ticket", args=[0]).rsplit("0", 1)

    def time(self, at: datetime) -> str:
        """Return a date and time as the templates write it, only faster."""
        at = localtime(at)
        clock = f"{at.hour:02}:{at.minute:02}"
        return (
            f'<time datetime="{at.isoformat()}"'
            f' title="{at.day}{self.months[at.month]} {at.year}, {clock}">'
            f"{at.day}{self.months[at.month]}, {clock}</time>"
        )


def render_rows(
    tickets: Iterable[Ticket],
    columns: Sequence[str],
    *,
    can_select: bool = False,
    selected: Collection[int] = (),
    categories: Mapping[str, str] | None = None,
) -> SafeString:
    """Return the rows of a list with these columns. No query if the tickets were loaded with what
    the columns show. ``categories`` are those that are suggested: slug → name.
    """
    texts, parts = CellTexts(categories), []
    cells = [
        (CSS_CLASSES.get(name, name), CELLS.get(name) or _field_cell(name)) for name in columns
    ]
    for ticket in tickets:
        parts += [
            f'<tr id="row-{ticket.pk}" data-keys-item>',
            _checkbox(ticket, texts, ticket.pk in selected) if can_select else "",
            _subject(ticket, texts),
            *(
                f'<td class="t-{css_class}" dir="auto">{cell(ticket, texts)}</td>'
                for css_class, cell in cells
            ),
            "</tr>\n",
        ]
    return mark_safe("".join(parts))  # noqa: S308


def _checkbox(ticket: Ticket, texts: CellTexts, is_selected: bool) -> str:
    return (
        '<td class="t-choose"><input class="form-check-input" type="checkbox" form="bulk"'
        f' name="ticket" value="{ticket.pk}" id="choose-{ticket.pk}"'
        f' aria-label="{texts.select_label % {"number": ticket.number}}"'
        f"{' checked' if is_selected else ''}></td>"
    )


def _subject(ticket: Ticket, texts: CellTexts) -> str:
    before, after = texts.ticket_url
    customer, star = ticket.customer, texts.premium if ticket.customer.is_premium else ""
    return (
        f'<td class="t-subject"><a id="t{ticket.pk}" dir="auto" href="{before}{ticket.pk}{after}"'
        f" data-keys-open>{escape(ticket.subject)}</a>"
        f'<span class="t-under">{ticket.number} · '
        f'<bdi dir="auto">{escape(customer.full_name)}</bdi>{star}</span></td>'
    )


def render_category(
    ticket: Ticket, categories: Mapping[str, str], *, error: str = ""
) -> SafeString:
    """Return what the cell of the category holds, once it was confirmed or refused."""
    html = _category(ticket, CellTexts(categories))
    if error:
        html += f'<span class="field-error" role="alert">{escape(error)}</span>'
    else:  # the button that had the focus is gone
        html = f'<span tabindex="-1" autofocus>{html}</span>'
    return mark_safe(html)  # noqa: S308


def _category(ticket: Ticket, texts: CellTexts) -> str:
    if ticket.category:
        return escape(ticket.category.name)
    suggested = pick_suggestions(getattr(ticket, "category_scores", None), texts.categories)
    if suggested:
        return _guesses(ticket, suggested, texts)
    return texts.not_classified if ticket.sentiment_score is None else texts.uncategorised


def _guesses(ticket: Ticket, suggested: Sequence[SuggestedCategory], texts: CellTexts) -> str:
    first, *others = (
        {
            "pk": ticket.pk,
            "number": ticket.number,
            "action": str(ticket.pk).join(texts.confirm_url),
            "slug": escape(category.slug),
            "name": escape(category.name),
            "share": round(100 * category.score),
        }
        for category in suggested
    )
    choices = "".join(texts.second_guess % values for values in others)
    url = str(ticket.pk).join(texts.ticket_url)
    menu = texts.other_guesses % (first | {"choices": choices, "url": url})
    return texts.guess % first + menu


def _tags(ticket: Ticket, texts: CellTexts) -> str:
    return "".join(
        f'<span class="tag" dir="auto">{escape(tag.name)}</span> ' for tag in ticket.tags.all()
    )


def _css_class(column: str) -> str:
    return CSS_CLASSES.get(column, column.partition(":")[0])


def _field_cell(column: str) -> Callable[[Ticket, CellTexts], str]:
    """Return what writes the value of a custom field."""
    key = column.removeprefix(FIELD_PREFIX)
    kinds = dict(list_field_kinds())
    return lambda ticket, texts: escape(text_of_kind(kinds.get(key, ""), ticket.fields.get(key)))


def _text(value: object | None) -> str:
    return escape(str(value)) if value else ""


def _quiet(text: str) -> str:
    return f'<span class="quiet">{escape(text)}</span>'


CSS_CLASSES = {"updated": "when t-updated", "created": "when t-created"}
CELLS: dict[str, Callable[[Ticket, CellTexts], str]] = {
    "sentiment": lambda ticket, texts: texts.sentiment(getattr(ticket, "sentiment", None)),
    "category": _category,
    "status": lambda ticket, texts: texts.statuses.get(ticket.status, ""),
    "priority": lambda ticket, texts: texts.priorities.get(ticket.priority, ""),
    "assignee": lambda ticket, texts: _text(ticket.assignee) or texts.unassigned,
    "team": lambda ticket, texts: _text(ticket.team),
    "language": lambda ticket, texts: texts.languages.get(ticket.language, ""),
    "tags": _tags,
    "organisation": lambda ticket, texts: _text(ticket.customer.organisation),
    "due": lambda ticket, texts: due(ticket),
    "updated": lambda ticket, texts: texts.time(ticket.updated_at),
    "created": lambda ticket, texts: texts.time(ticket.created_at),
}


@dataclass(frozen=True)
class Column:
    name: str
    label: str | Promise
    sorts: tuple[str, ...] = ()  # names of the sorts that follow it


@dataclass(frozen=True)
class Heading:
    """The heading of a column: which sort a click on it gives, and the present order."""

    name: str
    label: str | Promise
    sort: str  # empty where nothing is sorted by this column
    order: str  # value of aria-sort; empty while the list is sorted by another column


COLUMNS = {
    column.name: column
    for column in (
        Column("sentiment", gettext_lazy("Sentiment")),
        Column("category", gettext_lazy("Category")),
        Column("status", gettext_lazy("Status")),
        Column("priority", gettext_lazy("Priority"), ("priority",)),
        Column("assignee", gettext_lazy("Assignee")),
        Column("team", gettext_lazy("Team")),
        Column("language", gettext_lazy("Language")),
        Column("tags", gettext_lazy("Tags")),
        Column("organisation", gettext_lazy("Organisation")),
        Column("due", gettext_lazy("SLA"), ("due",)),
        Column("updated", gettext_lazy("Updated"), ("updated", "stale")),
        Column("created", gettext_lazy("Created"), ("newest", "oldest")),
    )
}
FIELD_PREFIX = "field:"  # of the name of a column, before the key of a custom field
DEFAULT_COLUMNS = ("sentiment", "category", "status", "priority", "assignee", "due", "created")


def find_columns(names: Iterable[str], sort: Sort) -> list[Column]:
    """Return the columns of a view, or the default ones; the sort column is always included."""
    columns = all_columns()
    shown = [name for name in names if name in columns] or list(DEFAULT_COLUMNS)
    ordering = next((name for name, column in COLUMNS.items() if sort.name in column.sorts), "")
    if ordering == "updated" and not names:
        shown.remove("created")
    return [column for name, column in columns.items() if name in {*shown, ordering}]


def all_columns() -> dict[str, Column]:
    """Return the columns by name, with one for each custom field."""
    names = [(f"{FIELD_PREFIX}{key}", label) for key, label in list_field_choices()]
    return COLUMNS | {name: Column(name, label) for name, label in names}


def list_headings(columns: Iterable[Column], sort: Sort) -> list[Heading]:
    return [_heading(column, sort) for column in columns]


def _heading(column: Column, sort: Sort) -> Heading:
    if sort.name not in column.sorts:
        first = column.sorts[0] if column.sorts else ""
        return Heading(column.name, column.label, first, "")
    others = [name for name in column.sorts if name != sort.name]
    order = "descending" if sort.is_descending else "ascending"
    return Heading(column.name, column.label, others[0] if others else sort.name, order)
