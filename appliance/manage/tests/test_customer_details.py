"""The contact details of a customer: entered, searched, shown, merged, exported and erased."""

import pytest
from django.urls import reverse

from appliance.accounts import queries, services
from appliance.accounts.models import Customer
from appliance.core.models import AuditEntry
from appliance.tickets import services as tickets_services
from appliance.tickets.models import CustomField
from appliance.web import queries as web_queries
from appliance.web.services import anonymise_customer, merge_customers
from appliance.web.services.export import _profile

FORM = {
    "first_name": "Ida",
    "last_name": "Ober",
    "email": "ida@example.org",
    "phone": "4711",
    "mobile": "0170 123",
    "room": "B 2.14",
    "department": "Radiology",
    "staff_number": "P-0815",
    "language": "de",
}


@pytest.fixture
def ida(dan_client) -> Customer:
    assert dan_client.post(reverse("add-customer"), FORM).status_code == 302
    return Customer.objects.get(email="ida@example.org")


@pytest.fixture
def pager(dan) -> CustomField:
    return tickets_services.add_field(by=dan, label="Pager", kind="number", owner="customer")


def test_details_are_saved_and_shown_on_the_ticket(ida, dan_client, dan):
    assert (ida.room, ida.staff_number, ida.language) == ("B 2.14", "P-0815", "de")
    ticket = tickets_services.create_ticket(customer=ida, subject="A", description="B", by=dan)
    content = dan_client.get(reverse("ticket", args=[ticket.pk])).content.decode()
    assert "4711" in content and "B 2.14" in content


@pytest.mark.parametrize("text", ["4711", "p-0815", "B 2.14", "radiology", "ida 4711"])
def test_customers_are_listed_by_their_details(ida, dan, alice, text):
    assert list(queries.list_customers(dan, text=text)) == [ida]


@pytest.mark.parametrize("text", ["4711", "P-08", "ober 2.14"])
def test_customer_field_of_a_new_ticket_completes_by_details(ida, bob, alice, text):
    assert web_queries.find_customers(bob, text) == [ida]


def test_change_of_details_is_in_the_audit_log(ida, dan_client):
    dan_client.post(reverse("edit-customer", args=[ida.pk]), FORM | {"phone": "4712"})
    entry = AuditEntry.objects.filter(kind="customer", verb="changed").last()
    assert entry.data["phone"] == {"from": "4711", "to": "4712"}


def test_custom_field_of_customers_is_on_their_form_alone(pager, ida, dan_client, ticket):
    url = reverse("edit-customer", args=[ida.pk])
    assert "Pager" in dan_client.get(url).content.decode()
    assert "Pager" not in dan_client.get(reverse("ticket", args=[ticket.pk])).content.decode()
    assert dan_client.post(url, FORM | {"field_pager": "12"}).status_code == 302
    ida.refresh_from_db()
    assert ida.fields == {"pager": 12}
    assert 'value="12"' in dan_client.get(url).content.decode()


def test_invalid_value_of_a_custom_field_is_named_and_nothing_is_lost(pager, ida, dan_client):
    url = reverse("edit-customer", args=[ida.pk])
    response = dan_client.post(url, FORM | {"field_pager": "1e20", "room": "C 1"})
    assert response.status_code == 400
    assert "Pager must be a number" in response.content.decode()
    assert 'value="C 1"' in response.content.decode()


def test_owner_of_a_field_cannot_be_changed(pager, dan_client):
    url = reverse("edit-field", args=[pager.pk])
    dan_client.post(url, {"label": "Beeper", "owner": "ticket", "is_for_customers": "on"})
    pager.refresh_from_db()
    assert (pager.label, pager.owner, pager.is_for_customers) == ("Beeper", "customer", False)


def test_merged_customer_keeps_their_details_and_gains_missing_ones(ida, alice, dan):
    alice.customer.phone = "99"
    alice.customer.save()
    merge_customers(source=ida, target=alice.customer, by=dan)
    alice.customer.refresh_from_db()
    assert (alice.customer.phone, alice.customer.room) == ("99", "B 2.14")


def test_nobody_becomes_their_own_manager_by_a_merge(ida, alice, dan):
    alice.customer.manager = ida
    alice.customer.save()
    merge_customers(source=ida, target=alice.customer, by=dan)
    alice.customer.refresh_from_db()
    assert alice.customer.manager is None


def test_details_are_exported_and_erased(ida, dan):
    assert _profile(ida, None)["customer"]["staff_number"] == "P-0815"
    anonymise_customer(customer=ida, by=dan, confirmation=ida.email)
    ida.refresh_from_db()
    details = {name: getattr(ida, name) for name in services.CONTACT_DETAILS}
    assert set(map(str, details.values())) == {"", "{}"}
