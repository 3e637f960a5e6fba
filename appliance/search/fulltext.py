"""Full-text scans: the newest rows that match a tsquery, ranked.

A common word matches more rows than can be ranked. So every ``search_vector`` holds, besides its
words, a term for the window of SEARCH_WINDOW_ROWS neighbouring ids that its row belongs to. A scan
reads the newest windows first and stops when enough rows match. All scans of a search take two
statements: the second reads older windows, and in the end all other rows, for the scans whose first
windows gave too few matches. In that last part PostgreSQL draws a sample of the rows of a common
word (``retrievers.query_limits``).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, F, Func, QuerySet
from django.db.models.sql.compiler import SQLCompiler

from appliance.core.fields import SEARCH_WINDOW_MARK, SEARCH_WINDOW_ROWS
from appliance.core.sql_files import read_sql

MAX_RANKED_ROWS = 300
# Sizes of the id windows, as multiples of SEARCH_WINDOW_ROWS. Each row of a window is compared with
# every mark of it, so a window is not too large.
NEAR_WINDOWS, FAR_WINDOWS = (1, 8), (8, 8, 8, 8, 16, 32)
RANK_NORMALIZATION = 32 | 1  # of ts_rank: rank / (rank + 1), divided by 1 + log(length)


class Match(NamedTuple):
    """A row that matches a scan. For a message, ``entity_id`` is the id of its ticket."""

    entity_id: int
    row_id: int
    rank: float  # 0..1


class Window(NamedTuple):
    """A range of entity ids, and the tsquery that matches within it."""

    tsquery: str
    first_id: int
    last_id: int


@dataclass(frozen=True)
class Scan:
    """A full-text query over rows the viewer may see."""

    rows: QuerySet[Any] | None  # None matches nothing
    entity_id_field: str  # windows are ranges of this id
    tsquery: str  # empty matches nothing
    id_range: tuple[int, int]
    oldest_first: bool = False
    rank_tsquery: str = ""  # ranks the matches; by default tsquery does


class _MatchesWindow(Func):
    """Whether a row matches the window of sql/window_matches.sql.

    Adding 0 to the id keeps PostgreSQL from walking the primary key instead of the text index.
    """

    output_field = BooleanField()

    def as_sql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any
    ) -> tuple[str, list[Any]]:
        vector, entity_id = (
            compiler.compile(expression)[0] for expression in self.get_source_expressions()
        )
        return (
            f"({vector} @@ id_window.query"
            f" AND {entity_id} + 0 BETWEEN id_window.first_id AND id_window.last_id)",
            [],
        )


def run_scans(scans: Sequence[Scan], max_matches: int) -> list[list[Match]]:
    """Return the best matches of each scan, best first. At most two queries."""
    near = {number: _near_windows(scan) for number, scan in enumerate(scans)}
    matches = _execute(scans, near, max_ranked=MAX_RANKED_ROWS, max_matches=max_matches)
    far = {
        number: _far_windows(scan)
        for number, scan in enumerate(scans)
        if len(matches[number]) < max_matches
    }
    more = _execute(scans, far, max_ranked=max_matches, max_matches=max_matches)
    return [
        sorted(matches[number] + more[number], key=_rank, reverse=True)[:max_matches]
        for number in range(len(scans))
    ]


def _rank(match: Match) -> tuple[float, int]:
    return match.rank, match.row_id


def _execute(
    scans: Sequence[Scan],
    windows: Mapping[int, Sequence[Window]],
    *,
    max_ranked: int,
    max_matches: int,
) -> list[list[Match]]:
    """Run the scans that have windows in one statement; return the matches of each scan."""
    matches: list[list[Match]] = [[] for _ in scans]
    parameters: dict[str, object] = {
        "max_ranked": max_ranked,
        "max_matches": max_matches,
        "rank_normalization": RANK_NORMALIZATION,
    }
    parts = []
    template = read_sql("search", "window_matches")
    for number, scan_windows in windows.items():
        visible_rows = _compile_rows(scans[number], f"rows_{number}") if scan_windows else None
        if visible_rows is not None:
            sql, row_parameters = visible_rows
            parts.append(template.format(scan=number, visible_rows=sql))
            parameters |= row_parameters | _scan_parameters(number, scans[number], scan_windows)
    if parts:
        with connection.cursor() as cursor:
            cursor.execute(" UNION ALL ".join(parts), parameters)
            for number, *columns in cursor.fetchall():
                matches[number].append(Match(*columns))
    return matches


def _scan_parameters(number: int, scan: Scan, windows: Iterable[Window]) -> dict[str, object]:
    tsqueries, first_ids, last_ids = zip(*windows, strict=True)
    return {
        f"scan_{number}": number,
        f"rank_tsquery_{number}": scan.rank_tsquery or scan.tsquery,
        f"tsqueries_{number}": list(tsqueries),
        f"first_ids_{number}": list(first_ids),
        f"last_ids_{number}": list(last_ids),
    }


def _compile_rows(scan: Scan, prefix: str) -> tuple[str, dict[str, object]] | None:
    """Compile the rows of one window, with named parameters; None if the viewer sees no row."""
    assert scan.rows is not None
    age = F("pk") + 0  # not the bare key: see _MatchesWindow
    rows = (
        scan.rows.filter(_MatchesWindow(F("search_vector"), F(scan.entity_id_field)))
        .order_by(age.asc() if scan.oldest_first else age.desc())
        .annotate(entity_id=F(scan.entity_id_field), row_id=F("pk"), vector=F("search_vector"))
        .values("entity_id", "row_id", "vector")[:MAX_RANKED_ROWS]
    )
    try:
        sql, values = rows.query.sql_with_params()
    except EmptyResultSet:
        return None
    parameters = {f"{prefix}_{position}": value for position, value in enumerate(values)}
    placeholders = tuple(f"%({name})s" for name in parameters)
    return sql.replace("%%", "%%%%") % placeholders, parameters


def _near_windows(scan: Scan) -> list[Window]:
    """Return the windows of the newest rows (or the oldest, if the scan begins there)."""
    windows, _ = _split_into_windows(scan, NEAR_WINDOWS)
    return windows


def _far_windows(scan: Scan) -> list[Window]:
    """Return the windows behind the near ones, and one of all other rows."""
    windows, rest = _split_into_windows(scan, NEAR_WINDOWS + FAR_WINDOWS)
    remainder = [Window(scan.tsquery, *_ids(rest, scan.id_range))] if rest else []
    return windows[len(NEAR_WINDOWS) :] + remainder


def _split_into_windows(scan: Scan, sizes: Sequence[int]) -> tuple[list[Window], range]:
    """Cut windows of these sizes off the scan's id range; return them and what is left."""
    if scan.rows is None or not scan.tsquery:
        return [], range(0)
    first_id, last_id = scan.id_range
    blocks = range(first_id // SEARCH_WINDOW_ROWS, last_id // SEARCH_WINDOW_ROWS + 1)
    windows = []
    for size in sizes:
        if scan.oldest_first:
            window, blocks = blocks[:size], blocks[size:]
        else:
            window, blocks = blocks[-size:], blocks[:-size]
        if window:
            marks = " | ".join(f"'{SEARCH_WINDOW_MARK}{block}'" for block in window)
            tsquery = f"( {scan.tsquery} ) & ( {marks} )"
            windows.append(Window(tsquery, *_ids(window, scan.id_range)))
    return windows, blocks


def _ids(blocks: range, id_range: tuple[int, int]) -> tuple[int, int]:
    """Return the first and last id of consecutive blocks, within the range."""
    first_id = blocks[0] * SEARCH_WINDOW_ROWS
    last_id = (blocks[-1] + 1) * SEARCH_WINDOW_ROWS - 1
    return max(id_range[0], first_id), min(id_range[1], last_id)
