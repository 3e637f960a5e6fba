"""Charts of the status page: each point is the difference between two neighbouring samples."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from appliance.ops import timing_metrics
from appliance.ops.models import Sample
from appliance.ops.queries import share
from appliance.reports.charts import Chart, ChartData

SPANS = {
    "day": (gettext_lazy("One day"), timedelta(days=1)),
    "month": (gettext_lazy("30 days"), timedelta(days=30)),
    "year": (gettext_lazy("One year"), timedelta(days=365)),
}
MAX_POINTS = 96
ROLE_LABELS = {
    "classifier": gettext_lazy("Category"),
    "sentiment": gettext_lazy("Sentiment"),
    "encoder": gettext_lazy("Embedding"),
}
COLOURS = {"classifier": "sea", "sentiment": "good", "encoder": "warn"}
SamplePair = tuple[Sample, Sample]
Figures = dict[str, Any]  # of one sample
Metric = Callable[[Figures, Figures], float | None]  # of the earlier and the later sample


@dataclass(frozen=True)
class Line:
    label: str
    colour: str
    metric: Metric


@dataclass(frozen=True)
class LineChart:
    """A chart of the status page before its values are computed."""

    key: str
    title: str
    unit: str
    lines: list[Line]


def list_samples(span: str) -> list[Sample]:
    """Return the samples of the time range, evenly thinned out to MAX_POINTS. One query."""
    since = timezone.now() - SPANS[span][1]
    samples = list(Sample.objects.filter(at__gte=since))
    step = -(-len(samples) // MAX_POINTS) or 1
    return samples[::-1][::step][::-1]


def list_charts(samples: Sequence[Sample], span: str) -> list[Chart]:
    """Return all charts; none from fewer than two samples."""
    pairs = list(pairwise(samples))
    return [_draw(chart, pairs, span) for chart in _line_charts()] if pairs else []


def _line_charts() -> list[LineChart]:
    cache_hits, ms, mb = _("cache hits"), _("ms"), _("MB")
    return [
        LineChart(
            "memory",
            _("Database cache hit ratio"),
            "%",
            [Line(cache_hits, "sea", _hit_percent("pages_hit", "pages_read"))],
        ),
        LineChart(
            "index",
            _("Index hit rate on large tables"),
            "%",
            [Line(_("index scans"), "sea", _hit_percent("index_scans", "sequential_scans"))],
        ),
        LineChart(
            "cache",
            _("Cache hit rate"),
            "%",
            [Line(cache_hits, "sea", _hit_percent("cache_hits", "cache_misses"))],
        ),
        LineChart(
            "models",
            _("Median inference time per text"),
            ms,
            [
                Line(str(ROLE_LABELS[role]), colour, _median_ms(role))
                for role, colour in COLOURS.items()
            ],
        ),
        LineChart(
            "queue",
            _("Texts in the queue"),
            "",
            [Line(_("queued"), "sea", lambda _earlier, later: later.get("queued_texts"))],
        ),
        LineChart(
            "size", _("Size of the database"), mb, [Line(_("database"), "sea", _database_mb)]
        ),
    ]


def _draw(chart: LineChart, pairs: list[SamplePair], span: str) -> Chart:
    labels = [_label(later, span) for _earlier, later in pairs]
    columns = [
        [_rounded(line.metric(earlier.figures, later.figures)) for earlier, later in pairs]
        for line in chart.lines
    ]
    data: ChartData = {
        "kind": "line",
        "unit": chart.unit,
        "labels": labels,
        "lines": [
            {"label": line.label, "colour": line.colour, "values": column}
            for line, column in zip(chart.lines, columns, strict=True)
        ],
    }
    table_rows = [
        (label, ["–" if value is None else str(value) for value in values])
        for label, values in zip(labels, zip(*columns, strict=True), strict=True)
    ]
    heads = [line.label for line in chart.lines]
    return Chart(chart.key, chart.title, data, heads, table_rows[::-1])


def _hit_percent(hits_name: str, misses_name: str) -> Metric:
    """Return the metric: hits between two samples in per cent, None when a server restarted."""

    def metric(earlier: Figures, later: Figures) -> float | None:
        hits = later.get(hits_name, 0) - earlier.get(hits_name, 0)
        misses = later.get(misses_name, 0) - earlier.get(misses_name, 0)
        hit_share = share(hits, misses) if min(hits, misses) >= 0 else None
        return None if hit_share is None else 100 * hit_share

    return metric


def _median_ms(role: str) -> Metric:
    def metric(earlier: Figures, later: Figures) -> float | None:
        timings = timing_metrics.subtract(later.get("timings", {}), earlier.get("timings", {}))
        return timing_metrics.quantile(timings.get(role, {}), 0.5)

    return metric


def _database_mb(_earlier: Figures, later: Figures) -> float:
    return later.get("database_bytes", 0) / 1e6


FORMATS = {"day": "TIME_FORMAT", "year": "MONTH_DAY_FORMAT"}


def _label(sample: Sample, span: str) -> str:
    at = timezone.localtime(sample.at)
    return date_format(at, FORMATS.get(span, "SHORT_DATETIME_FORMAT"))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def list_timings(samples: Sequence[Sample]) -> list[timing_metrics.Summary]:
    """Return the inference times of each role, from the first of these samples until now."""
    timings: timing_metrics.Timings = {}
    last_slot = 0
    if samples:
        first, newest = samples[0].figures, samples[-1].figures
        last_slot = newest.get("slot", 0)
        timings = timing_metrics.subtract(newest.get("timings", {}), first.get("timings", {}))
    slots = timing_metrics.slots_since(last_slot, until=timing_metrics.current_slot() + 1)
    return timing_metrics.summarise(timing_metrics.add(timings, timing_metrics.read_timings(slots)))
