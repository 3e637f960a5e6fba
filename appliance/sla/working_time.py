"""Arithmetic of working time. Pure: no Django, no database, no reading of the current time.

Local time in the zone of the hours decides: the hour that is repeated in autumn counts twice, the
hour that is skipped in spring does not count. Arguments are aware datetimes; results are in UTC.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

MINUTES_OF_A_DAY = 24 * 60
DAY = timedelta(days=1)
MAX_DAYS_OFF = 3660  # ten years without a minute of work: nothing is ever due

Spans = tuple[tuple[int, int], ...]  # minutes after midnight, sorted, disjoint: ((480, 1020),)
Week = tuple[Spans, Spans, Spans, Spans, Spans, Spans, Spans]  # Monday first
Span = tuple[datetime, datetime]


class NoHoursError(ValueError):
    """The hours contain no working time, so nothing can ever be due."""


@dataclass(frozen=True)
class Holidays:
    """Days without working time: single dates, and yearly ones as (month, day).

    A yearly holiday on 29 February exists in leap years only.
    """

    once: frozenset[date] = frozenset()
    yearly: frozenset[tuple[int, int]] = frozenset()

    def __contains__(self, day: date) -> bool:
        return day in self.once or (day.month, day.day) in self.yearly


@dataclass(frozen=True)
class Hours:
    """The working spans of each weekday, the holidays, and the time zone of both.

    Raises NoHoursError for a week without a minute of work.
    """

    week: Week
    zone: ZoneInfo
    holidays: Holidays = field(default_factory=Holidays)

    def __post_init__(self) -> None:
        if not any(self.week):
            raise NoHoursError("Nobody works in these hours.")


ROUND_THE_CLOCK = Hours(week=(((0, MINUTES_OF_A_DAY),),) * 7, zone=ZoneInfo("UTC"))


def add_working_time(start: datetime, seconds: float, hours: Hours) -> datetime:
    """Return the first moment from ``start`` on at which the working seconds have passed.

    Raises NoHoursError when it lies more than ten years of holidays ahead.
    """
    moment, left = start.astimezone(UTC), timedelta(seconds=max(0.0, seconds))
    if not left:
        return moment
    for opens, closes in _spans_from(moment, hours):
        begin = max(opens, moment)
        if closes - begin >= left:
            return begin + left
        left -= closes - begin
    raise NoHoursError("Nobody works in the next ten years.")


def working_seconds_between(start: datetime, end: datetime, hours: Hours) -> float:
    """Return the working seconds from ``start`` to ``end``; 0 if the end is before the start."""
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    worked = timedelta()
    for opens, closes in _spans_from(start, hours):
        if opens >= end:
            break
        worked += max(timedelta(), min(closes, end) - max(opens, start))
    return worked.total_seconds()


def is_working_at(moment: datetime, hours: Hours) -> bool:
    """Return whether the moment lies within the hours."""
    moment = moment.astimezone(UTC)
    day = moment.astimezone(hours.zone).date()
    return any(opens <= moment < closes for opens, closes in _spans_of(day, hours))


def _spans_from(moment: datetime, hours: Hours) -> Iterator[Span]:
    """Yield the spans that end after ``moment``; stops after ten years without any."""
    day, idle = moment.astimezone(hours.zone).date(), 0
    while idle < MAX_DAYS_OFF and day < date.max - DAY:
        spans = [span for span in _spans_of(day, hours) if span[1] > moment]
        yield from spans
        idle = 0 if spans else idle + 1
        day += DAY


@lru_cache(maxsize=4096)
def _spans_of(day: date, hours: Hours) -> tuple[Span, ...]:
    """Return the working spans of one day, in UTC; each is cut where the offset changes."""
    rule = hours.week[day.weekday()]
    if not rule or day in hours.holidays:
        return ()
    begin, end = _first_instant(day, hours.zone), _first_instant(day + DAY, hours.zone)
    return tuple(
        span
        for part in _split_at_offset_change(begin, end, hours.zone)
        for opens, closes in rule
        if (span := _clip(day, opens, closes, part, hours.zone))
    )


def _clip(day: date, opens: int, closes: int, part: Span, zone: ZoneInfo) -> Span | None:
    """Return what of the local times lies in a part of the day that has one UTC offset."""
    begin, end = part
    midnight = datetime.combine(day, time(), UTC) - _offset(begin, zone)
    first = max(begin, midnight + timedelta(minutes=opens))
    last = min(end, midnight + timedelta(minutes=closes))
    return (first, last) if first < last else None


def _split_at_offset_change(begin: datetime, end: datetime, zone: ZoneInfo) -> list[Span]:
    if begin >= end:  # a date the zone skipped
        return []
    if _offset(begin, zone) == _offset(end - timedelta(seconds=1), zone):
        return [(begin, end)]
    change = _offset_change_between(begin, end, zone)
    return [(begin, change), (change, end)]


def _first_instant(day: date, zone: ZoneInfo) -> datetime:
    """Return when the day begins; at the offset change if that skips midnight."""
    midnight = datetime.combine(day, time(), zone)
    early, late = (midnight.replace(fold=fold).astimezone(UTC) for fold in (1, 0))
    return _offset_change_between(early, late, zone) if early < late else late


def _offset_change_between(early: datetime, late: datetime, zone: ZoneInfo) -> datetime:
    """Return the first second after ``early`` with another UTC offset."""
    before, low, high = _offset(early, zone), 0, int((late - early).total_seconds())
    while high - low > 1:
        middle = (low + high) // 2
        same = _offset(early + timedelta(seconds=middle), zone) == before
        low, high = (middle, high) if same else (low, middle)
    return early + timedelta(seconds=high)


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()
