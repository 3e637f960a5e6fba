"""Charts of the status page, out of samples: each point is what came between two of them."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import pairwise

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from appliance.ops import timing_metrics
from appliance.ops.models import Sample
from appliance.ops.queries import share
from appliance.reports.charts import Chart

SPANS = {
    "day": (gettext_lazy("One day"), timedelta(days=1)),
    "month": (gettext_lazy("30 days"), timedelta(days=30)),
    "year": (gettext_lazy("One year"), timedelta(days=365)),
}
MAX_POINTS = 96
COLOURS = {"classifier": "sea", "sentiment": "good", "encoder": "warn"}
Point = tuple[Sample, Sample]
Read = Callable[[dict, dict], float | None]


def list_samples(span: str) -> list[Sample]:
    """Samples of the time range, thinned out evenly when there are many. One query."""
    since = timezone.now() - SPANS[span][1]
    rows = list(Sample.objects.filter(at__gte=since))
    step = -(-len(rows) // MAX_POINTS) or 1
    return rows[::-1][::step][::-1]


def list_charts(samples: Sequence[Sample], span: str) -> list[Chart]:
    """Nothing before there are two samples."""
    points = list(pairwise(samples))
    if not points:
        return []
    models = [(role, COLOURS[role], _median(role)) for role in COLOURS]
    drawn = [
        (
            "memory",
            _("Database cache hit ratio"),
            "%",
            [(_("cache hits"), "sea", _part("pages_hit", "pages_read"))],
        ),
        (
            "index",
            _("Index hit rate on large tables"),
            "%",
            [(_("index scans"), "sea", _part("index_scans", "whole_scans"))],
        ),
        (
            "answers",
            _("Cache hit rate"),
            "%",
            [(_("cache hits"), "sea", _part("answers_hit", "answers_missed"))],
        ),
        ("models", _("Median inference time per text"), _("ms"), models),
        (
            "waiting",
            _("Texts in the queue"),
            "",
            [(_("queued"), "sea", lambda _before, now: now.get("waiting"))],
        ),
        (
            "size",
            _("Size of the database"),
            _("MB"),
            [(_("database"), "sea", lambda _before, now: now.get("database_bytes", 0) / 1e6)],
        ),
    ]
    return [_chart(key, title, unit, lines, points, span) for key, title, unit, lines in drawn]


def _chart(
    key: str,
    title: str,
    unit: str,
    lines: list[tuple[str, str, Read]],
    points: list[Point],
    span: str,
) -> Chart:
    labels = [_label(later, span) for _earlier, later in points]
    values = [[_rounded(read(a.figures, b.figures)) for a, b in points] for *_names, read in lines]
    data = {
        "kind": "line",
        "unit": unit,
        "labels": labels,
        "lines": [
            {"label": label, "colour": colour, "values": each}
            for (label, colour, _read), each in zip(lines, values, strict=True)
        ],
    }
    cells = zip(*values, strict=True)
    rows = [
        (label, ["–" if value is None else str(value) for value in row])
        for label, row in zip(labels, cells, strict=True)
    ]
    return Chart(key, title, data, [label for label, *_rest in lines], rows[::-1])


def _part(hit: str, missed: str) -> Read:
    """Of what was counted between two samples, in per cent; None when a server began anew."""

    def read(before: dict, now: dict) -> float | None:
        hits, misses = (now.get(name, 0) - before.get(name, 0) for name in (hit, missed))
        part = share(hits, misses) if min(hits, misses) >= 0 else None
        return None if part is None else 100 * part

    return read


def _median(role: str) -> Read:
    def read(before: dict, now: dict) -> float | None:
        new = timing_metrics.without(now.get("readings", {}), before.get("readings", {}))
        return timing_metrics.quantile(new.get(role, {}), 0.5)

    return read


def _label(sample: Sample, span: str) -> str:
    at = timezone.localtime(sample.at)
    return date_format(at, "H:i" if span == "day" else "j M" if span == "year" else "j M, H:i")


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def readings_within(samples: Sequence[Sample]) -> list[timing_metrics.Taken]:
    """What each model did between the first of these samples and this moment's slots."""
    values: timing_metrics.Readings = {}
    last = 0
    if samples:
        first, newest = samples[0].figures, samples[-1].figures
        last = newest.get("slot", 0)
        values = timing_metrics.without(newest.get("readings", {}), first.get("readings", {}))
    now = timing_metrics.current_slot()
    new = range(
        max(last + 1, now - timing_metrics.KEEP_SECONDS // timing_metrics.SLOT_SECONDS), now + 1
    )
    return timing_metrics.summed(timing_metrics.added(values, timing_metrics.readings_of(new)))
