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
    """Return the default business hours: Monday to Friday, 9 to 17, in Berlin."""
    week = parse_week(
        dict.fromkeys(["monday", "tuesday", "wednesday", "thursday", "friday"], "09:00–17:00")
    )
    return services.add_business_hours(
        by=dan, name="Office", time_zone="Europe/Berlin", hours=week, is_default=True
    )


@pytest.fixture
def add_policy(dan) -> Callable[..., SlaPolicy]:
    """Return a function that adds a policy, by default 2 h to first response, 8 h to resolution."""

    def add(name: str = "Everybody", **fields: object) -> SlaPolicy:
        fields = {"first_response_minutes": 120, "resolution_minutes": 480} | fields
        return services.add_policy(by=dan, name=name, **fields)

    return add


@pytest.fixture
def open_ticket(alice) -> Callable[..., Ticket]:
    """Return a function that creates a ticket of Alice at a given time, by default now."""

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
