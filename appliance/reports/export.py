"""A report as CSV, streamed row by row, safe to open in a spreadsheet."""

import csv
from collections.abc import Iterator, Set

from appliance.reports.charts import sorted_parts
from appliance.reports.metrics import Metrics
from appliance.reports.queries import Report

COLUMNS = (
    "opened",
    "solved",
    "backlog",
    "first_responses",
    "first_response_median",
    "first_response_p90",
    "resolution_median",
    "resolution_p90",
    "first_responses_met",
    "first_responses_missed",
    "resolutions_met",
    "resolutions_missed",
    "rated_good",
    "rated_bad",
    "sentiment_count",
    "negative",
    "positive",
)
SECONDS = ("first_response_median", "first_response_p90", "resolution_median", "resolution_p90")
BYTE_ORDER_MARK = "\ufeff"  # makes spreadsheets read UTF-8
# Prefixes that spreadsheets read as a formula, full-width forms included.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


class _EchoWriter:
    """A file-like object for csv.writer that returns each line."""

    def write(self, line: str) -> str:
        return line


def csv_over_time(report: Report) -> Iterator[str]:
    yield from _csv_rows(("from_day",), ((at.isoformat(), f) for at, f in report.steps.items()))


def csv_by_part(report: Report) -> Iterator[str]:
    """Yield all parts; the backlog is known for the total only."""
    rows = ((name, metrics) for _part, name, metrics in sorted_parts(report))
    yield from _csv_rows((report.report_query.dimension,), rows, without={"backlog"})


def _csv_rows(
    first: tuple[str], rows: Iterator[tuple[str, Metrics]], without: Set[str] = frozenset()
) -> Iterator[str]:
    columns = [name for name in COLUMNS if name not in without]
    writer = csv.writer(_EchoWriter())
    heads = [f"{name}_seconds" if name in SECONDS else name for name in columns]
    yield BYTE_ORDER_MARK + writer.writerow([*first, *heads])
    for label, metrics in rows:
        yield writer.writerow([escape_formula(label), *(_cell(metrics, name) for name in columns)])


def _cell(metrics: Metrics, name: str) -> str:
    value = getattr(metrics, name)
    return escape_formula("" if value is None else str(round(value)))


def escape_formula(text: str) -> str:
    """Return the text with an apostrophe before a formula prefix."""
    text = text.replace("\0", "")
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA) else text
