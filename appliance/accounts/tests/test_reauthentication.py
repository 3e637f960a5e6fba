"""Before something grave the password is asked again, and nothing typed is lost."""

import re
import time

import pytest
from django.test import Client
from django.urls import reverse

from appliance.accounts import services
from appliance.accounts.models import User
from appliance.accounts.reauthentication import SUSPENDED_FORM
from conftest import PASSWORD

pytestmark = pytest.mark.django_db
PAGE = "/profile/password/"
NEW = {"password": "walks on the shore", "password_again": "walks on the shore"}


@pytest.fixture
def alice_since_long(client, alice) -> Client:
    """Alice's browser, where she signed in long ago."""
    client.force_login(alice)
    session = client.session
    session["account_authentication_methods"][0]["at"] = time.time() - 16 * 60
    session.save()
    return client


def confirm(client: Client, page: str, password: str = PASSWORD):
    """Follow the redirect to the page that asks for the password, and enter it."""
    return client.post(client.get(page).url, {"password": password})


def test_somebody_who_has_just_signed_in_is_not_asked(client, alice):
    client.post("/login/", {"login": alice.email, "password": PASSWORD})
    assert client.get(PAGE).status_code == 200


def test_page_follows_the_password(alice_since_long):
    assert confirm(alice_since_long, PAGE).url == PAGE
    assert alice_since_long.get(PAGE).status_code == 200


def test_wrong_password_leads_nowhere(alice_since_long):
    page = confirm(alice_since_long, PAGE, "guessed")
    assert "Incorrect password" in page.content.decode()
    assert alice_since_long.get(PAGE).status_code == 302


def test_form_that_was_sent_too_late_is_kept(alice_since_long, alice):
    browser = alice_since_long
    question = browser.post(PAGE, NEW).url
    assert User.objects.get(pk=alice.pk).check_password(PASSWORD)
    resume = browser.post(question, {"password": PASSWORD}).url
    page = browser.get(resume).content.decode()
    assert re.search(f'<form method="post" action="{PAGE}"', page)
    fields = dict(re.findall(r'type="hidden" name="(password\w*)" value="([^"]*)"', page))
    browser.post(PAGE, fields)
    assert User.objects.get(pk=alice.pk).check_password(NEW["password"])
    assert browser.get(resume).url == reverse("dashboard")  # it is shown once


def test_form_waits_encrypted(alice_since_long):
    alice_since_long.post(PAGE, NEW)
    stored = alice_since_long.session[SUSPENDED_FORM]
    assert stored and "shore" not in stored


def test_password_of_somebody_else_is_none(alice_since_long, bob):
    bob.set_password("bobs own words")
    bob.save()
    assert confirm(alice_since_long, PAGE, "bobs own words").status_code == 200


def test_somebody_without_a_password_is_told_to_sign_in_again(alice_since_long, alice):
    alice.set_unusable_password()
    alice.save(update_fields=["password"])
    alice_since_long.force_login(alice)
    session = alice_since_long.session
    session["account_authentication_methods"] = []
    session.save()
    page = alice_since_long.get(PAGE)
    assert page.status_code == 403 and "sign in again" in page.content.decode()


def test_next_page_is_one_of_this_site(alice_since_long):
    path = f"{reverse('account_reauthenticate')}?next=https://elsewhere.example/"
    assert alice_since_long.post(path, {"password": PASSWORD}).url == reverse("dashboard")


GRAVE = [
    "GET people/add/",
    "GET people/{0}/",
    "POST people/{0}/invite/",
    "POST people/{0}/export/",
    "GET people/{0}/anonymise/",
    "POST customers/{1}/export/",
    "GET customers/{1}/anonymise/",
    "POST customers/{1}/create-login/",
    "GET directories/add/",
    "GET mailboxes/add/",
    "POST mailboxes/test/",
]


@pytest.mark.parametrize("page", GRAVE)
def test_admin_is_asked_before_grave_acts(client, dan, alice, page):
    method, path = page.split()
    path = "/manage/" + path.format(alice.pk, alice.customer.pk)
    client.force_login(dan)
    session = client.session
    session["account_authentication_methods"] = []
    session.save()
    assert client.generic(method, path).url.startswith(reverse("account_reauthenticate"))


def test_part_of_a_page_is_not_replaced_by_the_question(alice_since_long):
    response = alice_since_long.post(PAGE, NEW, headers={"hx-request": "true"})
    assert response["HX-Redirect"].startswith(reverse("account_reauthenticate"))


def test_password_that_was_just_chosen_counts_as_entered(client, dan, bob):
    token = services.invite(person=bob, by=dan)
    values = {"password": PASSWORD, "password_again": PASSWORD}
    assert client.post(reverse("set-password", args=[token]), values).status_code == 302
    assert client.get(reverse("profile-password")).status_code == 200
