import pytest
from django.urls import reverse

from appliance.desk.pages import PAGE_SIZE, Page
from appliance.desk.queues import list_queues
from appliance.tickets import queries, services
from appliance.tickets.models import Ticket


@pytest.fixture
def many(alice):
    for number in range(PAGE_SIZE + 3):
        services.open_ticket(
            customer=alice.customer, subject=f"Nr {number}", description="…", by=alice
        )


def test_customer_sees_their_tickets_only(client, ticket, carol, alice):
    for person, sees in ((alice, True), (carol, False)):
        client.force_login(person)
        page = client.get(reverse("dashboard")).content.decode()
        assert (ticket.subject in page) is sees


def test_empty_desk_says_what_to_do(client, carol):
    client.force_login(carol)
    page = client.get(reverse("dashboard")).content.decode()
    assert "No open tickets" in page
    assert reverse("create-ticket") in page


def test_idle_page_costs_204_and_one_person_lookup(
    client, bob, ticket, django_assert_max_num_queries
):
    client.force_login(bob)
    since = client.get(reverse("dashboard")).context["generation"]
    with django_assert_max_num_queries(2):  # the session and the person
        assert client.get(reverse("live"), {"since": since}).status_code == 204


def test_new_ticket_comes_with_the_next_look(
    client, bob, alice, ticket, django_capture_on_commit_callbacks
):
    client.force_login(bob)
    since = client.get(reverse("dashboard")).context["generation"]
    with django_capture_on_commit_callbacks(execute=True):
        services.open_ticket(customer=alice.customer, subject="Fresh", description="…", by=alice)
    assert "Fresh" in client.get(reverse("live"), {"since": since}).content.decode()


def test_dead_cache_shows_the_list_all_the_same(client, bob, ticket, dead_cache):
    client.force_login(bob)
    assert ticket.subject in client.get(reverse("dashboard")).content.decode()
    assert client.get(reverse("live"), {"since": "0"}).status_code == 200


def test_pages_follow_each_other_without_gap_or_repeat(many, bob):
    rows = queries.list_tickets(bob, queries.TicketFilter())
    first = Page.of(rows, "")
    second = Page.of(rows, first.older)
    assert len(first.rows) == PAGE_SIZE and len(second.rows) == 3 and not second.older
    assert [*first.rows, *second.rows] == list(rows)


def test_tickets_of_one_moment_are_paged_by_number(many, bob):
    Ticket.objects.update(created_at=Ticket.objects.latest("pk").created_at)
    rows = queries.list_tickets(bob, queries.TicketFilter())
    first = Page.of(rows, "")
    assert [*first.rows, *Page.of(rows, first.older).rows] == list(rows)


@pytest.mark.parametrize(
    "cursor",
    ["x", "2026-01-01_", "2026-01-01T00:00:00_5", "_", "9" * 5000, "2026-01-01_" + "9" * 5000],
)
def test_senseless_cursor_starts_at_the_newest(many, bob, cursor):
    assert Page.of(queries.list_tickets(bob, queries.TicketFilter()), cursor).is_first


def test_dashboard_takes_as_many_queries_for_fifty_rows_as_for_one(
    client, bob, many, django_assert_max_num_queries
):
    client.force_login(bob)
    with django_assert_max_num_queries(8):
        client.get(reverse("dashboard"))


def test_queue_link_keeps_the_other_filters_and_leads_back_out(categories):
    narrowed = queries.TicketFilter(status="new", category="email")
    counts = {"status": {"new": 1}, "category": {"email": 1}, "priority": {}, "mood": {}}
    queues = list_queues(counts, narrowed, categories.values())
    new, opened = queues["status"][:2]
    assert (new.is_chosen, new.query) == (True, "?category=email")
    assert opened.query == "?category=email&status=open"
