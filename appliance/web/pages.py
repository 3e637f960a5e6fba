"""Keyset pages: as fast at the end of a million rows as at the start, in both directions."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from appliance.tickets.sorts import NEWEST, Sort

PAGE_SIZE = 50


@dataclass(frozen=True)
class Page:
    rows: Sequence
    next: str  # cursor of what comes after, empty on the last page
    previous: str  # cursor of what came before, empty on the first

    @property
    def is_first(self) -> bool:
        return not self.previous

    @classmethod
    def of(
        cls, rows: QuerySet, sort: Sort = NEWEST, *, after: str = "", before: str = ""
    ) -> "Page":
        """The page after one cursor or before the other; ``rows`` stand in the order of ``sort``.

        A cursor that makes no sense, and one with nothing left beyond it, gives the first page.
        """
        if page := cls._before(rows, sort, before):
            return page
        place = sort.parse(after)
        if place:
            found = first_of(sort.beyond(rows, place), PAGE_SIZE + 1, among=rows)
        else:
            found = list(rows[: PAGE_SIZE + 1])
        if place and not found:
            return cls.of(rows, sort)
        shown = found[:PAGE_SIZE]
        return cls(
            rows=shown,
            next=sort.cursor_of(shown[-1]) if len(found) > PAGE_SIZE else "",
            previous=sort.cursor_of(shown[0]) if place else "",
        )

    @classmethod
    def _before(cls, rows: QuerySet, sort: Sort, before: str) -> "Page | None":
        """None when that would be less than a page: then the first is whole and as good."""
        place = sort.parse(before)
        if place is None:
            return None
        turned = sort.turned()
        found = first_of(turned.beyond(turned.apply(rows), place), PAGE_SIZE + 1, among=rows)
        if len(found) <= PAGE_SIZE:
            return None
        shown = found[:PAGE_SIZE][::-1]
        return cls(shown, next=sort.cursor_of(shown[-1]), previous=sort.cursor_of(shown[0]))


def first_of(rows: QuerySet, limit: int, *, among: QuerySet) -> list:
    """The first rows, in order: their numbers out of one table, then what is shown of them.

    ``among`` is the list without the place. PostgreSQL guesses how many rows lie beyond a place by
    its first key alone: beyond the lowest priority none, so it would join and sort all there are.
    """
    numbers = list(rows.values_list("pk", flat=True)[:limit])
    shown = among.order_by().in_bulk(numbers)
    return [shown[number] for number in numbers if number in shown]
