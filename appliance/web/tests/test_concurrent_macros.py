"""A macro and a bulk change with the same macro at the same moment."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from django.db import connection

from appliance.core.database import run_and_close_connection
from appliance.macros import services as macros_services
from appliance.macros.models import Macro
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Priority

pytestmark = pytest.mark.django_db(transaction=True)
IS_BLOCKING = """
SELECT EXISTS (
    SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))
)
"""


@pytest.fixture
def counted(monkeypatch) -> Event:
    """Set when a use is counted; the first count then waits until it blocks another session."""
    count_use, counted = macros_services._count_use, Event()

    def count(macro: Macro) -> None:
        is_first = not counted.is_set()
        count_use(macro)
        counted.set()
        if is_first:
            wait_until_blocking()

    monkeypatch.setattr(macros_services, "_count_use", count)
    return counted


def wait_until_blocking() -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute(IS_BLOCKING)
            if cursor.fetchone()[0]:
                return
        time.sleep(0.01)
    raise AssertionError("no other session waits for this transaction")


def test_concurrent_macro_and_bulk_change_are_both_applied(ticket, bob, dan, counted):
    urgent = macros_services.add_macro(
        by=bob, name="Urgent", actions={"priority": 4}, audience="all"
    )

    def run_macro() -> None:
        macros_services.run_macro(macro=urgent, ticket=ticket, by=bob)

    def run_bulk_change() -> None:
        assert counted.wait(30)
        tickets_services.start_bulk_change(
            by=dan, tickets=[ticket.pk], changes={"macro": urgent.pk}
        )

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(run_and_close_connection, (run_macro, run_bulk_change)))
    ticket.refresh_from_db()
    urgent.refresh_from_db()
    assert (ticket.priority, urgent.uses) == (Priority.URGENT, 2)
