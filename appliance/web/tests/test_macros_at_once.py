"""A macro that runs on one ticket and in bulk at the same time."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from appliance.core.database import run_and_close_connection
from appliance.macros import services as macros_services
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Priority

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def slow_count(monkeypatch):
    """Make counting a use hold the lock on the macro for half a second."""
    count = macros_services._count_use
    monkeypatch.setattr(macros_services, "_count_use", lambda row: (count(row), time.sleep(0.5)))


def test_macro_runs_on_one_ticket_and_in_bulk_at_the_same_time(ticket, bob, dan, slow_count):
    urgent = macros_services.add_macro(
        by=bob, name="Urgent", actions={"priority": 4}, audience="all"
    )
    calls = (
        lambda: macros_services.run_macro(macro=urgent, ticket=ticket, by=bob),
        lambda: tickets_services.start_bulk_change(
            by=dan, tickets=[ticket.pk], changes={"macro": urgent.pk}
        ),
    )
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda call: run_and_close_connection(call), (calls[0], _later(calls[1]))))
    ticket.refresh_from_db()
    urgent.refresh_from_db()
    assert (ticket.priority, urgent.uses) == (Priority.URGENT, 2)


def _later(call):
    return lambda: (time.sleep(0.2), call())
