"""The queues beside the ticket list: what each is called, how many tickets wait in it, its link."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from appliance.tickets.filters import ANY_STATUS, TicketFilter
from appliance.tickets.forms.filters import SENTIMENT_LABELS
from appliance.tickets.models import Priority, Status
from appliance.tickets.queries import MAX_COUNTED

Counts = Mapping[str, Any]  # as tickets.queries.count_open returns them
Filters = dict[str, str]  # as the query string of the list holds them
Labels = Mapping[str, str | Promise]


@dataclass(frozen=True)
class Queue:
    name: str
    label: str | Promise
    count: int | None  # None where nobody counts
    query: str  # query string of the list, empty or with its question mark
    is_active: bool
    icon: str = ""

    @property
    def count_label(self) -> str:
        return format_count(self.count)


@dataclass(frozen=True)
class Section:
    """The queues of one property of tickets; the section can be folded."""

    name: str
    label: str | Promise
    queues: list[Queue]
    is_open: bool


# name, label, icon, key, filters
MAIN_QUEUES: tuple[tuple[str, str | Promise, str, str, Filters], ...] = (
    ("open", _("All open"), "inbox", "g o", {}),
    ("mine", _("My tickets"), "person-check", "g m", {"assignee": "me"}),
    ("unassigned", _("Unassigned"), "person-dash", "g u", {"assignee": "nobody"}),
    ("my-teams", _("My teams"), "people", "g t", {"team": "mine"}),
    ("overdue", _("Overdue"), "alarm", "g d", {"due": "overdue"}),
    ("soon", _("Due soon"), "hourglass-split", "g s", {"due": "soon"}),
    ("waiting", _("Waiting"), "reply", "g w", {"status": "waiting"}),
    ("hold", _("On hold"), "pause-circle", "g p", {"status": "hold"}),
    ("premium", _("VIP"), "star", "", {"premium": "1"}),
)


def format_count(count: int | None) -> str:
    """Return "1,000+" where counting stopped, and an empty text where nobody counts."""
    if count is None:
        return ""
    if count == MAX_COUNTED + 1:
        return f"{number_format(MAX_COUNTED, force_grouping=True)}+"
    return number_format(count, force_grouping=True)


def list_main_queues(
    counts: Counts, ticket_filter: TicketFilter, *, in_teams: bool, in_view: bool
) -> list[Queue]:
    """Return the queues at the top; each link replaces all filters by its own.

    "My teams" is left out unless ``in_teams``; none is active ``in_view``, a saved view.
    """
    return [
        Queue(
            name,
            label,
            _count_main_queue(counts, filters),
            query_string(filters),
            is_active=not in_view and _is_active(filters, ticket_filter),
            icon=icon,
        )
        for name, label, icon, _, filters in MAIN_QUEUES
        if in_teams or name != "my-teams"
    ]


def find_main_queue_label(filters: Filters) -> str:
    """Return the label of the queue with exactly these filters, or an empty text."""
    labels = (str(label) for _, label, _, _, own in MAIN_QUEUES if own == filters)
    return next(labels, "")


def _is_active(filters: Filters, ticket_filter: TicketFilter) -> bool:
    active = ticket_filter.as_query()
    return filters.items() <= active.items() if filters else not active


def _count_main_queue(counts: Counts, filters: Filters) -> int:
    if not filters:
        return counts["total"]
    [(name, value)] = filters.items()
    return counts["premium"] if name == "premium" else counts[name].get(value, 0)


def list_sections(
    counts: Counts,
    ticket_filter: TicketFilter,
    categories: Iterable[tuple[str, str]],
    teams: Iterable[tuple[str, str]],
) -> list[Section]:
    """Return the queues by property; ``categories`` are (slug, name), ``teams`` are (id, name).

    A link keeps the filters of other properties; the link of an active queue removes its filter.
    """
    sections: tuple[tuple[str, str | Promise, Labels], ...] = (
        ("category", _("Category"), _category_labels(counts, categories)),
        ("priority", _("Priority"), {str(item.value): item.label for item in reversed(Priority)}),
        ("sentiment", _("Sentiment"), SENTIMENT_LABELS),
        ("tag", _("Tags"), {name: name for name in counts["tag"]}),
        ("team", _("Team"), {**dict(teams), "none": _("No team")}),
        ("status", _("Status"), {**dict(Status.choices), ANY_STATUS: _("Any status")}),
    )
    active = ticket_filter.as_query()
    return [
        Section(
            name,
            label,
            _list_queues(name, labels, counts, active),
            is_open=name in ("category", "priority") or name in active,
        )
        for name, label, labels in sections
        if len(labels) > 1 or name in active
    ]


def _list_queues(name: str, labels: Labels, counts: Counts, active: Filters) -> list[Queue]:
    by_value: dict[str, int | None] = {str(value): n for value, n in counts[name].items()}
    if name == "status":  # nobody counts all that was ever closed
        by_value |= {ANY_STATUS: None, Status.CLOSED: None}
    return [
        _build_queue(name, value, label, by_value.get(value, 0), active)
        for value, label in labels.items()
    ]


def _build_queue(
    name: str, value: str, label: str | Promise, count: int | None, active: Filters
) -> Queue:
    is_active = active.get(name) == value
    others = {key: other for key, other in active.items() if key != name}
    query = query_string(others if is_active else others | {name: value})
    return Queue(f"{name}-{value}", label, count, query, is_active)


def _category_labels(counts: Counts, categories: Iterable[tuple[str, str]]) -> Labels:
    labels: Labels = {**dict(categories), "none": _("Uncategorised")}
    return {slug: label for slug, label in labels.items() if counts["category"].get(slug)}


def query_string(filters: Filters) -> str:
    return f"?{urlencode(filters)}" if filters else ""
