"""Tiles and charts of a report, each chart with the data table under it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, TypedDict

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from appliance.reports import formatting
from appliance.reports.metrics import Metrics
from appliance.reports.queries import Report

SECONDS_PER_HOUR = 3600
MAX_BARS = 12

ChartKind = Literal["bar", "stacked", "line", "across"]  # across: horizontal bars
Points = Sequence[tuple[str, Metrics]]  # label of a step or part, and its metrics


@dataclass(frozen=True)
class Tile:
    """One metric of the period with the value of the previous period."""

    label: str
    value: str
    note: str
    previous_value: str
    trend: str  # up, down, same, or empty when there is nothing to compare
    is_good: bool | None  # None: neither good nor bad


class ChartLine(TypedDict):
    """A line or a set of bars, as reports.js reads it."""

    label: str
    colour: str
    values: list[float | None]


class ChartData(TypedDict):
    """The JSON document that reports.js draws."""

    kind: ChartKind
    unit: str
    labels: list[str]
    lines: list[ChartLine]


@dataclass(frozen=True)
class Chart:
    """A chart and its data table: ``data`` is drawn, ``headers`` and ``rows`` are the table."""

    key: str
    title: str
    data: ChartData
    headers: list[str]
    rows: list[tuple[str, list[str]]]

    @property
    def script_id(self) -> str:
        return f"data-{self.key}"

    @property
    def is_empty(self) -> bool:
        return not any(any(line["values"]) for line in self.data["lines"])


@dataclass(frozen=True)
class Series:
    """A metric of a chart: its label, its colour token, how it is read, formatted and scaled."""

    label: str
    colour: str
    read: Callable[[Metrics], float | None]
    format: Callable[[float | None], str] = formatting.number
    scale: float = 1


def list_tiles(current: Metrics, previous: Metrics) -> list[Tile]:
    """Return the tiles of a report, each compared with the previous period."""

    def tile(
        label: str,
        name: str,
        format_value: Callable[[float | None], str],
        *,
        better_when: str = "",
        note: str = "",
    ) -> Tile:
        value, previous_value = getattr(current, name), getattr(previous, name)
        trend = _trend(value, previous_value)
        is_good = trend == better_when if better_when and trend in ("up", "down") else None
        return Tile(label, format_value(value), note, format_value(previous_value), trend, is_good)

    return [
        tile(_("New"), "opened", formatting.number),
        tile(_("Solved"), "solved", formatting.number, better_when="up"),
        tile(_("Open (end of period)"), "backlog", formatting.number, better_when="down"),
        *(
            tile(label, f"{metric}_median", formatting.duration, better_when="down", note=note)
            for label, metric, note in (
                (_("First response"), "first_response", _p90_note(current.first_response_p90)),
                (_("Resolution"), "resolution", _p90_note(current.resolution_p90)),
            )
        ),
        tile(
            _("SLA met"),
            "sla_met_share",
            formatting.percent,
            better_when="up",
            note=_("%(kept)s of %(all)s") % {"kept": current.sla_met, "all": current.sla_targets},
        ),
        tile(
            _("Rated good"),
            "good_share",
            formatting.percent,
            better_when="up",
            note=_("%(good)s of %(all)s") % {"good": current.rated_good, "all": current.ratings},
        ),
        tile(
            _("Negative tickets"),
            "negative_share",
            formatting.percent,
            better_when="down",
            note=_("%(part)s of %(all)s analysed")
            % {"part": current.negative, "all": current.sentiment_count},
        ),
    ]


def _p90_note(seconds: float | None) -> str:
    return _("90th percentile %(time)s") % {"time": formatting.duration(seconds)}


def _trend(value: float | None, previous_value: float | None) -> str:
    if value is None or previous_value is None:
        return ""
    return "same" if value == previous_value else "up" if value > previous_value else "down"


def list_charts(report: Report) -> list[Chart]:
    """Return the charts over time."""
    step = report.report_query.period.step
    points = [(step_label(first_day, step), metrics) for first_day, metrics in report.steps.items()]
    return [*_count_charts(points), *_duration_charts(points), *_quality_charts(points)]


def _count_charts(points: Points) -> list[Chart]:
    open_tickets = Series(_("Open (end of period)"), "sea", lambda metrics: metrics.backlog)
    return [
        _chart("flow", _("New and solved"), "bar", "", points, _new_and_solved()),
        _chart("backlog", _("Open tickets"), "line", "", points, [open_tickets]),
    ]


def _duration_charts(points: Points) -> list[Chart]:
    titles = {"first_response": _("First response time"), "resolution": _("Resolution time")}
    return [
        _chart(
            metric,
            title,
            "line",
            _("hours"),
            points,
            [
                _duration_series(_("Median"), "sea", f"{metric}_median"),
                _duration_series(_("90th percentile"), "warn", f"{metric}_p90"),
            ],
        )
        for metric, title in titles.items()
    ]


def _quality_charts(points: Points) -> list[Chart]:
    sla_series = [
        _share_series(_("First response"), "sea", "first_responses_met_share"),
        _share_series(_("Resolution"), "good", "resolutions_met_share"),
    ]
    rating_series = [
        Series(_("Good"), "good", lambda metrics: metrics.rated_good),
        Series(_("Bad"), "bad", lambda metrics: metrics.rated_bad),
    ]
    sentiment_series = [
        _share_series(_("Negative"), "bad", "negative_share"),
        _share_series(_("Positive"), "good", "positive_share"),
    ]
    return [
        _chart("sla_targets", _("SLA met"), "line", "%", points, sla_series),
        _chart("ratings", _("Ratings"), "stacked", "", points, rating_series),
        _chart("sentiment", _("Sentiment of new tickets"), "line", "%", points, sentiment_series),
    ]


def chart_of_parts(report: Report) -> Chart:
    """Return the chart that compares the largest parts; the table of parts has all of them."""
    points = [(name, metrics) for _part, name, metrics in sorted_parts(report)[:MAX_BARS]]
    return _chart("parts", _("Most new tickets"), "across", "", points, _new_and_solved())


def sorted_parts(report: Report) -> list[tuple[int | None, str, Metrics]]:
    """Return id, name and metrics of each part, the one with most new tickets first."""
    parts = [
        (part, formatting.part_label(report.report_query.dimension, part, report.names), metrics)
        for part, metrics in report.parts.items()
    ]
    return sorted(parts, key=lambda part: (-part[2].opened, -part[2].solved, part[1].casefold()))


def step_label(first_day: date, step: str) -> str:
    return date_format(first_day, "YEAR_MONTH_FORMAT" if step == "month" else "MONTH_DAY_FORMAT")


def _new_and_solved() -> list[Series]:
    return [
        Series(_("New"), "new", lambda metrics: metrics.opened),
        Series(_("Solved"), "good", lambda metrics: metrics.solved),
    ]


def _duration_series(label: str, colour: str, name: str) -> Series:
    """Return the series of a duration, drawn in hours."""
    return Series(
        label,
        colour,
        lambda metrics: getattr(metrics, name),
        formatting.duration,
        scale=1 / SECONDS_PER_HOUR,
    )


def _share_series(label: str, colour: str, name: str) -> Series:
    """Return the series of a share, drawn in per cent."""
    return Series(
        label, colour, lambda metrics: getattr(metrics, name), formatting.percent, scale=100
    )


def _chart(
    key: str, title: str, kind: ChartKind, unit: str, points: Points, series: Sequence[Series]
) -> Chart:
    data: ChartData = {
        "kind": kind,
        "unit": unit,
        "labels": [label for label, _metrics in points],
        "lines": [
            {
                "label": line.label,
                "colour": line.colour,
                "values": [_scaled(line, metrics) for _label, metrics in points],
            }
            for line in series
        ],
    }
    rows = [
        (label, [line.format(line.read(metrics)) for line in series]) for label, metrics in points
    ]
    return Chart(key, title, data, [line.label for line in series], rows)


def _scaled(series: Series, metrics: Metrics) -> float | None:
    value = series.read(metrics)
    return None if value is None else round(value * series.scale, 2)
