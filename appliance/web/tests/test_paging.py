from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from appliance.core.pagination import PAGE_SIZE, paginate
from appliance.tickets import queries as tickets_queries
from appliance.tickets import services as tickets_services
from appliance.tickets.filters import TicketFilter
from appliance.tickets.models import Ticket
from appliance.tickets.sorts import NEWEST, SORTS, Sort, find_sort

ROWS = PAGE_SIZE * 2 + 7


@pytest.fixture
def many_tickets(alice) -> None:
    """Many tickets of one time, and many without a due time: the hard cases of every sort."""
    first = tickets_services.create_ticket(
        customer=alice.customer, subject="Nr", description="…", by=alice, at=timezone.now()
    )
    now, customer = timezone.now(), first.customer
    Ticket.objects.bulk_create(
        Ticket(
            customer=customer,
            subject="Nr",
            description="…",
            priority=1 + number % 4,
            created_at=now - timedelta(minutes=number // 10),
            updated_at=now,
            due_at=now + timedelta(minutes=number // 10) if number % 3 else None,
        )
        for number in range(ROWS - 1)
    )


def list_tickets(bob, sort: Sort):
    return tickets_queries.list_tickets(bob, TicketFilter(), sort)


@pytest.mark.parametrize("name", SORTS)
def test_pages_have_no_gap_and_no_overlap_in_both_directions(many_tickets, bob, name):
    sort = SORTS[name]
    rows = list_tickets(bob, sort)
    first = paginate(rows, sort)
    second = paginate(rows, sort, after=first.next_cursor)
    third = paginate(rows, sort, after=second.next_cursor)
    assert [*first.rows, *second.rows, *third.rows] == list(rows)
    assert (third.next_cursor, first.previous_cursor, len(rows)) == ("", "", ROWS)
    back = paginate(rows, sort, before=third.previous_cursor)
    assert (back.rows, back.next_cursor, back.previous_cursor) == (
        second.rows,
        second.next_cursor,
        second.previous_cursor,
    )
    assert paginate(rows, sort, before=second.previous_cursor) == first


@pytest.mark.parametrize("name", ["newest", "updated", "priority", "due"])
def test_new_ticket_does_not_shift_later_pages(many_tickets, bob, alice, name):
    sort = SORTS[name]
    cursor = paginate(list_tickets(bob, sort), sort).next_cursor
    before = paginate(list_tickets(bob, sort), sort, after=cursor)
    tickets_services.create_ticket(
        customer=alice.customer, subject="Fresh", description="…", by=alice, priority=4
    )
    after = paginate(list_tickets(bob, sort), sort, after=cursor)
    assert before.rows == after.rows


def test_tickets_without_due_time_come_last(many_tickets, bob):
    due = [row.due_at for row in list_tickets(bob, SORTS["due"])]
    due_times = [moment for moment in due if moment]
    assert due[: len(due_times)] == due_times == sorted(due_times)


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "2026-01-01_",
        "2026-01-01T00:00:00_5",
        "_",
        "9" * 5000,
        "2026-01-01_" + "9" * 5000,
        "2_2026-01-01T00:00:00+00:00_5",
        "99999_2026-01-01T00:00:00+00:00_5",
        "-1_x_y",
        "٣_2026-01-01T00:00:00+00:00_5",
    ],
)
@pytest.mark.parametrize("direction", ["after", "before"])
def test_invalid_cursor_gives_the_first_page(many_tickets, bob, cursor, direction):
    assert paginate(list_tickets(bob, NEWEST), NEWEST, **{direction: cursor}).is_first
    paginate(list_tickets(bob, SORTS["priority"]), SORTS["priority"], **{direction: cursor})


def test_cursor_beyond_the_end_gives_the_first_page(many_tickets, bob):
    past = f"{datetime(1999, 1, 1, tzinfo=UTC).isoformat()}_1"
    assert paginate(list_tickets(bob, NEWEST), NEWEST, after=past).is_first


def test_sort_by_due_time_needs_open_tickets():
    assert find_sort("due", TicketFilter(status="closed")) == NEWEST
    assert find_sort("due", TicketFilter(status="waiting")).name == "due"
    assert find_sort("'; --", TicketFilter()) == NEWEST
