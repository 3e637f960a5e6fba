"""Tiles and charts of a report, each chart with the data table under it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from appliance.reports import formatting
from appliance.reports.metrics import Metrics
from appliance.reports.queries import Report


@dataclass(frozen=True)
class Tile:
    label: str
    value: str
    note: str
    before: str
    trend: str  # up, down, same, or empty when there is nothing to compare
    is_good: bool | None  # None: neither good nor bad


def list_tiles(now: Metrics, before: Metrics) -> list[Tile]:
    def tile(
        label: str, name: str, show: Callable, *, better_when: str = "", note: str = ""
    ) -> Tile:
        value, earlier = getattr(now, name), getattr(before, name)
        trend = _trend(value, earlier)
        is_good = trend == better_when if better_when and trend in ("up", "down") else None
        return Tile(label, show(value), note, show(earlier), trend, is_good)

    return [
        tile(_("New"), "opened", formatting.number),
        tile(_("Solved"), "solved", formatting.number, better_when="up"),
        tile(_("Open (end of period)"), "backlog", formatting.number, better_when="down"),
        tile(
            _("First response"),
            "first_response_median",
            formatting.duration,
            better_when="down",
            note=_("90th percentile %(time)s")
            % {"time": formatting.duration(now.first_response_p90)},
        ),
        tile(
            _("Resolution"),
            "resolution_median",
            formatting.duration,
            better_when="down",
            note=_("90th percentile %(time)s") % {"time": formatting.duration(now.resolution_p90)},
        ),
        tile(
            _("SLA met"),
            "sla_met_share",
            formatting.percent,
            better_when="up",
            note=_("%(kept)s of %(all)s") % {"kept": now.sla_met, "all": now.sla_targets},
        ),
        tile(
            _("Rated good"),
            "good_share",
            formatting.percent,
            better_when="up",
            note=_("%(good)s of %(all)s") % {"good": now.rated_good, "all": now.ratings},
        ),
        tile(
            _("Negative tickets"),
            "negative_share",
            formatting.percent,
            better_when="down",
            note=_("%(part)s of %(all)s analysed")
            % {"part": now.negative, "all": now.sentiment_count},
        ),
    ]


def _trend(value: float | None, earlier: float | None) -> str:
    if value is None or earlier is None:
        return ""
    return "same" if value == earlier else "up" if value > earlier else "down"


HOUR = 3600
MAX_BARS = 12


@dataclass(frozen=True)
class Series:
    """One row of numbers: what it is called, its colour token, how it is drawn and written."""

    label: str
    colour: str
    read: Callable[[Metrics], float | None]
    show: Callable[[float | None], str] = formatting.number
    scale: float = 1


@dataclass(frozen=True)
class Chart:
    """``data`` goes to reports.js, ``heads`` and ``rows`` into the table."""

    key: str
    title: str
    data: dict
    heads: list[str]
    rows: list[tuple[str, list[str]]]

    @property
    def script_id(self) -> str:
        return f"data-{self.key}"

    @property
    def is_empty(self) -> bool:
        return not any(any(line["values"]) for line in self.data["lines"])


def list_charts(report: Report) -> list[Chart]:
    """Over time, then by part."""
    step = report.report_query.period.step
    labels = {at: step_label(at, step) for at in report.steps}
    steps = [(labels[at], metrics) for at, metrics in report.steps.items()]
    charts = [
        _chart(key, title, kind, unit, steps, lines)
        for key, title, kind, unit, lines in [
            (
                "flow",
                _("New and solved"),
                "bar",
                "",
                [
                    Series(_("New"), "new", lambda f: f.opened),
                    Series(_("Solved"), "good", lambda f: f.solved),
                ],
            ),
            (
                "backlog",
                _("Open tickets"),
                "line",
                "",
                [
                    Series(_("Open (end of period)"), "sea", lambda f: f.backlog),
                ],
            ),
            (
                "first_response",
                _("First response time"),
                "line",
                _("hours"),
                [
                    _time(_("Median"), "sea", "first_response_median"),
                    _time(_("90th percentile") % {}, "warn", "first_response_p90"),
                ],
            ),
            (
                "resolution",
                _("Resolution time"),
                "line",
                _("hours"),
                [
                    _time(_("Median"), "sea", "resolution_median"),
                    _time(_("90th percentile") % {}, "warn", "resolution_p90"),
                ],
            ),
            (
                "sla_targets",
                _("SLA met"),
                "line",
                "%",
                [
                    _share(_("First response"), "sea", "first_responses_met_share"),
                    _share(_("Resolution"), "good", "resolutions_met_share"),
                ],
            ),
            (
                "ratings",
                _("Ratings"),
                "stacked",
                "",
                [
                    Series(_("Good"), "good", lambda f: f.rated_good),
                    Series(_("Bad"), "bad", lambda f: f.rated_bad),
                ],
            ),
            (
                "sentiment",
                _("Sentiment of new tickets"),
                "line",
                "%",
                [
                    _share(_("Negative"), "bad", "negative_share"),
                    _share(_("Positive"), "good", "positive_share"),
                ],
            ),
        ]
    ]
    return charts


def chart_of_parts(report: Report) -> Chart:
    """The largest parts beside each other; all of them are in the table of parts."""
    parts = [(name, metrics) for _part, name, metrics in sorted_parts(report)[:MAX_BARS]]
    lines = [
        Series(_("New"), "new", lambda f: f.opened),
        Series(_("Solved"), "good", lambda f: f.solved),
    ]
    return _chart("parts", _("Top categories"), "across", "", parts, lines)


def sorted_parts(report: Report) -> list[tuple[int | None, str, Metrics]]:
    """Id, name and figures of each part, the one with most new tickets first."""
    named = [
        (part, formatting.part_label(report.report_query.dimension, part, report.names), metrics)
        for part, metrics in report.parts.items()
    ]
    return sorted(named, key=lambda row: (-row[2].opened, -row[2].solved, row[1].casefold()))


def step_label(at: date, step: str) -> str:
    return date_format(at, "M Y" if step == "month" else "j M")


def _time(label: str, colour: str, name: str) -> Series:
    return Series(label, colour, lambda f: getattr(f, name), formatting.duration, scale=1 / HOUR)


def _share(label: str, colour: str, name: str) -> Series:
    return Series(label, colour, lambda f: getattr(f, name), formatting.percent, scale=100)


def _chart(
    key: str,
    title: str,
    kind: str,
    unit: str,
    points: list[tuple[str, Metrics]],
    lines: list[Series],
) -> Chart:
    data = {
        "kind": kind,
        "unit": unit,
        "labels": [label for label, _figures in points],
        "lines": [
            {
                "label": line.label,
                "colour": line.colour,
                "values": [_scaled(line, metrics) for _label, metrics in points],
            }
            for line in lines
        ],
    }
    rows = [(label, [line.show(line.read(f)) for line in lines]) for label, f in points]
    return Chart(key, title, data, [line.label for line in lines], rows)


def _scaled(line: Series, metrics: Metrics) -> float | None:
    value = line.read(metrics)
    return None if value is None else round(value * line.scale, 2)
