"""The queues at the left of the list: what each is called, how many wait, where it leads."""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _

from appliance.tickets.filters import ANY, TicketFilter
from appliance.tickets.forms.filters import SENTIMENT_LABELS
from appliance.tickets.models import Priority, Status
from appliance.tickets.queries import MAX_COUNTED

Counts = dict[str, dict]


@dataclass(frozen=True)
class Queue:
    name: str
    label: str
    count: int | None
    query: str
    is_chosen: bool
    icon: str = ""
    key: str = ""  # of the keyboard

    @property
    def shown(self) -> str:
        return shown_count(self.count)


@dataclass(frozen=True)
class Section:
    """Queues of one dimension, which can be folded away."""

    name: str
    label: str
    queues: list[Queue]
    is_open: bool


# name, label, icon, key, what it narrows to
MAIN = (
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


def shown_count(count: int | None) -> str:
    """``1,000+`` where counting stopped; nothing where nobody counts."""
    if count is None:
        return ""
    if count == MAX_COUNTED + 1:
        return f"{number_format(MAX_COUNTED, force_grouping=True)}+"
    return number_format(count, force_grouping=True)


def list_main(counts: Counts, filters: TicketFilter, *, in_teams: bool, in_view: bool) -> list:
    """Each leads to itself alone. "My teams" is for those who have some."""
    return [
        Queue(name, label, _main_count(counts, expected), _link(expected), chosen, icon, key)
        for name, label, icon, key, expected in MAIN
        if in_teams or name != "my-teams"
        for chosen in [not in_view and _is_in(expected, filters)]
    ]


def _is_in(expected: dict, filters: TicketFilter) -> bool:
    chosen = filters.as_query()
    return expected.items() <= chosen.items() if expected else not chosen


def _main_count(counts: Counts, expected: dict) -> int:
    if not expected:
        return counts["total"]
    [(dimension, value)] = expected.items()
    return counts["premium"] if dimension == "premium" else counts[dimension].get(value, 0)


def list_sections(
    counts: Counts,
    filters: TicketFilter,
    categories: Iterable[tuple[str, str]],
    teams: Iterable[tuple[str, str]],
) -> list[Section]:
    """Queues by dimension; categories by their slugs, teams by their ids, each with its name.

    A link keeps the other dimensions; the chosen one leads out of it.
    """
    sections = (
        ("category", _("Category"), _categories(counts, categories)),
        ("priority", _("Priority"), {str(row.value): row.label for row in reversed(Priority)}),
        ("sentiment", _("Sentiment"), SENTIMENT_LABELS),
        ("tag", _("Tags"), {name: name for name in counts["tag"]}),
        ("team", _("Team"), dict(teams) | {"none": _("No team")}),
        ("status", _("Status"), dict(Status.choices) | {ANY: _("Any status")}),
    )
    chosen = filters.as_query()
    return [
        Section(name, label, queues, is_open=name in ("category", "priority") or name in chosen)
        for name, label, labels in sections
        for queues in [_queues(name, labels, counts, chosen)]
        if len(queues) > 1 or name in chosen
    ]


def _queues(dimension: str, labels: dict, counts: Counts, chosen: dict) -> list[Queue]:
    counted = dict.fromkeys(labels, 0) | {
        str(value): count for value, count in counts[dimension].items()
    }
    if dimension == "status":  # all that was ever closed is not counted
        counted |= {ANY: None, Status.CLOSED: None}
    return [
        _queue(dimension, value, label, counted[value], chosen) for value, label in labels.items()
    ]


def _queue(dimension: str, value: str, label: str, count: int | None, chosen: dict) -> Queue:
    is_chosen = chosen.get(dimension) == value
    others = {name: other for name, other in chosen.items() if name != dimension}
    query = _link(others if is_chosen else others | {dimension: value})
    return Queue(f"{dimension}-{value}", label, count, query, is_chosen)


def _categories(counts: Counts, categories: Iterable[tuple[str, str]]) -> dict[str, str]:
    named = dict(categories) | {"none": _("Uncategorised")}
    return {slug: name for slug, name in named.items() if counts["category"].get(slug)}


def _link(expected: dict) -> str:
    return f"?{urlencode(expected)}" if expected else ""
