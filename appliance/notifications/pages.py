"""Keyset pages of rows that are ordered by a time and their number, newest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

PAGE_SIZE = 50


@dataclass(frozen=True)
class Page:
    rows: Sequence
    older: str  # cursor of the next page, empty on the last
    is_first: bool

    @classmethod
    def of(cls, rows: QuerySet, before: str, *, by: str) -> "Page":
        """Rows ordered by ``-by, -id`` after the cursor; one that makes no sense starts anew."""
        rows, cursor = rows.order_by(f"-{by}", "-id"), _parse(before)
        if cursor:
            at, pk = cursor
            same = Q(**{by: at}, pk__lt=pk)
            rows = rows.filter(Q(**{f"{by}__lt": at}) | same, **{f"{by}__lte": at})
        found = list(rows[: PAGE_SIZE + 1])
        shown = found[:PAGE_SIZE]
        more = len(found) > PAGE_SIZE
        older = f"{getattr(shown[-1], by).isoformat()}_{shown[-1].pk}" if more else ""
        return cls(rows=shown, older=older, is_first=cursor is None)


def _parse(text: str) -> tuple[datetime, int] | None:
    at, _, pk = text.partition("_")
    if len(pk) > 18:
        return None
    try:
        moment = datetime.fromisoformat(at)
        return (moment, int(pk)) if moment.tzinfo else None
    except ValueError:
        return None
