"""Keyset pages: each starts after a position in the ordering, which an index finds at once.

A cursor names a position in an address: the values of the ordering's columns in one row.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Generic, Self, TypeVar

from django.db.models import F, Field, GeneratedField, Model, QuerySet
from django.db.models import fields as model_fields
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan

from appliance.core.types import read_number

PAGE_SIZE = 50
MAX_SMALLINT = 2**15 - 1
RowT = TypeVar("RowT", bound=Model)
Position = tuple[Any, ...]


@dataclass(frozen=True)
class Page(Generic[RowT]):
    """Some rows of a list, with the cursors of the pages beside them."""

    rows: Sequence[RowT]
    next_cursor: str = ""  # empty on the last page
    previous_cursor: str = ""  # empty on the first page

    @property
    def is_first(self) -> bool:
        return not self.previous_cursor


@dataclass(frozen=True, kw_only=True)
class Ordering:
    """The columns a list is ordered by, all in one direction; the last one is unique."""

    keys: tuple[str, ...]
    is_descending: bool = True

    def apply(self, queryset: QuerySet[RowT]) -> QuerySet[RowT]:
        """Order the rows."""
        return queryset.order_by(*(f"-{key}" if self.is_descending else key for key in self.keys))

    def reversed(self) -> Self:
        """Return the ordering from the last row to the first."""
        return replace(self, is_descending=not self.is_descending)

    def after(self, queryset: QuerySet[RowT], position: Position) -> QuerySet[RowT]:
        """Keep the rows after the position, by one comparison of tuples, which an index answers."""
        lookup = TupleLessThan if self.is_descending else TupleGreaterThan
        return queryset.filter(lookup(Tuple(*map(F, self.keys)), position))

    def cursor_of(self, row: Model) -> str:
        """Return the cursor of the position of this row."""
        values = (getattr(row, key) for key in self.keys)
        return "_".join(
            value.isoformat() if isinstance(value, date) else str(value) for value in values
        )

    def parse(self, queryset: QuerySet[RowT], cursor: str) -> Position | None:
        """Return the position that a cursor names; None when it makes no sense in this ordering."""
        texts = cursor.split("_")
        if len(texts) != len(self.keys):
            return None
        try:
            return tuple(
                _read_value(_field_of(queryset, key), text)
                for key, text in zip(self.keys, texts, strict=True)
            )
        except ValueError:
            return None


@dataclass(frozen=True, kw_only=True)
class PkCursorOrdering(Ordering):
    """An ordering whose cursors are primary keys, for lists by name.

    No name of a person stands in an address then; parsing a cursor costs a query.
    """

    def cursor_of(self, row: Model) -> str:
        return str(row.pk)

    def parse(self, queryset: QuerySet[RowT], cursor: str) -> Position | None:
        number = read_number(cursor)
        row = None if number is None else queryset.filter(pk=number).first()
        return None if row is None else tuple(getattr(row, key) for key in self.keys)


def paginate(
    queryset: QuerySet[RowT],
    ordering: Ordering,
    *,
    after: str = "",
    before: str = "",
    ids_first: bool = False,
) -> Page[RowT]:
    """Return the page after one cursor or before the other, at most PAGE_SIZE rows.

    A cursor that makes no sense, and one with nothing left beyond it, gives the first page.
    ``ids_first`` is for lists with joins, see ``fetch_by_ids``.
    """
    queryset = ordering.apply(queryset)
    if page := _page_before(queryset, ordering, before, ids_first):
        return page
    rows: list[RowT] = []
    if position := ordering.parse(queryset, after):
        rows = _fetch(ordering.after(queryset, position), queryset, ids_first)
    is_first = not rows
    if is_first:
        rows = list(queryset[: PAGE_SIZE + 1])
    shown = rows[:PAGE_SIZE]
    return Page(
        rows=shown,
        next_cursor=ordering.cursor_of(shown[-1]) if len(rows) > PAGE_SIZE else "",
        previous_cursor="" if is_first else ordering.cursor_of(shown[0]),
    )


def _page_before(
    queryset: QuerySet[RowT], ordering: Ordering, before: str, ids_first: bool
) -> Page[RowT] | None:
    """Return None when less than a page is before the cursor: the first page shows it whole."""
    position = ordering.parse(queryset, before)
    if position is None:
        return None
    backwards = ordering.reversed()
    rows = _fetch(backwards.after(backwards.apply(queryset), position), queryset, ids_first)
    if len(rows) <= PAGE_SIZE:
        return None
    shown = rows[:PAGE_SIZE][::-1]
    return Page(
        rows=shown,
        next_cursor=ordering.cursor_of(shown[-1]),
        previous_cursor=ordering.cursor_of(shown[0]),
    )


def _fetch(queryset: QuerySet[RowT], unfiltered: QuerySet[RowT], ids_first: bool) -> list[RowT]:
    limit = PAGE_SIZE + 1
    return fetch_by_ids(queryset, limit, of=unfiltered) if ids_first else list(queryset[:limit])


def fetch_by_ids(queryset: QuerySet[RowT], limit: int, *, of: QuerySet[RowT]) -> list[RowT]:
    """Return the first rows in order: their ids from one table, then the rows from ``of``.

    ``of`` is the list without the position. PostgreSQL estimates how many rows lie beyond a
    position by its first column alone: beyond the lowest priority it expects none, so it would
    join and sort all there are.
    """
    ids = list(queryset.values_list("pk", flat=True)[:limit])
    rows = of.order_by().in_bulk(ids)
    return [rows[pk] for pk in ids if pk in rows]


def _field_of(queryset: QuerySet[RowT], key: str) -> Field:
    """Return the field of a column, or the output field of an annotation."""
    if key in queryset.query.annotations:
        return queryset.query.annotations[key].output_field
    options = queryset.model._meta
    field = options.pk if key == "pk" else options.get_field(key)
    if isinstance(field, GeneratedField) and field.output_field:
        return field.output_field
    assert isinstance(field, Field), f"{key} is not a column"
    return field


def _read_value(field: Field, text: str) -> object:
    """Return the value of one column of a cursor. Raises ValueError when the text is none."""
    if isinstance(field, model_fields.DateTimeField):
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError("a moment without a time zone")
        return moment
    if isinstance(field, model_fields.DateField):
        return date.fromisoformat(text)
    if isinstance(field, model_fields.FloatField):
        return float(text)
    number = read_number(text)
    if number is None or (
        isinstance(field, model_fields.SmallIntegerField) and number > MAX_SMALLINT
    ):
        raise ValueError("not a number of this column")
    return number
