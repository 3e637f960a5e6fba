"""The orders a list can stand in. Each ends with the number, so no two tickets stand at one place,
runs one way through all its keys, and lies in an index as it is.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime

from django.db.models import F, QuerySet, Value
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from appliance.core.types import read_number
from appliance.tickets.filters import TicketFilter
from appliance.tickets.models.ticket import NEVER

Place = tuple[datetime | int, ...]


@dataclass(frozen=True)
class Sort:
    name: str
    label: str
    keys: tuple[str, ...]
    is_descending: bool = True
    only_open: bool = False

    def apply(self, tickets: QuerySet) -> QuerySet:
        if "due_order" in self.keys:
            tickets = tickets.annotate(due_order=Coalesce("due_at", Value(NEVER)))
        return tickets.order_by(*(f"-{key}" if self.is_descending else key for key in self.keys))

    def turned(self) -> "Sort":
        return replace(self, is_descending=not self.is_descending)

    def beyond(self, tickets: QuerySet, place: Place) -> QuerySet:
        """The tickets that come after a place. One comparison of rows, which an index answers."""
        lookup = TupleLessThan if self.is_descending else TupleGreaterThan
        return tickets.filter(lookup(Tuple(*map(F, self.keys)), place))

    def cursor_of(self, row: object) -> str:
        values = (getattr(row, key) for key in self.keys)
        return "_".join(v.isoformat() if isinstance(v, datetime) else str(v) for v in values)

    def parse(self, cursor: str) -> Place | None:
        """The place a cursor names; None if it makes no sense in this order."""
        parts = cursor.split("_")
        if len(parts) != len(self.keys):
            return None
        try:
            return tuple(READ[key](part) for key, part in zip(self.keys, parts, strict=True))
        except ValueError:
            return None


def _number(text: str) -> int:
    if (number := read_number(text)) is None:
        raise ValueError("no number of ours")
    return number


def _small_number(text: str) -> int:
    number = _number(text)
    if not 0 <= number < 2**15:
        raise ValueError("not a priority")
    return number


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a moment without a zone")
    return moment


READ = {
    "usefulness": float,
    "review_on": date.fromisoformat,
    "created_at": _moment,
    "updated_at": _moment,
    "due_order": _moment,
    "priority": _small_number,
    "pk": _number,
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
        Sort("due", _("Due next"), ("due_order", "pk"), False, only_open=True),
    )
}


def find_sort(name: str, filters: TicketFilter) -> Sort:
    """The order of that name; newest first if unknown, or "due" where nothing can be due."""
    sort = SORTS.get(name, NEWEST)
    return sort if filters.is_open or not sort.only_open else NEWEST
