"""The page of results and the list under the search box."""

import pytest
from django.urls import reverse

from appliance.core.models import SiteSettings
from appliance.knowledge.models import Article
from appliance.tickets import services as tickets_services


@pytest.fixture
def shown(client):
    def shown(viewer, name: str = "search", **asked: str) -> str:
        if viewer:
            client.force_login(viewer)
        answer = client.get(reverse(name), asked)
        assert answer.status_code == 200
        return answer.content.decode()

    return shown


def test_a_hit_says_where_it_was_found(ticket, bob, shown):
    tickets_services.add_note(ticket=ticket, by=bob, body="The fuser unit was worn out")
    html = shown(bob, q="fuser")
    assert "Bob added an internal note:" in html
    assert "message" in html
    assert f'href="{reverse("ticket", args=[ticket.pk])}"' in html


def test_operators_become_filters_that_can_be_taken_away(ticket, bob, shown):
    html = shown(bob, q="printer status:new from:alice")
    assert 'value="printer"' in html
    assert "Status: New" in html and "Customer: alice" in html
    assert "?q=printer&amp;customer=alice" in html  # without the status
    assert "?q=printer&amp;status=new" in html  # without the customer


def test_what_makes_no_sense_is_told_beside_the_results(ticket, bob, shown):
    html = shown(bob, q="printer status:later")
    assert "later" in html and "on ward 3" in html


def test_facets_lead_to_a_narrower_search(ticket, bob, shown):
    assert "?q=printer&amp;status=new" in shown(bob, q="printer")


def test_pages_go_on_and_back(alice, bob, shown):
    for number in range(25):
        tickets_services.create_ticket(
            customer=alice.customer, subject=f"Toner {number}", description="empty", by=alice
        )
    first = shown(bob, q="toner", sort="oldest")
    cursor = first.split("&amp;page=")[1].split('"')[0]
    second = shown(bob, q="toner", sort="oldest", page=cursor)
    assert "<mark>Toner</mark> 19<" in first and "<mark>Toner</mark> 24<" not in first
    assert "<mark>Toner</mark> 24<" in second and 'rel="prev"' in second


def test_an_empty_result_says_what_to_do(bob, alice, ticket, shown):
    html = shown(bob, q="goulash status:new")
    assert "Clear filters" in html and "Create ticket" in html
    assert "SKR-12" not in shown(alice, q="goulash")


def test_a_stranger_searches_public_articles_alone(ticket, bob, shown):
    SiteSettings.objects.update_or_create(pk=1, defaults={"is_knowledge_public": True})
    Article.objects.create(
        title="Printer", content="…", status="published", audience="public", author=bob
    )
    html = shown(None, q="printer status:new in:tickets")
    assert html.count("data-keys-item") == 1
    assert "ward 3" not in html
    assert "ward 3" not in shown(None, "search-suggestions", q="printer")


def test_the_box_offers_what_it_finds_and_the_whole_page(ticket, bob, alice, carol, shown):
    for viewer in (alice, bob):
        html = shown(viewer, "search-suggestions", q="printer on w")
        assert reverse("ticket", args=[ticket.pk]) in html
        assert "/search/?q=printer%20on%20w" in html
    assert "option" not in shown(carol, "search-suggestions", q="printer on w")


@pytest.mark.parametrize(
    "text",
    [
        "\0",
        "status:",
        "-status:new",
        "from:",
        "after:99999999d",
        "before:0000-00-00",
        "in:",
        "tag:\0",
        "customer:999999999999999999",
        'from:"',
        "status:new " * 40,
        "::",
        "‮مرحبا 🖨️",
        "' OR 1=1 --",
    ],
)
def test_any_text_is_answered(ticket, alice, bob, shown, text):
    for viewer in (alice, bob):
        shown(viewer, q=text)
        shown(viewer, "search-suggestions", q=text)
    shown(
        bob, q="printer", status=text, category=text, customer=text, tag=text, after=text, page=text
    )
