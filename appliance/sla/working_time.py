"""Arithmetic of working time. Pure: no Django, no database, no clock of its own.

An instant is worked when the clock on the wall, in the zone of the hours, says so: in the hour
that comes twice in autumn both count, the hour that is missing in spring counts for nothing.
Moments given must be aware; moments returned are in UTC.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

MINUTES_OF_A_DAY = 24 * 60
DAY = timedelta(days=1)
MAX_DAYS_OFF = 3660  # ten years without a minute of work: such hours never come

Spans = tuple[tuple[int, int], ...]  # minutes after midnight, in order, apart: ((480, 1020),)
Span = tuple[datetime, datetime]


class NoHoursError(ValueError):
    """In these hours nobody ever works, so nothing can come due."""


@dataclass(frozen=True)
class Holidays:
    """Days nobody works: single ones, and those of every year as (month, day).

    A yearly holiday on 29 February is one in leap years only.
    """

    once: frozenset[date] = frozenset()
    yearly: frozenset[tuple[int, int]] = frozenset()

    def __contains__(self, day: date) -> bool:
        return day in self.once or (day.month, day.day) in self.yearly


@dataclass(frozen=True)
class Hours:
    """The spans of each day of the week (Monday first), the days off and the zone of both.

    Raises NoHoursError for a week without a minute of work.
    """

    week: tuple[Spans, Spans, Spans, Spans, Spans, Spans, Spans]
    zone: ZoneInfo
    holidays: Holidays = field(default_factory=Holidays)

    def __post_init__(self) -> None:
        if not any(self.week):
            raise NoHoursError("Nobody works in these hours.")


ROUND_THE_CLOCK = Hours(week=(((0, MINUTES_OF_A_DAY),),) * 7, zone=ZoneInfo("UTC"))


def add_working_time(start: datetime, seconds: float, hours: Hours) -> datetime:
    """The first moment from ``start`` on at which ``seconds`` of work have passed.

    Raises NoHoursError when ten years of holidays lie before it.
    """
    moment, left = start.astimezone(UTC), timedelta(seconds=max(0.0, seconds))
    if not left:
        return moment
    for opens, closes in _spans_from(moment, hours):
        new_timer = max(opens, moment)
        if closes - new_timer >= left:
            return new_timer + left
        left -= closes - new_timer
    raise NoHoursError("Nobody works in the next ten years.")


def working_seconds_between(start: datetime, end: datetime, hours: Hours) -> float:
    """Seconds of work from ``start`` to ``end``; 0 when the end is the earlier one."""
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    worked = timedelta()
    for opens, closes in _spans_from(start, hours):
        if opens >= end:
            break
        worked += max(timedelta(), min(closes, end) - max(opens, start))
    return worked.total_seconds()


def is_working_at(moment: datetime, hours: Hours) -> bool:
    moment = moment.astimezone(UTC)
    day = moment.astimezone(hours.zone).date()
    return any(opens <= moment < closes for opens, closes in _spans_of(day, hours))


def _spans_from(moment: datetime, hours: Hours) -> Iterator[Span]:
    """What is worked from the day of ``moment`` on; ends after ten years without any work."""
    day, idle = moment.astimezone(hours.zone).date(), 0
    while idle < MAX_DAYS_OFF and day < date.max - DAY:
        spans = [span for span in _spans_of(day, hours) if span[1] > moment]
        yield from spans
        idle = 0 if spans else idle + 1
        day += DAY


@lru_cache(maxsize=4096)
def _spans_of(day: date, hours: Hours) -> tuple[Span, ...]:
    """What is worked on one day, in UTC. A day on which the clocks change has two pieces."""
    rule = hours.week[day.weekday()]
    if not rule or day in hours.holidays:
        return ()
    new_timer = _first_instant(day, hours.zone)
    end = _first_instant(day + DAY, hours.zone)
    return tuple(
        span
        for piece_begin, piece_end in _pieces(new_timer, end, hours.zone)
        for opens, closes in rule
        if (span := _within(day, opens, closes, piece_begin, piece_end, hours.zone))
    )


def _within(
    day: date, opens: int, closes: int, new_timer: datetime, end: datetime, zone: ZoneInfo
) -> Span | None:
    """The planned span, as far as the wall clock shows it between ``begin`` and ``end``."""
    midnight = datetime.combine(day, time(), UTC) - _offset(new_timer, zone)
    first = max(new_timer, midnight + timedelta(minutes=opens))
    last = min(end, midnight + timedelta(minutes=closes))
    return (first, last) if first < last else None


def _pieces(new_timer: datetime, end: datetime, zone: ZoneInfo) -> list[Span]:
    """The day, cut where the clocks change."""
    if new_timer >= end:  # a date the zone left out
        return []
    if _offset(new_timer, zone) == _offset(end - timedelta(seconds=1), zone):
        return [(new_timer, end)]
    change = _change_between(new_timer, end, zone)
    return [(new_timer, change), (change, end)]


def _first_instant(day: date, zone: ZoneInfo) -> datetime:
    """When the day begins; at the change of the clocks if that leaves midnight out."""
    midnight = datetime.combine(day, time(), zone)
    early, late = (midnight.replace(fold=fold).astimezone(UTC) for fold in (1, 0))
    return _change_between(early, late, zone) if early < late else late


def _change_between(early: datetime, late: datetime, zone: ZoneInfo) -> datetime:
    """The first instant after ``early`` with another offset than ``early`` has, to the second."""
    before, low, high = _offset(early, zone), 0, int((late - early).total_seconds())
    while high - low > 1:
        middle = (low + high) // 2
        same = _offset(early + timedelta(seconds=middle), zone) == before
        low, high = (middle, high) if same else (low, middle)
    return early + timedelta(seconds=high)


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()
