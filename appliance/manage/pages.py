"""Keyset pages of any list: the cursor is the number of the last row shown."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import F, Model, QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan

from appliance.core.types import read_number

PAGE_SIZE = 50


@dataclass(frozen=True)
class Page:
    rows: Sequence[Model]
    next: str  # cursor of what comes after, empty on the last page
    is_first: bool

    @classmethod
    def of(cls, rows: QuerySet, after: str = "") -> "Page":
        """The page after a row; the first when that row is gone. ``rows`` are ordered by columns
        that run one way and end in the key, or by the model's own order.
        """
        if not rows.query.order_by:
            rows = rows.order_by(*rows.model._meta.ordering, "pk")
        last = _find(rows, after)
        found = list((_beyond(rows, last) if last else rows)[: PAGE_SIZE + 1])
        more = str(found[PAGE_SIZE - 1].pk) if len(found) > PAGE_SIZE else ""
        return cls(rows=found[:PAGE_SIZE], next=more, is_first=last is None)


def _find(rows: QuerySet, cursor: str) -> Model | None:
    number = read_number(cursor)
    return None if number is None else rows.filter(pk=number).first()


def _beyond(rows: QuerySet, last: Model) -> QuerySet:
    order = rows.query.order_by
    keys = [key.lstrip("-") for key in order]
    lookup = TupleLessThan if order[0].startswith("-") else TupleGreaterThan
    return rows.filter(lookup(Tuple(*map(F, keys)), [getattr(last, key) for key in keys]))
