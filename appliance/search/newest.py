"""The newest rows whose words fit, and among these the best: two statements for all that is asked.

A common word stands in more rows than anybody weighs. So words are looked for among the newest
eras first: each window is a part of the statement that PostgreSQL begins only when those before it
gave too little. What gave too little altogether is looked for further back, and at last among all
rows that are left; there an index draws from the rows of a word that is common (``ways.bounded``).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import BooleanField, F, Func, QuerySet

from appliance.core.fields import ERA_MARK, ERA_ROWS

MOST_RANKED = 300  # rows whose words are weighed
# Eras of a window: of many at once each row costs as many comparisons.
NEAR, FAR = (1, 8), (8, 8, 8, 8, 16, 32)
PER_LENGTH = 32 | 1  # rank / (rank + 1), after long texts lost what length gave them
_QUERY, _FIRST, _LAST = object(), object(), object()  # what is filled in for each window
_RANKED = """(
SELECT %s AS look, one_id, row_id, ts_rank(row_words, %s::tsquery, {per_length}) AS rank
FROM ({windows} LIMIT {most}) AS near
ORDER BY rank DESC, row_id DESC LIMIT %s)"""


Rows = list[tuple[int, int, float]]  # owner, number of the row, rank 0..1
Window = tuple[str, int, int]  # the query, and between which numbers
Written = tuple[str, tuple]  # SQL and its parameters, some of them to be filled in


@dataclass(frozen=True)
class Look:
    """For words, through rows that somebody may see."""

    rows: QuerySet | None  # None holds nothing
    owner: str  # the field that names what is found; its number is what eras go by
    query: str  # as PostgreSQL wrote it down; empty finds nothing
    span: tuple[int, int]  # between which numbers to look
    oldest_first: bool = False
    rank: str = ""  # by what those are ranked that fit, if not by the query itself


class _Fits(Func):
    """The words of a row fit, and its number lies in the window; both to be filled in. The number
    is asked as a sum, lest PostgreSQL walk through rows by their numbers.
    """

    output_field = BooleanField()

    def as_sql(self, compiler, connection, **context) -> tuple[str, list]:
        words, number = (compiler.compile(one)[0] for one in self.get_source_expressions())
        return f"({words} @@ %s::tsquery AND {number} + 0 BETWEEN %s AND %s)", [
            _QUERY,
            _FIRST,
            _LAST,
        ]


def find(looks: Sequence[Look], limit: int) -> list[Rows]:
    """What each look found, best first. At most two queries."""
    found: list[Rows] = [[] for _ in looks]
    written: dict[tuple, Written | None] = {}
    for is_far in (False, True):
        parts, arguments = [], []
        for place, look in enumerate(looks):
            windows = _windows(look, is_far=is_far) if len(found[place]) < limit else []
            if windows and (window := _once(written, look)):
                part, values = _ranked(window, windows, limit if is_far else MOST_RANKED)
                parts.append(part)
                arguments += [place, look.rank or look.query, *values, limit]
        for place, *row in _ask(parts, arguments):
            found[place].append(tuple(row))
    return [sorted(rows, key=_rank, reverse=True)[:limit] for rows in found]


def _rank(row: tuple[int, int, float]) -> tuple[float, int]:
    return row[2], row[1]


def _ask(parts: Sequence[str], arguments: Sequence[object]) -> list[tuple]:
    if not parts:
        return []
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), arguments)
        return cursor.fetchall()


def _once(written: dict[tuple, Written | None], look: Look) -> Written | None:
    """One window over these rows, written once for all looks through them."""
    key = (id(look.rows), look.owner)
    if key not in written:
        written[key] = _write(look)
    return written[key]


def _write(look: Look) -> Written | None:
    """None for a viewer who sees none of the rows."""
    age = F("pk") + 0  # which are the newest is asked as a sum, for the same reason
    near = (
        look.rows.filter(_Fits(F("search_vector"), F(look.owner)))
        .order_by(age.asc() if look.oldest_first else age.desc())
        .annotate(one_id=F(look.owner), row_id=F("pk"), row_words=F("search_vector"))
        .values("one_id", "row_id", "row_words")[:MOST_RANKED]
    )
    try:
        return near.query.sql_with_params()
    except EmptyResultSet:
        return None


def _ranked(written: Written, windows: Sequence[Window], most: int) -> tuple[str, list]:
    part, holes = written
    parts = [f"SELECT * FROM ({part}) AS part"] * len(windows)  # noqa: S608  (what Django wrote)
    arguments = []
    for window in windows:
        filled = dict(zip((_QUERY, _FIRST, _LAST), window, strict=True))
        arguments += [filled.get(hole, hole) for hole in holes]
    all_windows = " UNION ALL ".join(parts)
    return _RANKED.format(per_length=PER_LENGTH, windows=all_windows, most=most), arguments


def _windows(look: Look, *, is_far: bool) -> list[Window]:
    """Those near the newest, or those behind them; no row is in two."""
    if look.rows is None or not look.query:
        return []
    first, last = look.span
    eras = range(first // ERA_ROWS, last // ERA_ROWS + 1)
    made = []
    for many in NEAR + FAR if is_far else NEAR:
        cut = many if look.oldest_first else -many
        window, eras = (eras[:cut], eras[cut:]) if look.oldest_first else (eras[cut:], eras[:cut])
        if window:
            marks = " | ".join(f"'{ERA_MARK}{era}'" for era in window)
            made.append((f"( {look.query} ) & ( {marks} )", *_numbers(window, first, last)))
    if not is_far:
        return made
    rest = [(look.query, *_numbers(eras, first, last))] if eras else []
    return made[len(NEAR) :] + rest


def _numbers(eras: range, first: int, last: int) -> tuple[int, int]:
    return max(first, eras[0] * ERA_ROWS), min(last, (eras[-1] + 1) * ERA_ROWS - 1)
