"""What a row of the list can show beside its subject, and which orders a heading offers."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from appliance.tickets.sorts import Sort


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
        Column("mood", _("Sentiment")),
        Column("category", _("Category")),
        Column("status", _("Status")),
        Column("priority", _("Priority"), ("priority",)),
        Column("assignee", _("Assignee")),
        Column("team", _("Team")),
        Column("tags", _("Tags")),
        Column("organisation", _("Organisation")),
        Column("due", _("SLA"), ("due",)),
        Column("updated", _("Updated"), ("updated", "stale")),
        Column("created", _("Created"), ("newest", "oldest")),
    )
}
USUAL = ("mood", "category", "status", "priority", "assignee", "due", "created")


def find_columns(names: Iterable[str], sort: Sort) -> list[Column]:
    """Those of the view, or the usual ones; whatever orders the list is among them."""
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
