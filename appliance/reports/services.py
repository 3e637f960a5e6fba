"""Store daily metrics. Every step is idempotent and can be interrupted."""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, timedelta

from django.db import connection, transaction
from django.db.models import Min
from django.utils import timezone

from appliance.core import cache
from appliance.core import queries as core_queries
from appliance.core.database import try_lock_until_commit
from appliance.core.languages import Language
from appliance.core.sql_files import fetch_rows
from appliance.reports.models import CountingProgress, Day, StaleTicket
from appliance.reports.periods import local_date, start_of_day
from appliance.reports.queries import compose_sql
from appliance.tickets.models import Channel, Event, Ticket
from appliance.tickets.queries import SENTIMENT_THRESHOLD

CHUNK_DAYS = 31  # counted in one transaction
MAX_STALE_ROWS = 100  # rows looked at in one transaction
# Starting them costs more than counting a day.
NO_PARALLEL_WORKERS = "SET LOCAL max_parallel_workers_per_gather = 0"
REPORTS = "reports"
_batch: ContextVar[set[int] | None] = ContextVar("stale_ticket_batch", default=None)


def on_ticket_event(event: Event) -> None:
    """Mark the days of the ticket for recounting, in the transaction of the event."""
    if (ticket_ids := _batch.get()) is not None:
        ticket_ids.add(event.ticket_id)
    else:
        StaleTicket.objects.create(ticket_id=event.ticket_id)


def on_ticket_events(events: Sequence[Event]) -> None:
    """Mark the days of many tickets for recounting."""
    with batch_changes():
        for event in events:
            on_ticket_event(event)


@contextmanager
def batch_changes() -> Iterator[None]:
    """Write one stale row per ticket at the end, for bulk loads inside one transaction."""
    ticket_ids: set[int] = set()
    token = _batch.set(ticket_ids)
    try:
        yield
    finally:
        _batch.reset(token)
    StaleTicket.objects.bulk_create(StaleTicket(ticket_id=pk) for pk in sorted(ticket_ids))


def update_days(*, seconds: float = 10) -> bool:
    """Count new and changed days for about ``seconds``; return whether work is left.

    Each step is one transaction, so an interruption loses nothing.
    """
    deadline = time.monotonic() + seconds
    for step in (_count_new_days, _count_stale, _recount):
        while step():
            if time.monotonic() > deadline:
                return True
    return False


def recount(*, days: int | None = None) -> None:
    """Schedule a recount of the last ``days``, or of all days.

    For changes without an event: a customer moved to another organisation, an edited policy.
    """
    first = Day.objects.aggregate(first=Min("on"))["first"]
    if first and days:
        first = max(first, timezone.now().date() - timedelta(days=days))
    CountingProgress.objects.filter(pk=1).update(recount_from=first)


@transaction.atomic
def _count_new_days() -> bool:
    """Count the next completed days; return whether there may be more."""
    progress = _lock_progress()
    if progress is None:
        return False
    yesterday = local_date(timezone.now(), progress.time_zone) - timedelta(days=1)
    counted = progress.counted_through or _day_before_the_first(progress.time_zone, yesterday)
    end = min(counted + timedelta(days=CHUNK_DAYS), yesterday)
    if end > counted:
        _rebuild_days(counted + timedelta(days=1), end, progress.time_zone)
    progress.counted_through = max(counted, end)
    _save_progress(progress)
    return end < yesterday


@transaction.atomic
def _count_stale() -> bool:
    """Recount the days of changed tickets; return whether there may be more."""
    progress = _lock_progress()
    if progress is None or progress.counted_through is None:
        return False
    stale = StaleTicket.objects.order_by("id").values_list("id", "ticket")[:MAX_STALE_ROWS]
    ticket_ids_by_row = dict(stale)
    if not ticket_ids_by_row:
        return False
    ticket_ids = list(set(ticket_ids_by_row.values()))
    days = [
        day
        for (day,) in fetch_rows(
            "reports", "stale_days", zone=progress.time_zone, tickets=ticket_ids
        )
        if day <= progress.counted_through
    ]
    for start, end in _consecutive_spans(days):
        _rebuild_days(start, end, progress.time_zone)
    StaleTicket.objects.filter(pk__in=list(ticket_ids_by_row)).delete()
    _save_progress(progress)
    return len(ticket_ids_by_row) == MAX_STALE_ROWS


@transaction.atomic
def _recount() -> bool:
    """Continue a recount; return whether there are more days."""
    progress = _lock_progress()
    if progress is None or not progress.recount_from or not progress.counted_through:
        return False
    end = min(progress.recount_from + timedelta(days=CHUNK_DAYS - 1), progress.counted_through)
    _rebuild_days(progress.recount_from, end, progress.time_zone)
    is_done = end >= progress.counted_through
    progress.recount_from = None if is_done else end + timedelta(days=1)
    _save_progress(progress)
    return not is_done


def _lock_progress() -> CountingProgress | None:
    """Return the progress row, locked for this transaction; None while another worker counts.

    After a change of time zone all days are deleted and counted again.
    """
    if not try_lock_until_commit("reports.count"):
        return None
    with connection.cursor() as cursor:
        cursor.execute(NO_PARALLEL_WORKERS)
    _, zone = core_queries.locale_defaults()
    progress, _created = CountingProgress.objects.get_or_create(pk=1, defaults={"time_zone": zone})
    if progress.time_zone != zone:
        Day.objects.all().delete()
        progress.time_zone, progress.counted_through, progress.recount_from = zone, None, None
    return progress


def _save_progress(progress: CountingProgress) -> None:
    progress.refreshed_at = timezone.now()
    progress.save()
    cache.invalidate(REPORTS)


def _day_before_the_first(zone: str, yesterday: date) -> date:
    first = Ticket.objects.aggregate(first=Min("created_at"))["first"]
    if first is None:
        return yesterday
    return min(local_date(first, zone) - timedelta(days=1), yesterday)


def _rebuild_days(start: date, end: date, zone: str) -> None:
    """Delete the rows of these days and count them again."""
    Day.objects.filter(on__range=(start, end)).delete()
    with connection.cursor() as cursor:
        cursor.execute(
            compose_sql("rebuild"),
            {
                "since": start_of_day(start, zone),
                "until": start_of_day(end + timedelta(days=1), zone),
                "zone": zone,
                "sentiment": SENTIMENT_THRESHOLD,
                "channels": Channel.values,
                "languages": Language.values,
            },
        )


def _consecutive_spans(days: Iterable[date]) -> Iterator[tuple[date, date]]:
    """Group sorted days into consecutive spans of at most CHUNK_DAYS; yield first and last day."""
    span: list[date] = []
    for day in days:
        if span and (day - span[-1] > timedelta(days=1) or len(span) == CHUNK_DAYS):
            yield span[0], span[-1]
            span = []
        span.append(day)
    if span:
        yield span[0], span[-1]
