"""Sessions: when they end, and who may end them."""

from datetime import timedelta

import pytest
from django.contrib.sessions.backends.base import UpdateError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from appliance.accounts import services
from appliance.accounts.models import Session, User
from appliance.core.models import AuditEntry
from conftest import PASSWORD

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
MINUTE = timedelta(minutes=1)


def log_in(user: User) -> Client:
    client = Client(headers={"user-agent": FIREFOX})
    client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})
    return client


def wait(person: User, minutes: int) -> None:
    """Let time pass for the sessions of a user."""
    for session in person.sessions.all():
        session.active_at -= minutes * MINUTE
        session.expire_date -= minutes * MINUTE
        session.created_at -= minutes * MINUTE
        session.save()


def is_logged_in(client: Client) -> bool:
    return client.get(reverse("profile")).status_code == 200


def test_idle_agent_is_logged_out_after_half_an_hour(bob):
    client = log_in(bob)
    wait(bob, 29)
    assert is_logged_in(client)
    wait(bob, 32)
    assert not is_logged_in(client)


def test_page_that_asks_by_itself_does_not_keep_a_session(bob):
    client = log_in(bob)
    for _step in range(4):
        wait(bob, 10)
        client.get(reverse("notification-badge"), headers={"x-background": "yes"})
    assert not is_logged_in(client)


def test_customer_stays_logged_in_for_longer_than_an_agent(alice):
    client = log_in(alice)
    wait(alice, 300)
    assert is_logged_in(client)


def test_active_session_ends_after_a_working_day(bob):
    client = log_in(bob)
    for _step in range(12 * 3):
        wait(bob, 20)
        client.get(reverse("profile"))
    assert not is_logged_in(client)


def test_admin_changes_how_long_an_idle_session_lasts(bob, dan, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        services.update_site_settings(by=dan, agent_idle_minutes=0)
    client = log_in(bob)
    wait(bob, 300)
    assert is_logged_in(client)
    with django_capture_on_commit_callbacks(execute=True):
        services.update_site_settings(by=dan, agent_idle_minutes=5)
    wait(bob, 2)
    client.get(reverse("profile"))  # activity from now on counts by the new rule
    wait(bob, 7)
    assert not is_logged_in(client)


def test_activity_is_written_once_a_minute(bob):
    client = log_in(bob)
    written = bob.sessions.get().active_at
    client.get(reverse("profile"))
    assert bob.sessions.get().active_at == written
    wait(bob, 2)
    client.get(reverse("profile"))
    assert bob.sessions.get().active_at > written


def test_script_is_told_that_the_session_has_ended(client):
    path = reverse("notification-badge")
    assert client.get(path, headers={"hx-request": "true"}).status_code == 401
    assert client.get(path, headers={"sec-fetch-dest": "empty"}).status_code == 401
    assert client.get(path).status_code == 302


def test_open_page_learns_the_new_token_after_log_in(client, bob):
    assert client.get(reverse("session-state")).status_code == 401
    answer = log_in(bob).get(reverse("session-state")).json()
    assert answer["user"] == bob.pk and answer["token"]


def test_person_sees_browser_and_address_of_a_session(bob):
    page = log_in(bob).get(reverse("sessions")).content.decode()
    assert "Firefox, Windows" in page and "127.0.0.1" in page and "this browser" in page


def test_person_ends_another_session(bob):
    here, there = log_in(bob), log_in(bob)
    other = bob.sessions.get(pk=there.session.session_key)
    assert here.post(reverse("end-session", args=[other.public_id])).status_code == 302
    assert is_logged_in(here) and not is_logged_in(there)
    assert AuditEntry.objects.get(verb="signed out").actor == bob


def test_person_ends_all_other_sessions(bob):
    here, there, elsewhere = log_in(bob), log_in(bob), log_in(bob)
    here.post(reverse("end-other-sessions"))
    assert [is_logged_in(client) for client in (here, there, elsewhere)] == [True, False, False]


def test_carol_cannot_end_a_session_of_alice(alice, carol):
    theirs = log_in(alice)
    path = reverse("end-session", args=[alice.sessions.get().public_id])
    assert log_in(carol).post(path).status_code == 404
    assert is_logged_in(theirs)


def test_new_password_ends_every_session(bob):
    client = log_in(bob)
    services.set_password(user=bob, password="another-rock-in-the-sea")
    assert not is_logged_in(client) and not bob.sessions.exists()


def test_session_that_was_ended_does_not_come_back(bob):
    """A request that still runs stores its session, which another browser has ended."""
    client = log_in(bob)
    session = client.session
    assert "late" not in session
    bob.sessions.all().delete()
    session["late"] = True
    with pytest.raises(UpdateError):
        session.save()
    assert not Session.objects.filter(user=bob).exists()


def test_visitor_has_a_session_without_a_user(client, db):
    client.post(reverse("account_login"), {"login": "x@example.org", "password": "wrong"})
    assert not Session.objects.filter(user__isnull=False).exists()
    assert not Session.objects.filter(expire_date__lt=timezone.now()).exists()
