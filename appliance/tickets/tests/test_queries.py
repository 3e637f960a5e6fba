import pytest
from django.core.cache import cache
from django.http import Http404

from appliance.accounts import queries as accounts_queries
from appliance.core import cache as core_cache
from appliance.tickets import queries, services
from appliance.tickets.forms import FilterForm
from appliance.tickets.models import Status, Ticket
from appliance.tickets.queries import lists


def filters(viewer, **query: str) -> queries.TicketFilter:
    return FilterForm(query, viewer=viewer).filters()


@pytest.fixture
def committed(django_capture_on_commit_callbacks):
    return lambda: django_capture_on_commit_callbacks(execute=True)


def test_customer_sees_their_own_ticket(ticket, alice):
    assert queries.access_ticket(alice, ticket.pk) == ticket


def test_customer_cannot_see_another_customers_ticket(ticket, carol):
    with pytest.raises(Http404):
        queries.access_ticket(carol, ticket.pk)
    assert not queries.list_tickets(carol, filters(carol))
    assert queries.count_open(carol)["total"] == 0


def test_deactivated_agent_sees_nothing(ticket, bob):
    bob.is_active = False
    with pytest.raises(Http404):
        queries.access_ticket(bob, ticket.pk)


def test_list_has_open_tickets_without_a_status_filter(ticket, bob):
    services.set_status(ticket=ticket, status=Status.CLOSED, by=bob)
    assert not queries.list_tickets(bob, filters(bob))
    assert list(queries.list_tickets(bob, filters(bob, status="closed"))) == [ticket]


def test_list_filters_by_category_sentiment_and_assignee(ticket, bob, categories):
    services.record_classification(
        ticket=ticket,
        category=categories["hardware"],
        sentiment_score=-0.8,
        bundles="",
        data={},
    )
    services.assign(ticket=ticket, assignee=bob, by=bob)
    matching = filters(bob, category="hardware", sentiment="negative", assignee="me")
    assert list(queries.list_tickets(bob, matching)) == [ticket]
    for query in ({"category": "email"}, {"sentiment": "positive"}, {"assignee": "nobody"}):
        assert not queries.list_tickets(bob, filters(bob, **query))


def test_list_filters_uncategorised_tickets(ticket, bob):
    assert list(queries.list_tickets(bob, filters(bob, category="none"))) == [ticket]


def test_customer_cannot_filter_by_sentiment(ticket, alice):
    assert list(queries.list_tickets(alice, filters(alice, sentiment="negative"))) == [ticket]


def test_invalid_filter_is_ignored(ticket, bob):
    query = {"status": "x", "priority": "very", "sentiment": "blue", "assignee": "'; --"}
    assert list(queries.list_tickets(bob, filters(bob, **query))) == [ticket]


def test_counts_add_up(ticket, bob, categories):
    services.record_classification(
        ticket=ticket,
        category=categories["hardware"],
        sentiment_score=0.9,
        bundles="",
        data={},
    )
    counts = queries.count_open(bob)
    assert counts["total"] == counts["status"]["new"] == counts["priority"][2] == 1
    assert counts["category"] == {"hardware": 1}
    assert counts["sentiment"] == {"negative": 0, "neutral": 0, "positive": 1, "unread": 0}
    assert counts["assignee"] == {"me": 0, "nobody": 1}


def test_counts_are_cached(ticket, bob, django_assert_num_queries):
    queries.count_open(bob)
    with django_assert_num_queries(0):
        queries.count_open(bob)
    assert core_cache.hit_counts()["open_counts"] == {"hits": 1, "misses": 1}


def test_counts_follow_a_change_immediately(ticket, bob, committed):
    queries.count_open(bob)
    with committed():
        services.set_status(ticket=ticket, status=Status.CLOSED, by=bob)
    assert queries.count_open(bob)["total"] == 0


def test_counts_survive_an_emptied_cache(ticket, bob):
    before = queries.count_open(bob)
    cache.clear()
    assert queries.count_open(bob) == before


def test_counts_work_without_a_cache(ticket, bob, dead_cache):
    assert queries.count_open(bob)["total"] == 1
    assert core_cache.generation(core_cache.TICKETS) is None


def test_list_costs_one_query(ticket, alice, bob, django_assert_num_queries):
    for number in range(20):
        services.create_ticket(
            customer=alice.customer, subject=f"Nr {number}", description="…", by=alice
        )
    accounts_queries.hidden_team_ids(bob), queries.list_field_choices()  # stay in the cache
    with django_assert_num_queries(1):
        tickets = list(queries.list_tickets(bob, filters(bob)))
        related = {(str(row.customer), row.category, row.assignee) for row in tickets}
    assert len(related) == 1
    assert tickets[0].pk == Ticket.objects.latest("pk").pk


def test_only_one_process_recounts_many_tickets(ticket, bob, committed, monkeypatch):
    monkeypatch.setattr(lists, "LARGE_COUNT", 0)
    monkeypatch.setattr(lists, "COUNT_CACHE_SECONDS", 0)
    queries.count_open(bob)
    scope = ["agents", accounts_queries.hidden_team_ids(bob)]
    assert core_cache.claim("open_counts", scope, seconds=5), "another process counts"
    with committed():
        services.set_status(ticket=ticket, status=Status.CLOSED, by=bob)
    assert queries.count_open(bob)["total"] == 1, "the earlier count until then"


def test_many_tickets_are_not_recounted_at_every_change(ticket, bob, committed, monkeypatch):
    monkeypatch.setattr(lists, "LARGE_COUNT", 0)
    queries.count_open(bob)
    with committed():
        services.set_status(ticket=ticket, status=Status.CLOSED, by=bob)
    assert queries.count_open(bob)["total"] == 1
    monkeypatch.setattr(lists, "LARGE_COUNT", 5000)
    with committed():
        services.set_status(ticket=ticket, status=Status.OPEN, by=bob)
        services.set_status(ticket=ticket, status=Status.CLOSED, by=bob)
    assert queries.count_open(bob)["total"] == 0
