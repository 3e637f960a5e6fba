"""Reads on business hours, policies and timers. ``access_`` raises Http404 except to admins."""

from collections.abc import Iterable
from datetime import date
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog
from django.db.models import Model, QuerySet
from django.http import Http404

from appliance.accounts.models import User, Viewer
from appliance.sla import weekly_hours
from appliance.sla.models import BusinessHours, Escalation, Holiday, SlaPolicy, SlaTimer
from appliance.sla.working_time import ROUND_THE_CLOCK, Holidays, Hours
from appliance.tickets.models import Ticket

log = structlog.get_logger(__name__)
Instance = TypeVar("Instance", bound=Model)


def _admin_or_404(viewer: Viewer, instance: Instance | None) -> Instance:
    if instance is None or not isinstance(viewer, User) or not viewer.is_admin:
        raise Http404
    return instance


def list_business_hours() -> QuerySet[BusinessHours]:
    """Return all business hours by name, with their holidays."""
    return BusinessHours.objects.prefetch_related("holidays")


def access_business_hours(viewer: Viewer, pk: int) -> BusinessHours:
    """Return business hours."""
    return _admin_or_404(viewer, BusinessHours.objects.filter(pk=pk).first())


def access_holiday(viewer: Viewer, pk: int) -> Holiday:
    """Return a holiday with its business hours."""
    holidays = Holiday.objects.select_related("business_hours")
    return _admin_or_404(viewer, holidays.filter(pk=pk).first())


def find_default_business_hours() -> BusinessHours | None:
    """Return the default business hours with their holidays."""
    return list_business_hours().filter(is_default=True).first()


def working_hours_of(business_hours: BusinessHours | None) -> Hours:
    """Return the hours as the arithmetic reads them; round the clock without business hours."""
    if business_hours is None:
        return ROUND_THE_CLOCK
    days = ((day.on, day.is_yearly) for day in business_hours.holidays.all())
    return make_hours(business_hours.hours, business_hours.time_zone, days)


def make_hours(
    stored: weekly_hours.StoredHours, time_zone: str, holidays: Iterable[tuple[date, bool]]
) -> Hours:
    """Return hours from their stored form; ``holidays`` are pairs of date and ``is_yearly``."""
    days = list(holidays)
    return Hours(
        week=weekly_hours.read_week(stored),
        zone=_zone(time_zone),
        holidays=Holidays(
            once=frozenset(day for day, is_yearly in days if not is_yearly),
            yearly=frozenset((day.month, day.day) for day, is_yearly in days if is_yearly),
        ),
    )


def _zone(name: str) -> ZoneInfo:
    """Return the zone; UTC for one that the time zone database no longer has."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        log.error("time_zone_unknown", name=name)
        return ZoneInfo("UTC")


def describe_week(business_hours: BusinessHours) -> list[tuple[str, str]]:
    """Return the name and the hours of each day of the week, localised."""
    return weekly_hours.describe_week(business_hours.hours)


def with_timers(tickets: QuerySet[Ticket]) -> QuerySet[Ticket]:
    """Join the SLA timer of each ticket, so that a list row needs no query of its own."""
    return tickets.select_related("timer")


def find_timer(ticket: Ticket) -> SlaTimer | None:
    """Return the timer of a ticket with its policy. The caller has authorised the ticket."""
    return SlaTimer.objects.select_related("policy").filter(pk=ticket.pk).first()


def list_policies() -> QuerySet[SlaPolicy]:
    """Return the active policies in order, with everything their list page shows."""
    related = ("escalations__team", "escalations__assignee", "categories", "organisations")
    policies = SlaPolicy.objects.filter(is_active=True).select_related("business_hours")
    return policies.prefetch_related(*related)


def access_policy(viewer: Viewer, pk: int) -> SlaPolicy:
    """Return an active policy, with everything its page shows."""
    return _admin_or_404(viewer, list_policies().filter(pk=pk).first())


def access_escalation(viewer: Viewer, pk: int) -> Escalation:
    """Return an escalation of an active policy."""
    escalations = Escalation.objects.select_related("policy").filter(policy__is_active=True)
    return _admin_or_404(viewer, escalations.filter(pk=pk).first())
