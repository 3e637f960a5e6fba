"""Spans of days and the steps they are shown in. Dates in, dates out."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import models
from django.utils.translation import gettext_lazy as _

MAX_DAYS = 731  # two years, whatever lies between


class Preset(models.TextChoices):
    WEEK = "7", _("Last 7 days")
    MONTH = "30", _("Last 30 days")
    QUARTER = "90", _("Last 90 days")
    YEAR = "365", _("Last 365 days")
    THIS_MONTH = "this_month", _("This month")
    LAST_MONTH = "last_month", _("Last month")
    THIS_YEAR = "this_year", _("This year")
    OWN = "own", _("Custom range")


@dataclass(frozen=True)
class Period:
    """From the first day to the last, both included."""

    start: date
    end: date

    @property
    def days(self) -> int:
        return (self.end - self.start).days + 1

    @property
    def before(self) -> "Period":
        """The span of the same length that ends where this one begins."""
        return Period(self.start - timedelta(days=self.days), self.start - timedelta(days=1))

    @property
    def step(self) -> str:
        """How it is cut: ``day``, ``week`` (from Monday) or ``month``."""
        return "day" if self.days <= 92 else "week" if self.days <= 366 else "month"

    def steps(self) -> Iterator[date]:
        """The first day of each step it touches; the first may lie before the span."""
        at = step_of(self.start, self.step)
        while at <= self.end:
            yield at
            at = _after(at, self.step)


def of_preset(preset: str, today: date) -> Period:
    """The span a preset means today. ``own`` means none and is refused."""
    if preset.isdigit():
        return Period(today - timedelta(days=int(preset) - 1), today)
    first = today.replace(day=1)
    if preset == Preset.LAST_MONTH:
        last = first - timedelta(days=1)
        return Period(last.replace(day=1), last)
    return Period({"this_month": first, "this_year": first.replace(month=1)}[preset], today)


def step_of(day: date, step: str) -> date:
    """The first day of the step a day lies in."""
    if step == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if step == "month" else day


def _after(at: date, step: str) -> date:
    if step == "month":
        return (at + timedelta(days=31)).replace(day=1)
    return at + timedelta(days=7 if step == "week" else 1)


def moment(day: date, zone: str) -> datetime:
    """When a day begins on the desk's wall clock."""
    return datetime.combine(day, time(), ZoneInfo(zone))


def today(zone: str, now: datetime) -> date:
    return now.astimezone(ZoneInfo(zone)).date()
