"""The search page, and the suggestions under the search field."""

import pytest
from django.urls import reverse

from appliance.core.models import SiteSettings
from appliance.knowledge.models import Article
from appliance.tickets import services as tickets_services


@pytest.fixture
def search_html(client):
    def search_html(viewer, name: str = "search", **query: str) -> str:
        if viewer:
            client.force_login(viewer)
        response = client.get(reverse(name), query)
        assert response.status_code == 200
        return response.content.decode()

    return search_html


def test_hit_shows_where_it_matched(ticket, bob, search_html):
    tickets_services.add_note(ticket=ticket, by=bob, body="The fuser unit was worn out")
    html = search_html(bob, q="fuser")
    assert "Bob added an internal note:" in html
    assert "message" in html
    assert f'href="{reverse("ticket", args=[ticket.pk])}"' in html


def test_operators_become_removable_filters(ticket, bob, search_html):
    html = search_html(bob, q="printer status:new from:alice")
    assert 'value="printer"' in html
    assert "Status: New" in html and "Customer: alice" in html
    assert "?q=printer&amp;customer=alice" in html  # without the status
    assert "?q=printer&amp;status=new" in html  # without the customer


def test_search_box_of_the_header_keeps_the_query(ticket, bob, search_html):
    topbar = search_html(bob, q="printer status:new").partition('class="topbar-search"')[2]
    assert 'value="printer"' in topbar.partition("</form>")[0]


def test_invalid_operator_is_reported_beside_the_results(ticket, bob, search_html):
    html = search_html(bob, q="printer status:later")
    assert "later" in html and "on ward 3" in html


def test_facets_add_a_filter(ticket, bob, search_html):
    assert "?q=printer&amp;status=new" in search_html(bob, q="printer")


def test_pages_lead_forward_and_back(alice, bob, search_html):
    for number in range(25):
        tickets_services.create_ticket(
            customer=alice.customer, subject=f"Toner {number}", description="empty", by=alice
        )
    first = search_html(bob, q="toner", sort="oldest")
    cursor = first.split("&amp;page=")[1].split('"')[0]
    second = search_html(bob, q="toner", sort="oldest", page=cursor)
    assert "<mark>Toner</mark> 19<" in first and "<mark>Toner</mark> 24<" not in first
    assert "<mark>Toner</mark> 24<" in second and 'rel="prev"' in second


def test_empty_result_offers_help(bob, alice, ticket, search_html):
    html = search_html(bob, q="goulash status:new")
    assert "Clear filters" in html and "Create ticket" in html
    assert "SKR-12" not in search_html(alice, q="goulash")


def test_anonymous_reader_finds_public_articles_only(ticket, bob, search_html):
    SiteSettings.objects.update_or_create(pk=1, defaults={"is_knowledge_public": True})
    Article.objects.create(
        title="Printer", content="…", status="published", audience="public", author=bob
    )
    html = search_html(None, q="printer status:new in:tickets")
    assert html.count("data-keys-item") == 1
    assert "ward 3" not in html
    assert "ward 3" not in search_html(None, "search-suggestions", q="printer")


def test_suggestions_show_hits_and_a_link_to_all_results(ticket, bob, alice, carol, search_html):
    for viewer in (alice, bob):
        html = search_html(viewer, "search-suggestions", q="printer on w")
        assert reverse("ticket", args=[ticket.pk]) in html
        assert "/search/?q=printer%20on%20w" in html
    assert "option" not in search_html(carol, "search-suggestions", q="printer on w")


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
def test_any_query_gets_a_page(ticket, alice, bob, search_html, text):
    for viewer in (alice, bob):
        search_html(viewer, q=text)
        search_html(viewer, "search-suggestions", q=text)
    search_html(
        bob, q="printer", status=text, category=text, customer=text, tag=text, after=text, page=text
    )
