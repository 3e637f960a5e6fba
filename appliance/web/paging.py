"""Pages of a long list, reached by cursors instead of page numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db.models import Model, QuerySet

from appliance.tickets.sorts import NEWEST, Sort

PAGE_SIZE = 50
ObjectT = TypeVar("ObjectT", bound=Model)


@dataclass(frozen=True)
class Page(Generic[ObjectT]):
    """One page of a list, with the cursors that lead to its neighbours."""

    rows: Sequence[ObjectT]
    next: str  # cursor of the next page, empty on the last one
    previous: str  # cursor of the previous page, empty on the first one

    @property
    def is_first(self) -> bool:
        return not self.previous

    @classmethod
    def of(
        cls, rows: QuerySet[ObjectT], sort: Sort = NEWEST, *, after: str = "", before: str = ""
    ) -> "Page[ObjectT]":
        """Return the page after one cursor or before the other; ``rows`` are in ``sort`` order.

        An invalid cursor, and one with nothing left beyond it, gives the first page.
        """
        if page := cls._before(rows, sort, before):
            return page
        place = sort.parse(after)
        if place:
            loaded = load_first(sort.after(rows, place), PAGE_SIZE + 1, among=rows)
        else:
            loaded = list(rows[: PAGE_SIZE + 1])
        if place and not loaded:
            return cls.of(rows, sort)
        shown = loaded[:PAGE_SIZE]
        return cls(
            rows=shown,
            next=sort.cursor_of(shown[-1]) if len(loaded) > PAGE_SIZE else "",
            previous=sort.cursor_of(shown[0]) if place else "",
        )

    @classmethod
    def _before(cls, rows: QuerySet[ObjectT], sort: Sort, cursor: str) -> "Page[ObjectT] | None":
        """Return the page before the cursor; None where less than a page is left there, since the
        first page then shows as much.
        """
        place = sort.parse(cursor)
        if place is None:
            return None
        reverse_sort = sort.reversed()
        beyond = reverse_sort.after(reverse_sort.apply(rows), place)
        loaded = load_first(beyond, PAGE_SIZE + 1, among=rows)
        if len(loaded) <= PAGE_SIZE:
            return None
        shown = loaded[:PAGE_SIZE][::-1]
        return cls(shown, next=sort.cursor_of(shown[-1]), previous=sort.cursor_of(shown[0]))


def load_first(rows: QuerySet[ObjectT], limit: int, *, among: QuerySet[ObjectT]) -> list[ObjectT]:
    """Load the first rows in order: their ids from one table, then the columns that are shown.

    ``among`` is the list without the cursor. PostgreSQL estimates how many rows lie beyond a cursor
    by its first key alone: beyond the lowest priority none, so it would join and sort all rows.
    """
    ids = list(rows.values_list("pk", flat=True)[:limit])
    objects = among.order_by().in_bulk(ids)
    return [objects[pk] for pk in ids if pk in objects]
