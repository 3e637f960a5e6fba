"""Verbs of this room: take a sample, have the search looked at."""

import contextlib

from django.db import transaction
from django.utils import timezone
from procrastinate.exceptions import AlreadyEnqueued

from appliance.core import cache as stored
from appliance.core.database import try_lock_until_commit
from appliance.core.sql_files import execute
from appliance.ops import queries, timing_metrics
from appliance.ops.models import Sample
from appliance.search.tasks import check_index

MIN_APART_SECONDS = 120


@transaction.atomic
def take_sample() -> Sample | None:
    """Write down what is counted now, and thin what is old. None when another one just did."""
    if not try_lock_until_commit("ops.take_sample"):
        return None
    last = Sample.objects.last()
    if last and (timezone.now() - last.at).total_seconds() < MIN_APART_SECONDS:
        return None
    sample = Sample.objects.create(figures=_figures(last.figures if last else {}))
    execute("ops", "thin")
    return sample


def queue_search_check() -> None:
    """The worker looks whether everything that should be found is; asked twice, it does so once."""
    with contextlib.suppress(AlreadyEnqueued), transaction.atomic():
        check_index.defer()


def _figures(before: dict) -> dict:
    """Readings go on from the last sample; the slot that still runs is left for the next one."""
    now = timing_metrics.current_slot()
    first = max(
        before.get("slot", 0) + 1, now - timing_metrics.KEEP_SECONDS // timing_metrics.SLOT_SECONDS
    )
    new = timing_metrics.readings_of(range(first, now))
    totals, counts = queries.totals(), stored.hit_counts().values()
    return {
        "slot": now - 1,
        "readings": timing_metrics.added(before.get("readings", {}), new),
        "pages_hit": int(totals.pages_hit),
        "pages_read": int(totals.pages_read),
        "index_scans": int(totals.index_scans),
        "whole_scans": int(totals.whole_scans),
        "database_bytes": totals.database_bytes,
        "answers_hit": sum(count["hits"] for count in counts),
        "answers_missed": sum(count["misses"] for count in counts),
        "waiting": queries.waiting_texts(),
        "disk_free": queries.disk().free,
    }
