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
def many(alice) -> None:
    """Many at one moment, many without a promise: the hard cases of every order."""
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


def listed(bob, sort: Sort):
    return tickets_queries.list_tickets(bob, TicketFilter(), sort)


@pytest.mark.parametrize("name", SORTS)
def test_pages_follow_each_other_without_gap_or_repeat_in_both_directions(many, bob, name):
    sort = SORTS[name]
    rows = listed(bob, sort)
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
def test_a_new_ticket_moves_nothing_on_the_pages_behind(many, bob, alice, name):
    sort = SORTS[name]
    cursor = paginate(listed(bob, sort), sort).next_cursor
    before = paginate(listed(bob, sort), sort, after=cursor)
    tickets_services.create_ticket(
        customer=alice.customer, subject="Fresh", description="…", by=alice, priority=4
    )
    after = paginate(listed(bob, sort), sort, after=cursor)
    assert before.rows == after.rows


def test_what_has_no_promise_stands_last(many, bob):
    due = [row.due_at for row in listed(bob, SORTS["due"])]
    promised = [moment for moment in due if moment]
    assert due[: len(promised)] == promised == sorted(promised)


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
def test_senseless_cursor_starts_at_the_first(many, bob, cursor, direction):
    assert paginate(listed(bob, NEWEST), NEWEST, **{direction: cursor}).is_first
    paginate(listed(bob, SORTS["priority"]), SORTS["priority"], **{direction: cursor})


def test_cursor_beyond_the_end_gives_the_first_page(many, bob):
    past = f"{datetime(1999, 1, 1, tzinfo=UTC).isoformat()}_1"
    assert paginate(listed(bob, NEWEST), NEWEST, after=past).is_first


def test_nothing_is_due_where_nothing_is_open():
    assert find_sort("due", TicketFilter(status="closed")) == NEWEST
    assert find_sort("due", TicketFilter(status="waiting")).name == "due"
    assert find_sort("'; --", TicketFilter()) == NEWEST
