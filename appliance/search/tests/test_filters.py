"""Filters of a search, typed as operators or chosen in the form."""

from datetime import timedelta

import pytest
from django.utils import timezone, translation

from appliance.accounts.models import Customer, Organisation
from appliance.knowledge.models import Article
from appliance.search.forms import SearchForm
from appliance.search.queries import Results, search
from appliance.search.query_parser import parse_query
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Status, Ticket


def run_search(viewer, text: str = "", **fields: str) -> Results:
    form = SearchForm({"q": text, **fields}, viewer=viewer)
    assert form.problems() == []
    return search(
        viewer,
        form.query.text,
        kind=form.chosen("kind", "all"),
        filters=form.filters(),
        sort=form.chosen("sort", "best"),
    )


def ticket_ids(results: Results) -> list[int]:
    return [hit.id for hit in results.hits if hit.kind == "ticket"]


@pytest.fixture
def scanner(carol, categories) -> Ticket:
    """Return a ticket of Carol, solved long ago."""
    ticket = tickets_services.create_ticket(
        customer=carol.customer, subject="Scanner is slow", description="A printer, too.", by=carol
    )
    long_ago = timezone.now() - timedelta(days=400)
    Ticket.objects.filter(pk=ticket.pk).update(
        status=Status.SOLVED, created_at=long_ago, category=categories["hardware"]
    )
    return ticket


def test_operators_are_removed_from_the_text():
    query = parse_query('printer status:open from:"Alice Test" before:2026-01-01 toner')
    assert query.text == "printer toner"
    assert query.operators == (
        ("status", "open"),
        ("customer", "Alice Test"),
        ("before", "2026-01-01"),
    )


@pytest.mark.parametrize("text", ["http://ward.example", "error:5", "C:\\logs", "10:30", "a:b"])
def test_a_colon_alone_is_no_operator(text):
    assert (parse_query(text).text, parse_query(text).operators) == (text, ())


@pytest.mark.parametrize(
    "text",
    [
        "status:new",
        "status:New",
        "status:unsolved",
        "from:alice",
        "from:alice@example.org",
        'customer:"alice test"',
        "von:alice",
        "after:today",
        "after:30d",
    ],
)
def test_typed_operators_include_matching_tickets(ticket, scanner, bob, text):
    assert ticket_ids(run_search(bob, f"printer {text}")) == [ticket.pk]
    assert ticket_ids(run_search(bob, text)) == [ticket.pk]


@pytest.mark.parametrize("text", ["status:solved", "before:2d", "from:carol", "category:hardware"])
def test_typed_operators_exclude_other_tickets(ticket, scanner, bob, text):
    assert ticket_ids(run_search(bob, f"printer {text}")) == [scanner.pk]


def test_form_fields_and_operators_give_the_same_results(ticket, scanner, bob):
    assert ticket_ids(
        run_search(bob, "printer", status="solved", before="2026-01-01")
    ) == ticket_ids(run_search(bob, "printer status:solved before:2026-01-01"))


def test_filter_by_tag_and_assignee(ticket, scanner, bob):
    tickets_services.set_tags(ticket=ticket, names=["vpn"], by=bob)
    tickets_services.assign(ticket=ticket, assignee=bob, by=bob)
    for text in ("tag:VPN", "schlagwort:vpn", "assignee:me", "assignee:bob", "zuständig:me"):
        assert ticket_ids(run_search(bob, f"printer {text}")) == [ticket.pk]


def test_from_operator_accepts_an_organisation(ticket, scanner, bob):
    ward = Organisation.objects.create(name="Ward Seven")
    Customer.objects.filter(pk=ticket.customer_id).update(organisation=ward)
    assert ticket_ids(run_search(bob, "printer from:seven")) == [ticket.pk]


@pytest.mark.parametrize(
    ("text", "problem_text"),
    [
        ("status:later", "later"),
        ("category:cheese", "cheese"),
        ("from:nobodyatall", "No customer"),
        ("tag:nothing", "tag"),
        ("before:someday", "2026-01-31"),
        ("assignee:zorro", "zorro"),
        ("in:cupboard", "cupboard"),
        ("-status:open", "-status:open"),
    ],
)
def test_invalid_operators_are_reported_and_ignored(ticket, scanner, bob, text, problem_text):
    form = SearchForm({"q": f"printer {text}"}, viewer=bob)
    (message,) = form.problems()
    assert problem_text in message
    assert not form.filters().is_active
    assert set(ticket_ids(search(bob, form.query.text))) == {ticket.pk, scanner.pk}


def test_customers_are_told_which_filters_only_agents_have(ticket, alice):
    form = SearchForm({"q": "printer from:carol tag:vpn"}, viewer=alice)
    assert len(form.problems()) == 2
    assert not form.filters().is_active


def test_ticket_filters_exclude_articles(ticket, bob):
    Article.objects.create(title="Printer", content="…", status="published", author=bob)
    assert {hit.kind for hit in run_search(bob, "printer").hits} == {"ticket", "article"}
    assert {hit.kind for hit in run_search(bob, "printer status:new").hits} == {"ticket"}


def test_sort_by_date(ticket, scanner, bob):
    assert ticket_ids(run_search(bob, "printer", sort="newest")) == [ticket.pk, scanner.pk]
    assert ticket_ids(run_search(bob, "printer", sort="oldest")) == [scanner.pk, ticket.pk]


def test_facets_count_the_hits(ticket, scanner, bob):
    facets = {facet.name: facet.values for facet in run_search(bob, "printer").facets}
    assert {(status.value, status.count) for status in facets["status"]} == {
        ("new", 1),
        ("solved", 1),
    }
    assert {category.value for category in facets["category"]} == {"hardware", "none"}


def test_labels_are_accepted_in_the_language_of_the_viewer(ticket, scanner, bob):
    with translation.override("de"):
        assert ticket_ids(run_search(bob, "printer status:neu kategorie:none vor:heute")) == []
        assert ticket_ids(run_search(bob, "printer status:neu kategorie:none ab:heute")) == [
            ticket.pk
        ]
