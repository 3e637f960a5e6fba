"""Users change their own address with a link that is sent to the new one."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from appliance.accounts import services
from appliance.accounts.models import User
from appliance.core.errors import BadInputError
from appliance.notifications.models import OutgoingEmail
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Ticket
from conftest import PASSWORD

NEW = "alice@b.example.org"


@pytest.fixture
def as_alice(client, alice) -> Client:
    client.force_login(alice)
    return client


def ask(browser: Client, email: str = NEW):
    return browser.post(reverse("profile-email"), {"email": email}, follow=True)


def newest_link() -> str:
    email = OutgoingEmail.objects.filter(body__contains="/confirm/").latest("pk")
    return re.search(r"/confirm/[^/]+/", email.body)[0]


def test_link_changes_the_address_of_the_log_in_and_of_the_customer(mail, as_alice, alice, ticket):
    ask(as_alice)
    assert User.objects.get(pk=alice.pk).email == alice.email, "nothing changes before"
    link = newest_link()
    assert NEW in as_alice.get(link).content.decode()
    as_alice.post(link)
    alice = User.objects.get(pk=alice.pk)
    assert (alice.email, alice.customer.email) == (NEW, NEW)
    assert list(Ticket.objects.visible_to(alice)) == [ticket]
    assert Client().post("/login/", {"login": NEW, "password": PASSWORD}).status_code == 302


def test_link_is_sent_to_the_new_address_and_the_old_one_is_told(mail, as_alice, alice):
    ask(as_alice)
    assert OutgoingEmail.objects.get().to == NEW
    as_alice.post(newest_link())
    email = OutgoingEmail.objects.latest("pk")
    assert (email.to, email.subject) == (alice.email, "Your e-mail address was changed")
    assert NEW in email.body


def test_tickets_opened_for_the_new_address_belong_to_the_log_in(
    mail, as_alice, alice, bob, ticket
):
    known = services.ensure_customer(email=NEW, first_name="Alice")
    other = tickets_services.create_ticket(customer=known, subject="s", description="d", by=bob)
    ask(as_alice)
    as_alice.post(newest_link())
    assert set(Ticket.objects.visible_to(User.objects.get(pk=alice.pk))) == {ticket, other}


def test_address_of_somebody_else_gets_the_same_answer_and_no_link(mail, as_alice, carol):
    page = ask(as_alice, carol.email).content.decode()
    assert f"Open the link we have sent to {carol.email}" in page
    assert OutgoingEmail.objects.get().to == carol.email
    assert "/confirm/" not in OutgoingEmail.objects.get().body


def test_address_that_was_taken_meanwhile_is_refused(mail, as_alice, alice):
    ask(as_alice)
    services.add_user(email=NEW, first_name="Eve", password=PASSWORD)
    page = as_alice.post(newest_link())
    assert page.status_code == 400 and "already has an account" in page.content.decode()
    assert User.objects.get(pk=alice.pk).email == alice.email


def test_link_does_nothing_for_anybody_else(mail, as_alice, carol):
    ask(as_alice)
    browser = Client()
    browser.force_login(carol)
    assert browser.post(newest_link()).status_code == 404


def test_own_address_is_refused(mail, as_alice, alice):
    assert "already" in ask(as_alice, alice.email.upper()).content.decode()


def test_unlinked_log_in_does_not_link_itself_with_another_address(mail, alice, ticket, dan):
    services.unlink_customer(customer=alice.customer, by=dan)
    with pytest.raises(BadInputError, match="unlinked"):
        services.request_own_address(ip_address="::1", person=alice, email=NEW)


def test_desk_without_mail_names_the_admin_as_remedy(as_alice):
    page = as_alice.get(reverse("profile-email")).content.decode()
    assert "Ask an administrator" in page and 'name="email"' not in page


def test_address_from_a_directory_is_changed_there(mail, as_alice, alice):
    User.objects.update(is_from_directory=True, password="!")
    as_alice.force_login(User.objects.get(pk=alice.pk))
    assert "comes from the directory" in ask(as_alice).content.decode()
    assert not OutgoingEmail.objects.exists()
