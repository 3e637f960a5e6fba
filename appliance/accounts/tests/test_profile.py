"""The profile: name, language, password; and the visitor pages."""

import pytest
from django.test import Client
from django.urls import reverse

from appliance.accounts import security, services
from appliance.accounts.models import User
from conftest import PASSWORD

NEW = "another rock in another sea"


@pytest.fixture
def as_alice(client, alice):
    client.force_login(alice)
    return client


def save_profile(client, **fields: str):
    return client.post(reverse("profile"), {"first_name": "Alice"} | fields)


def change_password(client, **fields: str):
    form = {"password": NEW, "password_again": NEW} | fields
    return client.post(reverse("profile-password"), form)


def test_profile_changes_the_name_of_the_customer_too(as_alice, alice):
    save_profile(as_alice, first_name="Alicia", last_name="Test")
    alice.refresh_from_db()
    assert alice.full_name == alice.customer.full_name == "Alicia Test"


def test_profile_changes_neither_role_nor_e_mail(as_alice, alice):
    save_profile(as_alice, role="admin", email="root@example.org", is_active="", signature="x")
    user = User.objects.get(pk=alice.pk)
    assert (user.role, user.email, user.signature) == (alice.role, alice.email, "")


@pytest.mark.parametrize(
    "fields", [{"language": "xx"}, {"time_zone": "Mars/Base"}, {"first_name": ""}]
)
def test_invalid_profile_choices_are_rejected(as_alice, fields):
    response = save_profile(as_alice, last_name="Kept", **fields)
    assert response.status_code == 400 and 'value="Kept"' in response.content.decode()


def test_agent_sets_away_and_signature(client, bob):
    client.force_login(bob)
    client.post(reverse("profile"), {"first_name": "Bob", "is_away": "on", "signature": "Bob, IT"})
    bob.refresh_from_db()
    assert bob.is_away and bob.signature == "Bob, IT"


def test_new_password_ends_the_other_sessions(as_alice, alice):
    other = Client()
    other.force_login(alice)
    assert change_password(as_alice).url == reverse("profile")
    assert as_alice.get(reverse("profile")).status_code == 200
    assert other.get(reverse("profile")).status_code == 302


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"password": "short", "password_again": "short"}, "password"),
        ({"password_again": "something else"}, "password_again"),
    ],
)
def test_invalid_password_names_its_field(as_alice, alice, fields, field):
    response = change_password(as_alice, **fields)
    assert response.status_code == 400 and list(response.context["form"].errors) == [field]
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)


def test_closed_registration_creates_nobody(client, dan):
    services.update_site_settings(by=dan, is_registration_open=False)
    form = {"first_name": "Eve", "email": "eve@example.org"}
    form |= {"password": PASSWORD, "password_again": PASSWORD}
    for response in (client.get(reverse("register")), client.post(reverse("register"), form)):
        assert response.status_code == 403
    assert not User.objects.filter(email="eve@example.org").exists()
    assert reverse("register") not in client.get(reverse("account_login")).content.decode()


def test_log_in_page_links_what_visitors_may_do(client, dan):
    services.update_site_settings(by=dan, is_guest_form_open=True, is_knowledge_public=True)
    page = client.get(reverse("account_login")).content.decode()
    assert reverse("ask") in page and reverse("articles") in page


def test_registration_is_rate_limited(client, db, monkeypatch):
    monkeypatch.setitem(security.RATE_LIMITS, "register", 1)
    form = {"first_name": "Eve", "password": PASSWORD, "password_again": PASSWORD}
    assert client.post("/register/", form | {"email": "eve@example.org"}).status_code == 302
    again = Client().post("/register/", form | {"email": "eva@example.org"})
    assert again.status_code == 400 and "Too many" in again.content.decode()
