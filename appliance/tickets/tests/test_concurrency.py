"""Simultaneous changes of one ticket."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from uuid import uuid4

import pytest
from django.utils import timezone

from appliance.core.database import run_and_close_connection
from appliance.core.errors import BadInputError
from appliance.tickets import services
from appliance.tickets.models import Message, Rating, Status, Ticket, TicketLink

pytestmark = pytest.mark.django_db(transaction=True)


def run_at_once(*calls: Callable[[], object]) -> list[str]:
    """Run the calls in threads and return "done" or the error text of each."""
    barrier = Barrier(len(calls))

    def run(call: Callable[[], object]) -> str:
        barrier.wait(timeout=10)
        try:
            call()
        except BadInputError as error:
            return str(error)
        return "done"

    with ThreadPoolExecutor(len(calls)) as pool:
        return sorted(pool.map(lambda call: run_and_close_connection(lambda: run(call)), calls))


def test_only_one_of_two_simultaneous_replies_is_accepted(ticket, bob, dan):
    results = run_at_once(
        *(
            lambda by=by: services.reply(ticket=ticket, by=by, body="My tickets", seen_message_id=0)
            for by in (bob, dan)
        )
    )
    assert "replied while you were writing" in results[0] and results[1] == "done"
    assert Message.objects.count() == 1


def test_only_one_of_two_opposite_merges_is_accepted(ticket, other, bob, dan):
    results = run_at_once(
        lambda: services.merge_tickets(source=ticket, target=other, by=bob),
        lambda: services.merge_tickets(source=other, target=ticket, by=dan),
    )
    assert results.count("done") == 1
    assert Ticket.objects.exclude(merged_into=None).count() == 1


def test_same_link_by_two_agents_is_created_once(ticket, other, bob, dan):
    kind = TicketLink.Kind.RELATED
    results = run_at_once(
        lambda: services.link_tickets(source=ticket, target=other, kind=kind, by=bob),
        lambda: services.link_tickets(source=other, target=ticket, kind=kind, by=dan),
    )
    assert results == ["done", "done"] and TicketLink.objects.count() == 1


def test_rating_sent_twice_is_stored_once(ticket, alice, bob):
    services.set_status(ticket=ticket, status=Status.SOLVED, by=bob)
    rate = lambda: services.rate_ticket(ticket=ticket, by=alice, is_good=True)  # noqa: E731
    assert run_at_once(rate, rate) == ["done", "done"]
    assert Rating.objects.count() == ticket.events.filter(kind="rated").count() == 1


def test_drafts_from_two_windows_are_stored_once(ticket, bob):
    key = uuid4()
    save = [
        lambda body=body: services.save_draft(
            ticket=ticket, by=bob, kind="reply", body=body, draft_key=key
        )
        for body in ("one", "two")
    ]
    assert run_at_once(*save) == ["done", "done"]
    assert ticket.drafts.count() == 1


def test_two_workers_close_a_ticket_once(ticket, bob):
    ago = timezone.now() - timedelta(days=8)
    services.set_status(ticket=ticket, status=Status.SOLVED, by=bob, at=ago)
    run_at_once(services.close_solved_tickets, services.close_solved_tickets)
    assert ticket.events.filter(kind="status").count() == 2
