"""Reads on calendars. What the admin's pages ask for is 404 to anybody else."""

from collections.abc import Iterable
from datetime import date
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog
from django.contrib.auth.models import AbstractBaseUser
from django.db.models import QuerySet
from django.http import Http404

from appliance.calendars import week
from appliance.calendars.models import Calendar, Holiday
from appliance.calendars.worktime import ROUND_THE_CLOCK, Holidays, Hours

log = structlog.get_logger(__name__)


def list_calendars() -> QuerySet[Calendar]:
    """By name, each with its holidays."""
    return Calendar.objects.prefetch_related("holidays")


def access_calendar(viewer: AbstractBaseUser, pk: int) -> Calendar:
    return _found(viewer, Calendar.objects.filter(pk=pk).first())


def access_holiday(viewer: AbstractBaseUser, pk: int) -> Holiday:
    return _found(viewer, Holiday.objects.select_related("calendar").filter(pk=pk).first())


def find_default() -> Calendar | None:
    return list_calendars().filter(is_default=True).first()


def hours_of(calendar: Calendar | None) -> Hours:
    """The hours of a calendar; without one the desk works round the clock."""
    if calendar is None:
        return ROUND_THE_CLOCK
    days = ((day.on, day.is_yearly) for day in calendar.holidays.all())
    return make_hours(calendar.hours, calendar.time_zone, days)


def make_hours(kept: week.Stored, time_zone: str, days_off: Iterable[tuple[date, bool]]) -> Hours:
    """Hours from what a calendar keeps; of each day off, whether it is one every year."""
    days = list(days_off)
    return Hours(
        week=week.read_week(kept),
        zone=_zone(time_zone),
        holidays=Holidays(
            once=frozenset(day for day, is_yearly in days if not is_yearly),
            yearly=frozenset((day.month, day.day) for day, is_yearly in days if is_yearly),
        ),
    )


def _zone(name: str) -> ZoneInfo:
    """A zone that a newer table of zones has dropped must not keep tickets from being written."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        log.error("time_zone_unknown", name=name)
        return ZoneInfo("UTC")


def describe_week(calendar: Calendar) -> list[tuple[str, str]]:
    """Each day of the week with its hours, for reading."""
    return week.describe_week(calendar.hours)


def _found(viewer: AbstractBaseUser, row):
    if row is None or not viewer.is_authenticated or not viewer.is_admin:
        raise Http404
    return row
