"""Deactivating, exporting, anonymising and merging users and customers."""

import io
import zipfile

import pytest
from django.urls import reverse

from appliance.accounts import services as accounts_services
from appliance.tickets import services as tickets_services


@pytest.fixture
def as_dan(client, dan):
    client.force_login(dan)
    return client


def test_deactivated_user_hands_over_open_tickets(as_dan, ticket, bob, frank):
    tickets_services.assign(ticket=ticket, assignee=bob, by=bob)
    path = reverse("deactivate-person", args=[bob.pk])
    assert "1 open ticket is assigned" in as_dan.get(path).content.decode()
    as_dan.post(path, {"assignee": frank.pk})
    ticket.refresh_from_db(), bob.refresh_from_db()
    assert (ticket.assignee, bob.is_active) == (frank, False)


def test_the_last_admin_cannot_be_deactivated(as_dan, dan):
    page = as_dan.post(reverse("deactivate-person", args=[dan.pk]))
    assert page.status_code == 400 and "last admin" in page.content.decode()


@pytest.mark.parametrize("kind", ["person", "customer"])
def test_personal_data_is_exported_as_zip(as_dan, ticket, alice, kind):
    pk = alice.pk if kind == "person" else alice.customer.pk
    response = as_dan.post(reverse(f"export-{kind}", args=[pk]))
    names = zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content))).namelist()
    assert names and f"{kind}-{pk}.zip" in response["Content-Disposition"]


def test_customer_is_anonymised_only_when_the_address_is_typed(as_dan, ticket, alice):
    path = reverse("anonymise-customer", args=[alice.customer.pk])
    assert as_dan.post(path, {"confirmation": "somebody@example.org"}).status_code == 400
    assert as_dan.post(path, {"confirmation": "ALICE@example.org"}).status_code == 302
    ticket.refresh_from_db()
    assert "alice" not in ticket.customer.email


def test_agent_is_anonymised_only_after_deactivation(as_dan, bob):
    path = reverse("anonymise-person", args=[bob.pk])
    assert ("Deactivate the account first") in as_dan.post(
        path, {"confirmation": bob.email}
    ).content.decode()
    as_dan.post(reverse("deactivate-person", args=[bob.pk]))
    as_dan.post(path, {"confirmation": bob.email})
    bob.refresh_from_db()
    assert bob.anonymised_at and bob.first_name != "Bob"


def test_customer_is_merged_into_another(as_dan, dan, ticket):
    other = accounts_services.add_customer_as_agent(
        by=dan, email="pia@example.org", first_name="Pia"
    )
    path = reverse("merge-customer", args=[ticket.customer.pk])
    assert ("No other customer has") in as_dan.post(
        path, {"target": "x@example.org"}
    ).content.decode()
    as_dan.post(path, {"target": "PIA@example.org"})
    ticket.refresh_from_db()
    assert ticket.customer == other
