"""Writes on business hours and holidays. Admins only; ``by=None`` is the system.

The worker recomputes open timers within a minute.
"""

from datetime import date
from zoneinfo import available_timezones

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils.translation import gettext as _

from appliance.accounts.models import User
from appliance.core import audit
from appliance.core.errors import BadInputError, ForbiddenError
from appliance.sla.models import BusinessHours, Holiday
from appliance.sla.weekly_hours import StoredHours

MAX_HOLIDAYS = 400


@transaction.atomic
def add_business_hours(
    *,
    by: User | None,
    name: str,
    time_zone: str,
    hours: StoredHours,
    is_default: bool = False,
) -> BusinessHours:
    """Add business hours; ``hours`` as returned by ``weekly_hours.parse_week``."""
    _admins_only(by)
    business_hours = BusinessHours(
        name=name, time_zone=time_zone, hours=hours, is_default=is_default
    )
    _save(business_hours)
    audit.record_change(
        by=by, verb="added", subject=business_hours, data=_audit_data(business_hours)
    )
    return business_hours


@transaction.atomic
def change_business_hours(
    *,
    business_hours: BusinessHours,
    by: User | None,
    name: str,
    time_zone: str,
    hours: StoredHours,
    is_default: bool,
) -> None:
    """Replace name, time zone and hours, and whether they are the default."""
    _admins_only(by)
    before = _audit_data(BusinessHours.objects.select_for_update().get(pk=business_hours.pk))
    business_hours.name, business_hours.time_zone = name, time_zone
    business_hours.hours, business_hours.is_default = hours, is_default
    if _audit_data(business_hours) != before:
        _save(business_hours)
        after = _audit_data(business_hours)
        changes = {key: [before[key], after[key]] for key in after if before[key] != after[key]}
        audit.record_change(by=by, verb="changed", subject=business_hours, data=changes)


@transaction.atomic
def remove_business_hours(*, business_hours: BusinessHours, by: User | None) -> None:
    """Delete business hours; refused for the default and for those that a policy uses.

    Users who had them get the default.
    """
    _admins_only(by)
    business_hours.refresh_from_db()
    if business_hours.is_default:
        raise BadInputError(
            _("This is the default calendar. Make another calendar the default first.")
        )
    audit.record_change(
        by=by, verb="removed", subject=business_hours, data=_audit_data(business_hours)
    )
    try:
        business_hours.delete()
    except ProtectedError as error:
        raise BadInputError(
            _("An SLA policy uses this calendar. Choose another calendar for the policy first.")
        ) from error


@transaction.atomic
def add_holiday(
    *,
    business_hours: BusinessHours,
    by: User | None,
    on: date,
    name: str,
    is_yearly: bool = False,
) -> Holiday:
    """Add a holiday; a date can be a holiday once."""
    _admins_only(by)
    if business_hours.holidays.count() >= MAX_HOLIDAYS:
        raise BadInputError(
            _("This calendar has %(count)d holidays. Remove past ones first.")
            % {"count": MAX_HOLIDAYS},
            field="on",
        )
    try:
        with transaction.atomic():
            holiday = Holiday.objects.create(
                business_hours=business_hours, on=on, name=name, is_yearly=is_yearly
            )
    except IntegrityError as error:
        raise BadInputError(
            _("This date is already a holiday. Remove it first to change it."), field="on"
        ) from error
    audit.record_change(
        by=by, verb="added", subject=holiday, data={"business_hours": business_hours.name}
    )
    return holiday


@transaction.atomic
def remove_holiday(*, holiday: Holiday, by: User | None) -> None:
    """Delete a holiday."""
    _admins_only(by)
    audit.record_change(
        by=by, verb="removed", subject=holiday, data={"business_hours": holiday.business_hours.name}
    )
    holiday.delete()


def _admins_only(by: User | None) -> None:
    if by is not None and not by.is_admin:
        raise ForbiddenError(_("Only administrators can change business hours."))


def _audit_data(business_hours: BusinessHours) -> dict[str, object]:
    return {
        "name": business_hours.name,
        "time_zone": business_hours.time_zone,
        "hours": business_hours.hours,
        "is_default": business_hours.is_default,
    }


def _save(business_hours: BusinessHours) -> None:
    """Save; becoming the default takes that from the previous default."""
    if business_hours.time_zone not in available_timezones():
        raise BadInputError(
            _("Unknown time zone “%(name)s”. Choose one from the list.")
            % {"name": business_hours.time_zone},
            field="time_zone",
        )
    try:
        with transaction.atomic():
            if business_hours.is_default:
                BusinessHours.objects.filter(is_default=True).exclude(pk=business_hours.pk).update(
                    is_default=False
                )
            business_hours.save()
    except IntegrityError as error:
        raise BadInputError(
            _("A calendar with this name already exists. Choose another name."), field="name"
        ) from error
