"""Sort orders of lists.

The keys of an order end with the primary key, so that each row has a position of its own, and
run in one direction, so that an index holds the order.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Self, TypeVar

from django.db.models import F, Model, QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from appliance.core.types import read_number
from appliance.tickets.filters import DUE_ORDER, TicketFilter

RowT = TypeVar("RowT", bound=Model)
Key = datetime | date | float | int
Position = tuple[Key, ...]


@dataclass(frozen=True)
class Sort:
    """An order of rows by ``keys``; a position is the values of the keys of one row."""

    name: str
    label: str | Promise
    keys: tuple[str, ...]
    is_descending: bool = True
    only_open: bool = False

    def apply(self, rows: QuerySet[RowT]) -> QuerySet[RowT]:
        if "due_order" in self.keys:
            # mypy_django_plugin loses the type variable in annotate
            rows = rows.annotate(due_order=DUE_ORDER)  # type: ignore[assignment]
        return rows.order_by(*(f"-{key}" if self.is_descending else key for key in self.keys))

    def reversed(self) -> Self:
        return replace(self, is_descending=not self.is_descending)

    def after(self, rows: QuerySet[RowT], position: Position) -> QuerySet[RowT]:
        """Return the rows after a position: one comparison of tuples, which an index answers."""
        lookup = TupleLessThan if self.is_descending else TupleGreaterThan
        return rows.filter(lookup(Tuple(*map(F, self.keys)), position))

    def cursor_of(self, row: Model) -> str:
        """Return the position of a row as text for an address."""
        keys = (getattr(row, key) for key in self.keys)
        return "_".join(key.isoformat() if isinstance(key, datetime) else str(key) for key in keys)

    def parse(self, cursor: str) -> Position | None:
        """Return the position that ``cursor_of`` wrote, None if it has none in this order."""
        parts = cursor.split("_")
        if len(parts) != len(self.keys):
            return None
        try:
            return tuple(_PARSERS[key](part) for key, part in zip(self.keys, parts, strict=True))
        except ValueError:
            return None


def _parse_number(text: str) -> int:
    if (number := read_number(text)) is None:
        raise ValueError("not a primary key")
    return number


def _parse_priority(text: str) -> int:
    number = _parse_number(text)
    if not 0 <= number < 2**15:
        raise ValueError("not a priority")
    return number


def _parse_time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError("a time without a zone")
    return time


_PARSERS: dict[str, Callable[[str], Key]] = {
    "usefulness": float,
    "review_on": date.fromisoformat,
    "created_at": _parse_time,
    "updated_at": _parse_time,
    "due_order": _parse_time,
    "priority": _parse_priority,
    "pk": _parse_number,
}
NEWEST = Sort("newest", _("Newest"), ("created_at", "pk"))
SORTS = {
    sort.name: sort
    for sort in (
        NEWEST,
        replace(NEWEST, name="oldest", label=_("Oldest"), is_descending=False),
        Sort("updated", _("Recently updated"), ("updated_at", "pk")),
        Sort("stale", _("Least recently updated"), ("updated_at", "pk"), is_descending=False),
        Sort("priority", _("Priority"), ("priority", "created_at", "pk")),
        Sort("due", _("Due next"), ("due_order", "pk"), is_descending=False, only_open=True),
    )
}


def find_sort(name: str, filters: TicketFilter) -> Sort:
    """Return the order of that name; NEWEST if it is unknown or does not suit the filters."""
    sort = SORTS.get(name, NEWEST)
    return sort if filters.is_open or not sort.only_open else NEWEST
