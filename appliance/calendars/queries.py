"""Reads on calendars. What the admin's pages ask for is 404 to anybody else."""

from zoneinfo import ZoneInfo

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import QuerySet
from django.http import Http404

from appliance.calendars import week
from appliance.calendars.models import Calendar, Holiday
from appliance.calendars.worktime import ROUND_THE_CLOCK, Holidays, Hours


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
    days = list(calendar.holidays.all())
    return Hours(
        week=week.read_week(calendar.hours),
        zone=ZoneInfo(calendar.time_zone),
        holidays=Holidays(
            once=frozenset(day.on for day in days if not day.is_yearly),
            yearly=frozenset((day.on.month, day.on.day) for day in days if day.is_yearly),
        ),
    )


def describe_week(calendar: Calendar) -> list[tuple[str, str]]:
    """Each day of the week with its hours, for reading."""
    return week.describe_week(calendar.hours)


def _found(viewer: AbstractBaseUser, row):
    if row is None or not viewer.is_authenticated or not viewer.is_admin:
        raise Http404
    return row
