"""What people change about themselves."""

import pytest
from django.test import Client
from django.urls import reverse

from appliance.accounts import services
from appliance.accounts.models import User
from conftest import PASSWORD

NEW = "another rock in another sea"


@pytest.fixture
def as_alice(client, alice):
    client.force_login(alice)
    return client


def saves(client, **more: str):
    return client.post(reverse("profile"), {"first_name": "Alice"} | more)


def changes_password(client, **more: str):
    form = {"old": PASSWORD, "password": NEW, "password_again": NEW} | more
    return client.post(reverse("profile-password"), form)


def test_name_is_changed_for_the_customer_as_well(as_alice, alice):
    saves(as_alice, first_name="Alicia", last_name="Test")
    alice.refresh_from_db()
    assert alice.full_name == alice.customer.full_name == "Alicia Test"


def test_nobody_changes_role_or_e_mail_of_themselves(as_alice, alice):
    saves(as_alice, role="admin", email="root@example.org", is_active="", signature="x")
    changed = User.objects.get(pk=alice.pk)
    assert (changed.role, changed.email, changed.signature) == (alice.role, alice.email, "")


@pytest.mark.parametrize(
    "odd", [{"language": "xx"}, {"time_zone": "Mars/Base"}, {"first_name": ""}]
)
def test_odd_choices_are_refused_and_the_rest_is_kept(as_alice, odd):
    answer = saves(as_alice, last_name="Kept", **odd)
    assert answer.status_code == 400 and 'value="Kept"' in answer.content.decode()


def test_agent_is_away_and_signs(client, bob):
    client.force_login(bob)
    client.post(reverse("profile"), {"first_name": "Bob", "is_away": "on", "signature": "Bob, IT"})
    bob.refresh_from_db()
    assert bob.is_away and bob.signature == "Bob, IT"


def test_new_password_logs_the_others_out_and_this_window_stays(as_alice, alice):
    other = Client()
    other.force_login(alice)
    assert changes_password(as_alice).url == reverse("profile")
    assert as_alice.get(reverse("profile")).status_code == 200
    assert other.get(reverse("profile")).status_code == 302


@pytest.mark.parametrize(
    ("odd", "field"),
    [
        ({"old": "guess"}, "old"),
        ({"password": "short", "password_again": "short"}, "password"),
        ({"password_again": "something else"}, "password_again"),
    ],
)
def test_bad_password_names_its_field_and_changes_nothing(as_alice, alice, odd, field):
    answer = changes_password(as_alice, **odd)
    assert answer.status_code == 400 and list(answer.context["form"].errors) == [field]
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)


def test_closed_registration_says_so_and_makes_nobody(client, dan):
    services.update_site_settings(by=dan, is_registration_open=False)
    form = {"first_name": "Eve", "email": "eve@example.org"}
    form |= {"password": PASSWORD, "password_again": PASSWORD}
    for answer in (client.get(reverse("register")), client.post(reverse("register"), form)):
        assert answer.status_code == 403
    assert not User.objects.filter(email="eve@example.org").exists()
    assert reverse("register") not in client.get(reverse("login")).content.decode()


def test_log_in_names_the_doors_that_are_open(client, dan):
    services.update_site_settings(by=dan, is_guest_form_open=True, is_knowledge_public=True)
    page = client.get(reverse("login")).content.decode()
    assert reverse("ask") in page and reverse("articles") in page


def test_registering_is_counted_at_the_door(client, db, monkeypatch):
    monkeypatch.setitem(security.RATE_LIMITS, "register", 1)
    form = {"first_name": "Eve", "password": PASSWORD, "password_again": PASSWORD}
    assert client.post("/register/", form | {"email": "eve@example.org"}).status_code == 302
    again = Client().post("/register/", form | {"email": "eva@example.org"})
    assert again.status_code == 400 and "Too many" in again.content.decode()
