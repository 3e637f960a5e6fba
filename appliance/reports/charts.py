"""Charts of a report and the table under each: the same numbers twice."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from appliance.reports import words
from appliance.reports.figures import Figures
from appliance.reports.queries import Report

HOUR = 3600
MOST_BARS = 12


@dataclass(frozen=True)
class Line:
    """One row of numbers: what it is called, its colour token, how it is drawn and written."""

    label: str
    colour: str
    read: Callable[[Figures], float | None]
    show: Callable[[float | None], str] = words.number
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
    step = report.asked.period.step
    labels = {at: step_label(at, step) for at in report.steps}
    steps = [(labels[at], figures) for at, figures in report.steps.items()]
    charts = [
        _chart(key, title, kind, unit, steps, lines)
        for key, title, kind, unit, lines in [
            (
                "flow",
                _("New and solved"),
                "bar",
                "",
                [
                    Line(_("New"), "new", lambda f: f.opened),
                    Line(_("Solved"), "good", lambda f: f.solved),
                ],
            ),
            (
                "backlog",
                _("Open tickets"),
                "line",
                "",
                [
                    Line(_("Open (end of period)"), "sea", lambda f: f.backlog),
                ],
            ),
            (
                "answer",
                _("First response time"),
                "line",
                _("hours"),
                [
                    _time(_("Median"), "sea", "first_response_median"),
                    _time(_("90th percentile") % {}, "warn", "first_response_p90"),
                ],
            ),
            (
                "solution",
                _("Resolution time"),
                "line",
                _("hours"),
                [
                    _time(_("Median"), "sea", "resolution_median"),
                    _time(_("90th percentile") % {}, "warn", "resolution_p90"),
                ],
            ),
            (
                "promises",
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
                    Line(_("Good"), "good", lambda f: f.rated_good),
                    Line(_("Bad"), "bad", lambda f: f.rated_bad),
                ],
            ),
            (
                "mood",
                _("Sentiment of new tickets"),
                "line",
                "%",
                [
                    _share(_("Negative"), "bad", "unhappy_share"),
                    _share(_("Positive"), "good", "happy_share"),
                ],
            ),
        ]
    ]
    return charts


def chart_of_parts(report: Report) -> Chart:
    """The largest parts beside each other; all of them are in the table of parts."""
    parts = [(name, figures) for _part, name, figures in sorted_parts(report)[:MOST_BARS]]
    lines = [
        Line(_("New"), "new", lambda f: f.opened),
        Line(_("Solved"), "good", lambda f: f.solved),
    ]
    return _chart("parts", _("Top categories"), "across", "", parts, lines)


def sorted_parts(report: Report) -> list[tuple[int | None, str, Figures]]:
    """Id, name and figures of each part, the one with most new tickets first."""
    named = [
        (part, words.part_name(report.asked.dimension, part, report.names), figures)
        for part, figures in report.parts.items()
    ]
    return sorted(named, key=lambda row: (-row[2].opened, -row[2].solved, row[1].casefold()))


def step_label(at: date, step: str) -> str:
    return date_format(at, "M Y" if step == "month" else "j M")


def _time(label: str, colour: str, name: str) -> Line:
    return Line(label, colour, lambda f: getattr(f, name), words.duration, scale=1 / HOUR)


def _share(label: str, colour: str, name: str) -> Line:
    return Line(label, colour, lambda f: getattr(f, name), words.percent, scale=100)


def _chart(
    key: str, title: str, kind: str, unit: str, points: list[tuple[str, Figures]], lines: list[Line]
) -> Chart:
    data = {
        "kind": kind,
        "unit": unit,
        "labels": [label for label, _figures in points],
        "lines": [
            {
                "label": line.label,
                "colour": line.colour,
                "values": [_scaled(line, figures) for _label, figures in points],
            }
            for line in lines
        ],
    }
    rows = [(label, [line.show(line.read(f)) for line in lines]) for label, f in points]
    return Chart(key, title, data, [line.label for line in lines], rows)


def _scaled(line: Line, figures: Figures) -> float | None:
    value = line.read(figures)
    return None if value is None else round(value * line.scale, 2)
