"""Suggested categories in the list, on the ticket page and in bulk edits."""

import pytest
from django.urls import reverse

from appliance.tickets import services as tickets_services
from appliance.tickets.models import BulkChange, Status
from appliance.triage import services as triage_services
from appliance.triage.models import CategoryLabel, Prediction

SCORES = [["software", 0.54], ["data", 0.21], ["access", 0.11]]
HTMX = {"HX-Request": "true"}


def predict(ticket, label: str = "") -> None:
    Prediction.objects.create(
        ticket=ticket,
        kind=Prediction.Kind.CATEGORY,
        label=label,
        confidence=0.54,
        scores=SCORES,
    )


@pytest.fixture
def unsure(ticket, categories):
    predict(ticket)
    return ticket


@pytest.fixture
def as_bob(client, bob):
    client.force_login(bob)
    return client


def confirm(client, ticket, category: str = "software", **fields):
    url = reverse("confirm-category", args=[ticket.pk])
    headers = fields.pop("headers", None)
    return client.post(url, {"category": category} | fields, headers=headers)


def test_list_offers_the_first_suggestion_and_a_menu_with_the_second(as_bob, unsure):
    html = as_bob.get(reverse("dashboard")).content.decode()
    assert "<bdi>Software</bdi>?" in html
    assert 'value="data"><bdi>Data' in html
    assert 'value="access"' not in html.partition("<tbody>")[2].partition("</tbody>")[0]


def test_list_offers_nothing_on_a_categorised_ticket(as_bob, unsure, categories, bob):
    triage_services.correct_category(ticket=unsure, category=categories["access"], by=bob)
    assert 'class="guess"' not in as_bob.get(reverse("dashboard")).content.decode()


def test_one_click_in_the_list_returns_the_cell(as_bob, unsure):
    response = confirm(as_bob, unsure, address="", headers=HTMX)
    unsure.refresh_from_db()
    assert unsure.category.slug == "software"
    html = response.content.decode()
    assert "Software" in html and 'class="guess"' not in html
    assert CategoryLabel.objects.get(ticket=unsure).source == CategoryLabel.Source.CONFIRMED


def test_form_without_javascript_returns_to_the_same_list(as_bob, unsure):
    response = confirm(as_bob, unsure, address="status=open&sort=oldest&bulk=x")
    assert response.url == f"{reverse('dashboard')}?status=open&sort=oldest"
    unsure.refresh_from_db()
    assert unsure.category.slug == "software"


def test_refused_confirmation_says_why(as_bob, unsure, categories, dan):
    triage_services.correct_category(ticket=unsure, category=categories["access"], by=dan)
    in_list = confirm(as_bob, unsure, address="", headers=HTMX).content.decode()
    on_page = confirm(as_bob, unsure, headers=HTMX).content.decode()
    for html in (in_list, on_page):
        assert "has the category" in html and 'role="alert"' in html
    unknown = confirm(as_bob, unsure, category="nonsense", headers=HTMX).content.decode()
    assert "does not exist" in unknown


def test_ticket_page_offers_both_suggestions(as_bob, unsure):
    html = as_bob.get(reverse("ticket", args=[unsure.pk])).content.decode()
    assert 'value="software"><bdi>Software</bdi>' in html and "54&#8239;%" in html
    assert 'value="data"><bdi>Data' in html
    response = confirm(as_bob, unsure, headers=HTMX)
    assert response["HX-Trigger"] == "ticket-changed"
    assert "Set by an agent" in response.content.decode()


def test_decided_category_is_confirmed_with_a_click(as_bob, ticket, categories):
    predict(ticket, "software")
    tickets_services.set_category(ticket=ticket, category=categories["software"], by=None)
    assert "Confirm category" in as_bob.get(reverse("ticket", args=[ticket.pk])).content.decode()
    html = confirm(as_bob, ticket, headers=HTMX).content.decode()
    assert "This category was confirmed." in html and "Confirm category" not in html
    page = as_bob.get(reverse("ticket", args=[ticket.pk])).content.decode()
    assert "confirmed the category Software" in page


def test_customer_sees_no_suggestion(client, unsure, alice):
    client.force_login(alice)
    for url in (
        reverse("dashboard"),
        reverse("ticket", args=[unsure.pk]),
        reverse("ticket-analysis", args=[unsure.pk]),
    ):
        html = client.get(url).content.decode()
        assert "Software" not in html and "confirm-category" not in html, url


def test_bulk_confirmation_gives_each_ticket_its_first_suggestion(
    as_bob, unsure, alice, categories
):
    without = tickets_services.create_ticket(
        customer=alice.customer, subject="Another", description="…", by=alice
    )
    as_bob.post(reverse("bulk"), {"ticket": [unsure.pk, without.pk], "confirm": "yes"})
    unsure.refresh_from_db()
    without.refresh_from_db()
    assert (unsure.category, without.category) == (categories["software"], None)
    change = BulkChange.objects.get()
    assert (len(change.before), change.skipped) == (1, [])

    as_bob.post(reverse("undo-bulk", args=[change.pk]))
    unsure.refresh_from_db()
    assert unsure.category is None
    assert not CategoryLabel.objects.exists()
    assert 'class="guess"' in as_bob.get(reverse("dashboard")).content.decode()


def test_bulk_confirmation_changes_nothing_else(as_bob, unsure):
    as_bob.post(reverse("bulk"), {"ticket": [unsure.pk], "confirm": "yes", "status": "solved"})
    unsure.refresh_from_db()
    assert unsure.status == Status.NEW
