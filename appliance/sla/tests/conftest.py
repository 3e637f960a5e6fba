from collections.abc import Callable
from datetime import datetime

import pytest

from appliance.sla import services
from appliance.sla.models import BusinessHours, SlaPolicy, SlaTimer
from appliance.sla.weekly_hours import parse_week
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Ticket


@pytest.fixture
def office(dan) -> BusinessHours:
    """Monday to Friday, 9 to 17, in Berlin: the desk's default."""
    week = parse_week(
        dict.fromkeys(["monday", "tuesday", "wednesday", "thursday", "friday"], "09:00–17:00")
    )
    return services.add_business_hours(
        by=dan, name="Office", time_zone="Europe/Berlin", hours=week, is_default=True
    )


@pytest.fixture
def promise(dan) -> Callable[..., SlaPolicy]:
    """A policy: an answer in 2 hours and a solution in 8, unless told otherwise."""

    def make(name: str = "Everybody", **terms: object) -> SlaPolicy:
        terms = {"first_response_minutes": 120, "resolution_minutes": 480} | terms
        return services.add_policy(by=dan, name=name, **terms)

    return make


@pytest.fixture
def opened(alice) -> Callable[..., Ticket]:
    """A ticket of Alice's, opened at that moment."""

    def make(at: datetime | None = None, **more: object) -> Ticket:
        return tickets_services.create_ticket(
            customer=alice.customer,
            subject="Scanner",
            description="It reads nothing.",
            by=alice,
            at=at,
            **more,
        )

    return make


def timer_of(ticket: Ticket) -> SlaTimer:
    return SlaTimer.objects.get(pk=ticket.pk)
