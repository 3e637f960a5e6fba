"""Periods of reports and the steps they are shown in. Dates in, dates out."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from django.db import models
from django.utils.translation import gettext_lazy as _

MAX_DAYS = 731  # two years, leap day included
Step = Literal["day", "week", "month"]


class Preset(models.TextChoices):
    WEEK = "7", _("Last 7 days")
    MONTH = "30", _("Last 30 days")
    QUARTER = "90", _("Last 90 days")
    YEAR = "365", _("Last 365 days")
    THIS_MONTH = "this_month", _("This month")
    LAST_MONTH = "last_month", _("Last month")
    THIS_YEAR = "this_year", _("This year")
    CUSTOM = "own", _("Custom range")


@dataclass(frozen=True)
class Period:
    """The days from the first to the last, both included."""

    start: date
    end: date

    @property
    def days(self) -> int:
        return (self.end - self.start).days + 1

    @property
    def previous(self) -> "Period":
        """The period of the same length that ends the day before this one starts."""
        return Period(self.start - timedelta(days=self.days), self.start - timedelta(days=1))

    @property
    def step(self) -> Step:
        """The step that suits its length; weeks start on Monday."""
        return "day" if self.days <= 92 else "week" if self.days <= 366 else "month"

    def steps(self) -> Iterator[date]:
        """Yield the first day of each step; the first step may start before the period."""
        first_day = start_of_step(self.start, self.step)
        while first_day <= self.end:
            yield first_day
            first_day = _next_step(first_day, self.step)


def period_of_preset(preset: str, today: date) -> Period:
    """Return the period of a preset. Raises KeyError for CUSTOM, whose days the reader chooses."""
    if preset.isdigit():
        return Period(today - timedelta(days=int(preset) - 1), today)
    first = today.replace(day=1)
    if preset == Preset.LAST_MONTH:
        last = first - timedelta(days=1)
        return Period(last.replace(day=1), last)
    return Period({"this_month": first, "this_year": first.replace(month=1)}[preset], today)


def start_of_step(day: date, step: Step) -> date:
    """Return the first day of the step that holds ``day``."""
    if step == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if step == "month" else day


def _next_step(first_day: date, step: Step) -> date:
    if step == "month":
        return (first_day + timedelta(days=31)).replace(day=1)
    return first_day + timedelta(days=7 if step == "week" else 1)


def start_of_day(day: date, zone: str) -> datetime:
    """Return midnight of the day in the time zone."""
    return datetime.combine(day, time(), ZoneInfo(zone))


def local_date(now: datetime, zone: str) -> date:
    """Return the date of a moment in the time zone."""
    return now.astimezone(ZoneInfo(zone)).date()
