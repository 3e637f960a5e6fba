"""Counting the days: each as often as needed, always to the same result."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, timedelta

from django.db import connection, transaction
from django.db.models import Min
from django.utils import timezone

from appliance.core import cache
from appliance.core import queries as core_queries
from appliance.reports import periods, sql
from appliance.reports.models import Day, Progress, StaleTicket
from appliance.tickets.models import Event, Ticket
from appliance.tickets.queries import MOOD_THRESHOLD

COUNT_LOCK = 7_737_538  # one worker counts at a time; the others leave it to that one
CHUNK_DAYS = 31  # counted in one transaction
MOST_STALE = 100  # rows looked at in one transaction
NO_HELPERS = "SET LOCAL max_parallel_workers_per_gather = 0"  # their start costs more than a day
REPORTS = "reports"
_together: ContextVar[set[int] | None] = ContextVar("changed_together", default=None)


def note_change(event: Event) -> None:
    """The days of this ticket are to be counted again; written with the event itself."""
    if (changed := _together.get()) is not None:
        changed.add(event.ticket_id)
    else:
        StaleTicket.objects.create(ticket_id=event.ticket_id)


@contextmanager
def note_together() -> Iterator[None]:
    """Whatever happens to a ticket inside is one row, written at the end: for tickets brought in.

    Use it inside the transaction of the changes.
    """
    changed: set[int] = set()
    token = _together.set(changed)
    try:
        yield
    finally:
        _together.reset(token)
    StaleTicket.objects.bulk_create(StaleTicket(ticket_id=pk) for pk in sorted(changed))


def refresh(*, seconds: float = 10) -> bool:
    """Count what is new or has changed, for about so long. Whether something is left to do.

    Cut short at any moment it has lost nothing: each step is one transaction.
    """
    until = time.monotonic() + seconds
    for step in (_count_on, _count_stale, _count_again):
        while step():
            if time.monotonic() > until:
                return True
    return False


def count_again(*, days: int | None = None) -> None:
    """Begin to count the last ``days`` once more, or all, for what no event tells of: a customer
    who moved to another organisation, a policy that was edited."""
    first = Day.objects.aggregate(first=Min("on"))["first"]
    if first and days:
        first = max(first, timezone.now().date() - timedelta(days=days))
    Progress.objects.filter(pk=1).update(again_from=first)


@transaction.atomic
def _count_on() -> bool:
    """The next days that are over and not counted yet. Whether there may be more."""
    progress = _hold_progress()
    if progress is None:
        return False
    yesterday = periods.today(progress.time_zone, timezone.now()) - timedelta(days=1)
    counted = progress.counted_through or _day_before_the_first(progress.time_zone, yesterday)
    end = min(counted + timedelta(days=CHUNK_DAYS), yesterday)
    if end > counted:
        _count(counted + timedelta(days=1), end, progress.time_zone)
    progress.counted_through = max(counted, end)
    _done(progress)
    return end < yesterday


@transaction.atomic
def _count_stale() -> bool:
    """The days of some tickets that have changed. Whether there may be more."""
    progress = _hold_progress()
    if progress is None or progress.counted_through is None:
        return False
    rows = dict(StaleTicket.objects.order_by("id").values_list("id", "ticket")[:MOST_STALE])
    if not rows:
        return False
    with connection.cursor() as cursor:
        values = {"zone": progress.time_zone, "tickets": list(set(rows.values()))}
        cursor.execute(sql.text("stale_days"), values)
        days = [day for (day,) in cursor.fetchall() if day <= progress.counted_through]
    for start, end in _spans(days):
        _count(start, end, progress.time_zone)
    StaleTicket.objects.filter(pk__in=list(rows)).delete()
    _done(progress)
    return len(rows) == MOST_STALE


@transaction.atomic
def _count_again() -> bool:
    """The next days of counting everything again. Whether there are more."""
    progress = _hold_progress()
    if progress is None or not progress.again_from or not progress.counted_through:
        return False
    end = min(progress.again_from + timedelta(days=CHUNK_DAYS - 1), progress.counted_through)
    _count(progress.again_from, end, progress.time_zone)
    is_done = end >= progress.counted_through
    progress.again_from = None if is_done else end + timedelta(days=1)
    _done(progress)
    return not is_done


def _hold_progress() -> Progress | None:
    """The row, ours until the transaction ends; None while another worker counts.

    When the desk moved to another time zone its days are other days: all is counted anew.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [COUNT_LOCK])
        if not cursor.fetchone()[0]:
            return None
        cursor.execute(NO_HELPERS)
    _, zone = core_queries.locale_defaults()
    progress, _made = Progress.objects.get_or_create(pk=1, defaults={"time_zone": zone})
    if progress.time_zone != zone:
        Day.objects.all().delete()
        progress.time_zone, progress.counted_through, progress.again_from = zone, None, None
    return progress


def _done(progress: Progress) -> None:
    progress.refreshed_at = timezone.now()
    progress.save()
    cache.invalidate(REPORTS)


def _day_before_the_first(zone: str, yesterday: date) -> date:
    first = Ticket.objects.aggregate(first=Min("created_at"))["first"]
    if first is None:
        return yesterday
    return min(periods.today(zone, first) - timedelta(days=1), yesterday)


def _count(start: date, end: date, zone: str) -> None:
    """What stood for these days is taken away and written anew."""
    Day.objects.filter(on__range=(start, end)).delete()
    with connection.cursor() as cursor:
        cursor.execute(
            sql.text("rebuild"),
            {
                "since": periods.moment(start, zone),
                "until": periods.moment(end + timedelta(days=1), zone),
                "zone": zone,
                "mood": MOOD_THRESHOLD,
            },
        )


def _spans(days: Iterable[date]) -> Iterator[tuple[date, date]]:
    """Sorted days as spans of neighbours, none longer than a chunk."""
    start = end = None
    for day in days:
        if start and day - end == timedelta(days=1) and (day - start).days < CHUNK_DAYS:
            end = day
            continue
        if start:
            yield start, end
        start = end = day
    if start:
        yield start, end
