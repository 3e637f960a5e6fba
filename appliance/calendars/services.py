"""Verbs on calendars and holidays. Admins only; open clocks follow within a minute.

``by`` is whoever does it, None the box itself. Accounts lies above this room, so only
``is_admin`` is asked of them.
"""

from datetime import date
from zoneinfo import available_timezones

from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils.translation import gettext as _

from appliance.calendars.models import Calendar, Holiday
from appliance.calendars.week import Stored
from appliance.core import changes
from appliance.core.errors import BadInputError, RefusedError

MOST_HOLIDAYS = 400


@transaction.atomic
def add_calendar(
    *,
    by: AbstractBaseUser | None,
    name: str,
    time_zone: str,
    hours: Stored,
    is_default: bool = False,
) -> Calendar:
    """``hours`` as ``week.parse_week`` gives them."""
    _admins_only(by)
    calendar = Calendar(name=name, time_zone=time_zone, hours=hours, is_default=is_default)
    _save(calendar)
    changes.record(by=by, verb="added", subject=calendar, data=_facts(calendar))
    return calendar


@transaction.atomic
def change_calendar(
    *,
    calendar: Calendar,
    by: AbstractBaseUser | None,
    name: str,
    time_zone: str,
    hours: Stored,
    is_default: bool,
) -> None:
    _admins_only(by)
    before = _facts(Calendar.objects.select_for_update().get(pk=calendar.pk))
    calendar.name, calendar.time_zone = name, time_zone
    calendar.hours, calendar.is_default = hours, is_default
    if _facts(calendar) != before:
        _save(calendar)
        after = _facts(calendar)
        changed = {key: [before[key], after[key]] for key in after if before[key] != after[key]}
        changes.record(by=by, verb="changed", subject=calendar, data=changed)


@transaction.atomic
def remove_calendar(*, calendar: Calendar, by: AbstractBaseUser | None) -> None:
    """Refused for the default and for one that a policy counts by. People get the default."""
    _admins_only(by)
    calendar.refresh_from_db()
    if calendar.is_default:
        raise BadInputError(
            _("This is the desk's default. Make another calendar the default first.")
        )
    changes.record(by=by, verb="removed", subject=calendar, data=_facts(calendar))
    try:
        calendar.delete()
    except ProtectedError as error:
        raise BadInputError(
            _("A policy counts by these hours. Give the policy another calendar first.")
        ) from error


@transaction.atomic
def add_holiday(
    *, calendar: Calendar, by: AbstractBaseUser | None, on: date, name: str, is_yearly: bool = False
) -> Holiday:
    _admins_only(by)
    if calendar.holidays.count() >= MOST_HOLIDAYS:
        raise BadInputError(
            _("This calendar has %(count)d holidays. Remove those that are over.")
            % {"count": MOST_HOLIDAYS},
            field="on",
        )
    try:
        with transaction.atomic():
            holiday = Holiday.objects.create(
                calendar=calendar, on=on, name=name, is_yearly=is_yearly
            )
    except IntegrityError as error:
        raise BadInputError(
            _("This day is a holiday already. Remove it first to change it."), field="on"
        ) from error
    changes.record(by=by, verb="added", subject=holiday, data={"calendar": calendar.name})
    return holiday


@transaction.atomic
def remove_holiday(*, holiday: Holiday, by: AbstractBaseUser | None) -> None:
    _admins_only(by)
    changes.record(by=by, verb="removed", subject=holiday, data={"calendar": holiday.calendar.name})
    holiday.delete()


def _admins_only(by: AbstractBaseUser | None) -> None:
    if by is not None and not by.is_admin:
        raise RefusedError(_("Working hours are set by admins."))


def _facts(calendar: Calendar) -> dict:
    return {
        "name": calendar.name,
        "time_zone": calendar.time_zone,
        "hours": calendar.hours,
        "is_default": calendar.is_default,
    }


def _save(calendar: Calendar) -> None:
    """There is one default; making this one the default takes it from the other."""
    if calendar.time_zone not in available_timezones():
        raise BadInputError(
            _("This desk does not know the time zone “%(name)s”. Choose one of the list.")
            % {"name": calendar.time_zone},
            field="time_zone",
        )
    try:
        with transaction.atomic():
            if calendar.is_default:
                Calendar.objects.filter(is_default=True).exclude(pk=calendar.pk).update(
                    is_default=False
                )
            calendar.save()
    except IntegrityError as error:
        raise BadInputError(
            _("There is a calendar of this name already. Choose another name."), field="name"
        ) from error
