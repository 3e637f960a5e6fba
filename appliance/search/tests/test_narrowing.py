"""What a search is narrowed by, typed into the box or chosen on the page."""

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


def asked(viewer, text: str = "", **chosen: str) -> Results:
    form = SearchForm({"q": text, **chosen}, viewer=viewer)
    assert form.problems() == []
    return search(
        viewer,
        form.query.text,
        kind=form.chosen("kind", "all"),
        filters=form.filters(),
        sort=form.chosen("sort", "best"),
    )


def numbers(results: Results) -> list[int]:
    return [hit.id for hit in results.hits if hit.kind == "ticket"]


@pytest.fixture
def scanner(carol, categories) -> Ticket:
    """Carol's, solved long ago."""
    made = tickets_services.create_ticket(
        customer=carol.customer, subject="Scanner is slow", description="A printer, too.", by=carol
    )
    long_ago = timezone.now() - timedelta(days=400)
    Ticket.objects.filter(pk=made.pk).update(
        status=Status.SOLVED, created_at=long_ago, category=categories["hardware"]
    )
    return made


def test_operators_are_taken_out_of_the_words():
    found = parse_query('printer status:open from:"Alice Test" before:2026-01-01 toner')
    assert found.text == "printer toner"
    assert found.operators == (
        ("status", "open"),
        ("customer", "Alice Test"),
        ("before", "2026-01-01"),
    )


@pytest.mark.parametrize("text", ["http://ward.example", "error:5", "C:\\logs", "10:30", "a:b"])
def test_a_colon_alone_makes_no_operator(text):
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
def test_typed_operators_narrow(ticket, scanner, bob, text):
    assert numbers(asked(bob, f"printer {text}")) == [ticket.pk]
    assert numbers(asked(bob, text)) == [ticket.pk]


@pytest.mark.parametrize("text", ["status:solved", "before:2d", "from:carol", "category:hardware"])
def test_typed_operators_leave_out(ticket, scanner, bob, text):
    assert numbers(asked(bob, f"printer {text}")) == [scanner.pk]


def test_the_form_and_the_box_say_the_same(ticket, scanner, bob):
    assert numbers(asked(bob, "printer", status="solved", before="2026-01-01")) == numbers(
        asked(bob, "printer status:solved before:2026-01-01")
    )


def test_tag_and_assignee(ticket, scanner, bob):
    tickets_services.set_tags(ticket=ticket, names=["vpn"], by=bob)
    tickets_services.assign(ticket=ticket, assignee=bob, by=bob)
    for text in ("tag:VPN", "schlagwort:vpn", "assignee:me", "assignee:bob", "zuständig:me"):
        assert numbers(asked(bob, f"printer {text}")) == [ticket.pk]


def test_an_organisation_names_its_customers(ticket, scanner, bob):
    ward = Organisation.objects.create(name="Ward Seven")
    Customer.objects.filter(pk=ticket.customer_id).update(organisation=ward)
    assert numbers(asked(bob, "printer from:seven")) == [ticket.pk]


@pytest.mark.parametrize(
    "text, told",
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
def test_what_makes_no_sense_is_told_and_narrows_nothing(ticket, scanner, bob, text, told):
    form = SearchForm({"q": f"printer {text}"}, viewer=bob)
    (problem,) = form.problems()
    assert told in problem
    assert not form.filters().is_active
    assert set(numbers(search(bob, form.query.text))) == {ticket.pk, scanner.pk}


def test_a_customer_is_told_what_only_agents_narrow_by(ticket, alice):
    form = SearchForm({"q": "printer from:carol tag:vpn"}, viewer=alice)
    assert len(form.problems()) == 2
    assert not form.filters().is_active


def test_what_only_tickets_have_leaves_articles_out(ticket, bob):
    Article.objects.create(title="Printer", content="…", status="published", author=bob)
    assert {hit.kind for hit in asked(bob, "printer").hits} == {"ticket", "article"}
    assert {hit.kind for hit in asked(bob, "printer status:new").hits} == {"ticket"}


def test_orders_of_time(ticket, scanner, bob):
    assert numbers(asked(bob, "printer", sort="newest")) == [ticket.pk, scanner.pk]
    assert numbers(asked(bob, "printer", sort="oldest")) == [scanner.pk, ticket.pk]


def test_facets_count_what_was_found(ticket, scanner, bob):
    facets = {facet.name: facet.values for facet in asked(bob, "printer").facets}
    assert {(value, many) for value, _, many in facets["status"]} == {("new", 1), ("solved", 1)}
    assert {value for value, _, _ in facets["category"]} == {"hardware", "none"}


def test_labels_are_understood_in_the_language_of_the_reader(ticket, scanner, bob):
    with translation.override("de"):
        assert numbers(asked(bob, "printer status:neu kategorie:none vor:heute")) == []
        assert numbers(asked(bob, "printer status:neu kategorie:none ab:heute")) == [ticket.pk]
