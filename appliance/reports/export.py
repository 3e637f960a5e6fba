"""A report as CSV, a row at a time, safe to open in a spreadsheet."""

import csv
from collections.abc import Iterator, Set

from appliance.reports.charts import sorted_parts
from appliance.reports.figures import Figures
from appliance.reports.queries import Report

COLUMNS = (
    "opened",
    "solved",
    "backlog",
    "answered",
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
    "moods_read",
    "unhappy",
    "happy",
)
SECONDS = ("first_response_median", "first_response_p90", "resolution_median", "resolution_p90")
BYTE_ORDER_MARK = "\ufeff"  # by it spreadsheets know UTF-8
# What a spreadsheet takes for the beginning of a formula, the wide forms included.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


class _Line:
    """What csv.writer writes to: gives the line back instead of keeping it."""

    def write(self, line: str) -> str:
        return line


def lines_over_time(report: Report) -> Iterator[str]:
    yield from _lines(("from_day",), ((at.isoformat(), f) for at, f in report.steps.items()))


def lines_by_part(report: Report) -> Iterator[str]:
    """All parts; the open tickets at the end are known for the whole alone."""
    rows = ((name, figures) for _part, name, figures in sorted_parts(report))
    yield from _lines((report.asked.dimension,), rows, without={"backlog"})


def _lines(
    first: tuple[str], rows: Iterator[tuple[str, Figures]], without: Set[str] = frozenset()
) -> Iterator[str]:
    columns = [name for name in COLUMNS if name not in without]
    writer = csv.writer(_Line())
    heads = [f"{name}_seconds" if name in SECONDS else name for name in columns]
    yield BYTE_ORDER_MARK + writer.writerow([*first, *heads])
    for label, figures in rows:
        yield writer.writerow([safe(label), *(_cell(figures, name) for name in columns)])


def _cell(figures: Figures, name: str) -> str:
    value = getattr(figures, name)
    return safe("" if value is None else str(round(value)))


def safe(text: str) -> str:
    """The text, with an apostrophe before what a spreadsheet would run."""
    text = text.replace("\0", "")
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA) else text
