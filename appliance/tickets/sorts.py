"""Sort orders of lists.

The keys of an order end with the primary key, so that each row has a position of its own, and
run in one direction, so that an index holds the order.
"""

from dataclasses import dataclass, replace

from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from appliance.core.pagination import Ordering, RowT
from appliance.tickets.filters import DUE_ORDER, TicketFilter


@dataclass(frozen=True, kw_only=True)
class Sort(Ordering):
    """An ordering that people choose by its label; ``name`` stands in addresses."""

    name: str
    label: str | Promise
    only_open: bool = False

    def apply(self, queryset: QuerySet[RowT]) -> QuerySet[RowT]:
        if "due_order" in self.keys:
            # mypy_django_plugin loses the type variable in annotate
            queryset = queryset.annotate(due_order=DUE_ORDER)  # type: ignore[assignment]
        return super().apply(queryset)


NEWEST = Sort(keys=("created_at", "pk"), name="newest", label=_("Newest"))
SORTS = {
    sort.name: sort
    for sort in (
        NEWEST,
        replace(NEWEST, name="oldest", label=_("Oldest"), is_descending=False),
        Sort(keys=("updated_at", "pk"), name="updated", label=_("Recently updated")),
        Sort(
            keys=("updated_at", "pk"),
            name="stale",
            label=_("Least recently updated"),
            is_descending=False,
        ),
        Sort(keys=("priority", "created_at", "pk"), name="priority", label=_("Priority")),
        Sort(
            keys=("due_order", "pk"),
            name="due",
            label=_("Due next"),
            is_descending=False,
            only_open=True,
        ),
    )
}


def find_sort(name: str, filters: TicketFilter) -> Sort:
    """Return the order of that name; NEWEST if it is unknown or does not suit the filters."""
    sort = SORTS.get(name, NEWEST)
    return sort if filters.is_open or not sort.only_open else NEWEST
