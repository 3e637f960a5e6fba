"""Whoever forgot the password gets a link by e-mail; nobody else learns who has an account."""

import re
import time

from django.test import Client
from django.urls import reverse

from appliance.accounts import security, services
from appliance.accounts.models import Invitation, User
from appliance.accounts.services import registration
from appliance.core.models import AuditEntry
from appliance.notifications.models import OutgoingEmail
from appliance.tickets.models import Ticket

NEW = {"password": "walks on the shore", "password_again": "walks on the shore"}
PAGE = "/forgot-password/"


def ask(email: str):
    """Ask for a link with a browser of its own; return its answer and the page that follows."""
    browser = Client()
    response = browser.post(PAGE, {"email": email})
    page = browser.get(response.url).content.decode()
    return response, re.sub(r'csrfmiddlewaretoken" value="\w+"', "", page).replace(
        email, "(address)"
    )


def newest_link() -> str:
    return re.search(r"/welcome/[^/]+/", OutgoingEmail.objects.latest("pk").body)[0]


def test_link_sets_a_new_password_and_signs_in(mail, alice):
    other = Client()
    other.force_login(alice)
    ask("ALICE@example.org")
    browser = Client()
    assert browser.post(newest_link(), NEW).url == reverse("dashboard")
    assert browser.get(reverse("profile")).status_code == 200
    assert other.get(reverse("profile")).status_code == 302, "other sessions end"
    assert User.objects.get(pk=alice.pk).check_password(NEW["password"])
    assert AuditEntry.objects.filter(verb="changed", data__what="password by link").exists()


def test_link_works_once(mail, alice):
    ask(alice.email)
    link = newest_link()
    Client().post(link, NEW)
    assert Client().get(link).status_code == 404


def test_link_ends_after_a_day_and_with_another_password(mail, alice):
    ask(alice.email)
    expired = newest_link()
    Invitation.objects.update(expires_at="2020-01-01T00:00Z")
    ask(alice.email)
    current = newest_link()
    assert Client().get(expired).status_code == 404
    assert Client().get(current).status_code == 200
    services.change_own_password(person=alice, password="another rock in the sea")
    assert Client().get(current).status_code == 404


def test_owner_is_told_of_the_new_password(mail, alice):
    ask(alice.email)
    Client().post(newest_link(), NEW)
    email = OutgoingEmail.objects.latest("pk")
    assert (email.to, email.subject) == (alice.email, "Your password was changed")


def test_known_unknown_and_deactivated_people_get_the_same_answer(mail, alice, carol, dan):
    services.deactivate_person(person=carol, by=dan)
    answers = {ask(email)[1] for email in (alice.email, "nobody@example.org", carol.email)}
    assert len(answers) == 1
    assert OutgoingEmail.objects.count() == 1, "only Alice gets an e-mail"


def test_answer_takes_as_long_for_everybody(mail, alice, monkeypatch):
    monkeypatch.setattr(registration, "ANSWER_SECONDS", 0.4)
    for email in (alice.email, "nobody@example.org"):
        started = time.monotonic()
        services.request_password(ip_address="::1", email=email)
        assert 0.4 <= time.monotonic() - started < 0.9


def test_three_e_mails_an_hour_are_sent_to_an_address(mail, alice):
    answers = {ask(alice.email)[1] for _ in range(5)}
    assert len(answers) == 1 and OutgoingEmail.objects.count() == 3


def test_visitor_is_limited_whatever_the_address(mail, monkeypatch):
    monkeypatch.setitem(security.RATE_LIMITS, "reset", 1)
    Client().post(PAGE, {"email": "a@example.org"})
    page = Client().post(PAGE, {"email": "b@example.org"})
    assert page.status_code == 400 and "Too many requests" in page.content.decode()


def test_link_confirms_the_address_of_a_customer_who_has_registered(mail, bob, ticket, alice):
    User.objects.filter(pk=alice.pk).update(email_confirmed_at=None)
    ask(alice.email)
    Client().post(newest_link(), NEW)
    alice.refresh_from_db()
    assert alice.email_confirmed_at
    assert list(Ticket.objects.visible_to(alice)) == [ticket]


def test_link_links_nobody_whom_an_admin_has_unlinked(mail, alice, ticket, dan):
    services.unlink_customer(customer=alice.customer, by=dan)
    ask(alice.email)
    Client().post(newest_link(), NEW)
    alice = User.objects.get(pk=alice.pk)
    assert alice.check_password(NEW["password"]) and not alice.email_confirmed_at
    assert list(Ticket.objects.visible_to(alice)) == []


def test_link_is_void_once_the_address_has_changed(mail, alice, dan):
    ask(alice.email)
    link = newest_link()
    names = {"first_name": "Alice", "last_name": ""}
    services.change_person(person=alice, by=dan, email="alice@b.example.org", **names)
    assert Client().get(link).status_code == 404


def test_weak_password_leaves_the_link_valid(mail, alice):
    ask(alice.email)
    weak = {"password": "alice@example.org", "password_again": "alice@example.org"}
    assert Client().post(newest_link(), weak).status_code == 400
    assert Client().post(newest_link(), NEW).status_code == 302


def test_desk_without_mail_names_the_admin_as_remedy(client, alice):
    page = client.post(PAGE, {"email": alice.email})
    assert "Ask an administrator" in page.content.decode()
    assert not OutgoingEmail.objects.exists()


def test_page_of_log_in_leads_there(client, db):
    assert f'href="{PAGE}"' in client.get("/login/").content.decode()


def test_person_of_a_directory_is_sent_there(mail, alice):
    User.objects.update(is_from_directory=True, password="!")
    ask(alice.email)
    assert "directory: have it changed there" in OutgoingEmail.objects.get().body
    assert not Invitation.objects.exists()
