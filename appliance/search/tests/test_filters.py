"""Filters of a search, typed as operators or chosen in the form."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone, translation

from appliance.accounts.models import Customer, Organisation
from appliance.knowledge.models import Article
from appliance.search.forms import SearchForm
from appliance.search.queries import Results, search
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


def test_operators_are_removed_from_the_text(ticket, bob):
    form = SearchForm(
        {"q": 'printer status:open from:"Alice Test" before:2026-01-01 toner'}, viewer=bob
    )
    assert form.query.text == "printer toner"
    assert {name: form.data[name] for name in ("status", "customer", "before")} == {
        "status": "open",
        "customer": "Alice Test",
        "before": "2026-01-01",
    }


@pytest.mark.parametrize(
    "text",
    [
        "http://ward.example",
        "error:5",
        "C:\\logs",
        "10:30",
        "a:b",
        "customer:",
        'tag:""',
        "status: open",
    ],
)
def test_a_colon_alone_is_no_operator(bob, text):
    form = SearchForm({"q": text}, viewer=bob)
    assert (form.query.text, form.problems(), form.filters().is_active) == (text, [], False)


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
    "text",
    [
        "status:503",
        "category:cheese",
        "from:nobodyatall",
        "tag:nothing",
        "before:someday",
        "nach:12",
        "assignee:zorro",
        "in:cupboard",
    ],
)
def test_operator_with_an_unknown_value_is_a_word(alice, bob, text):
    log_ticket = tickets_services.create_ticket(
        customer=alice.customer, subject="Log", description=f"It says {text} here", by=alice
    )
    form = SearchForm({"q": text}, viewer=bob)
    assert form.problems() == [f"“{text}” is not a filter here and was searched as text."]
    assert not form.filters().is_active
    assert ticket_ids(search(bob, form.query.text)) == [log_ticket.pk]


def test_negated_operator_is_reported_and_ignored(ticket, scanner, bob):
    form = SearchForm({"q": "printer -status:open"}, viewer=bob)
    assert form.problems() == ["“-status:open” is not a filter here and was ignored."]
    assert set(ticket_ids(search(bob, form.query.text))) == {ticket.pk, scanner.pk}


def test_filters_of_agents_are_words_for_customers(ticket, alice):
    form = SearchForm({"q": "printer from:carol tag:vpn"}, viewer=alice)
    assert len(form.problems()) == 2
    assert form.query.text == "printer from:carol tag:vpn"
    assert not form.filters().is_active


def test_quick_search_uses_operators(client, ticket, scanner, bob):
    client.force_login(bob)
    page = client.get(
        reverse("search-suggestions"), {"q": "printer status:solved"}
    ).content.decode()
    assert "Scanner is slow" in page
    assert f"{scanner.number} · Solved · Carol Test" in page
    assert "blank pages" not in page


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


@pytest.mark.parametrize("text", ["language:de", "sprache:german", 'language:"German"'])
def test_tickets_are_found_by_language(text, ticket, scanner, bob):
    Ticket.objects.filter(pk=scanner.pk).update(language="de")
    assert ticket_ids(run_search(bob, f"printer {text}")) == [scanner.pk]
    assert ticket_ids(run_search(bob, "printer language:none")) == [ticket.pk]


def test_customer_cannot_search_by_language(alice):
    assert SearchForm({"q": "printer", "language": "de"}, viewer=alice).problems()
