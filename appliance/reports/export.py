"""A report as CSV, streamed row by row, safe to open in a spreadsheet."""

from collections.abc import Iterable, Iterator, Set

from appliance.core.csv_export import BYTE_ORDER_MARK, csv_line
from appliance.reports.charts import sorted_parts
from appliance.reports.metrics import COLUMNS, DURATIONS, Metrics
from appliance.reports.queries import Report


def csv_of_rows(rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """Yield one line for each row, the first with the headings; no cell becomes a formula."""
    mark = BYTE_ORDER_MARK
    for row in rows:
        yield mark + csv_line(row)
        mark = ""


def csv_over_time(report: Report) -> Iterator[str]:
    """Yield one line for each step."""
    return _csv_lines(
        "from_day",
        ((first_day.isoformat(), metrics) for first_day, metrics in report.steps.items()),
    )


def csv_by_part(report: Report) -> Iterator[str]:
    """Yield one line for each part; the backlog is known for the total only."""
    parts = ((name, metrics) for _part, name, metrics in sorted_parts(report))
    return _csv_lines(report.report_query.dimension, parts, without={"backlog"})


def _csv_lines(
    label_header: str,
    labelled_metrics: Iterable[tuple[str, Metrics]],
    without: Set[str] = frozenset(),
) -> Iterator[str]:
    columns = [name for name in COLUMNS if name not in without]
    headers = [f"{name}_seconds" if name in DURATIONS else name for name in columns]
    yield BYTE_ORDER_MARK + csv_line([label_header, *headers])
    for label, metrics in labelled_metrics:
        yield csv_line([label, *(_cell(metrics, name) for name in columns)])


def _cell(metrics: Metrics, name: str) -> str:
    value = getattr(metrics, name)
    return "" if value is None else str(round(value))
