"""With e-mail, registration tells a visitor nothing about an address; the e-mail there does."""

import re
import time

import pytest
from django.test import Client
from django.urls import reverse

from appliance.accounts import security, services
from appliance.accounts.models import Customer, User
from appliance.accounts.services import registration
from appliance.core.models import SiteSettings
from appliance.notifications.models import OutgoingEmail
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Ticket
from conftest import PASSWORD

NEW = "eve@example.org"


def register(email: str):
    """Register with a browser of its own; return its answer and the page that follows."""
    browser = Client()
    response = browser.post(reverse("register"), {"first_name": "Eve", "email": email})
    return response, browser.get(response.url).content.decode()


def newest_email() -> OutgoingEmail:
    return OutgoingEmail.objects.latest("pk")


def newest_link() -> str:
    return re.search(r"/welcome/[^/]+/", newest_email().body)[0]


def without_tokens(page: str, email: str) -> str:
    page = re.sub(r'csrfmiddlewaretoken" value="\w+"', "", page)
    return page.replace(email, "(address)")


@pytest.fixture
def odd_addresses(alice, bob, carol, dan) -> list[str]:
    """Return addresses of every state: known in another case, an agent, inactive, unlinked, …"""
    services.deactivate_person(person=carol, by=dan)
    unlinked = services.register_customer(email="u@example.org", first_name="U", password=None)
    services.link_customer(customer=unlinked, person=unlinked.user, by=dan)
    services.unlink_customer(customer=unlinked, by=dan)
    services.register_customer(email="m@example.org", first_name="M", password=PASSWORD)
    services.add_customer(email="c@example.org", first_name="C")
    known = [alice.email.upper(), bob.email, carol.email, "u@example.org", "m@example.org"]
    return [*known, "c@example.org", "al\u0131ce@example.org"]


def test_known_and_unknown_addresses_get_the_same_answer(mail, odd_addresses):
    response, page = register(NEW)
    expected = (response.status_code, response.url, without_tokens(page, NEW))
    assert (
        expected[:2] == (302, reverse("account_login"))
        and "sent an e-mail to (address)" in expected[2]
    )
    for email in odd_addresses:
        response, page = register(email)
        assert (response.status_code, response.url, without_tokens(page, email)) == expected


def test_known_and_unknown_addresses_take_the_same_time(mail, alice, monkeypatch):
    monkeypatch.setattr(registration, "ANSWER_SECONDS", 0.5)
    for email in (alice.email, NEW, *[alice.email] * security.RATE_LIMITS["link-to"]):
        started = time.monotonic()
        services.register_by_email(ip_address="::1", email=email, first_name="Eve")
        assert 0.5 <= time.monotonic() - started < 1


def test_log_in_afterwards_tells_nothing_either(mail, alice):
    for email in (NEW, alice.email):
        register(email)
        form = {"login": email, "password": "x" * 12}
        assert Client().post(reverse("account_login"), form).status_code == 200
        assert Client().post(reverse("account_login"), form | {"password": ""}).status_code == 200


def test_known_address_is_told_by_email_and_keeps_its_password(mail, alice):
    register(alice.email)
    assert (newest_email().to, newest_email().subject) == (
        alice.email,
        "You already have an account",
    )
    assert "/welcome/" not in newest_email().body
    assert User.objects.get(pk=alice.pk).check_password(PASSWORD)
    assert (User.objects.count(), Customer.objects.count()) == (1, 1)


@pytest.mark.parametrize("role", ["agent", "inactive", "unlinked"])
def test_link_is_never_sent_to_agents_inactive_or_unlinked_people(mail, odd_addresses, role):
    email = {"agent": "bob@example.org", "inactive": "carol@example.org"}.get(role, "u@example.org")
    User.objects.filter(role="agent").update(email_confirmed_at=None)
    register(email)
    assert newest_email().to == email and "/welcome/" not in newest_email().body


def test_link_sets_the_password_confirms_the_address_and_links_its_customer(mail, bob):
    customer = services.add_customer(email=NEW, first_name="Eve")
    ticket = tickets_services.create_ticket(
        customer=customer, subject="Pay slip", description="It is wrong.", by=bob
    )
    register(NEW)
    person = User.objects.get(email=NEW)
    assert not person.has_usable_password() and not person.email_confirmed_at
    browser, link = Client(), newest_link()
    browser.post(link, {"password": PASSWORD, "password_again": PASSWORD})
    person.refresh_from_db()
    assert person.email_confirmed_at and person.check_password(PASSWORD)
    assert list(Ticket.objects.visible_to(person)) == [ticket]
    assert browser.get(link).status_code == 404


def test_password_somebody_else_registered_ends_with_the_link(mail):
    services.register_customer(email=NEW, first_name="Mallory", password="mallorys own word")
    register(NEW)
    Client().post(newest_link(), {"password": PASSWORD, "password_again": PASSWORD})
    person = User.objects.get(email=NEW)
    assert person.check_password(PASSWORD) and person.email_confirmed_at


def test_an_address_gets_a_few_emails_an_hour_and_the_answer_stays_the_same(mail, alice):
    limit = security.RATE_LIMITS["link-to"]
    answers = {without_tokens(register(alice.email)[1], alice.email) for _ in range(limit + 2)}
    assert len(answers) == 1 and OutgoingEmail.objects.count() == limit


def test_visitor_is_limited_whatever_the_address(mail, alice, monkeypatch):
    monkeypatch.setitem(security.RATE_LIMITS, "register", 1)
    register(alice.email)
    for email in (alice.email, NEW):
        form = {"first_name": "Eve", "email": email}
        assert Client().post(reverse("register"), form).status_code == 400


def test_form_asks_for_a_password_only_where_no_link_can_be_sent(client, mail, settings):
    assert 'name="password"' not in client.get(reverse("register")).content.decode()
    settings.EMAIL_HOST = ""
    assert 'name="password"' in client.get(reverse("register")).content.decode()
    settings.EMAIL_HOST = "localhost"
    SiteSettings.objects.update(base_url="")
    assert 'name="password"' in client.get(reverse("register")).content.decode()


def test_closed_registration_sends_nothing(mail, client):
    SiteSettings.objects.update(is_registration_open=False)
    form = {"first_name": "Eve", "email": NEW}
    assert client.post(reverse("register"), form).status_code == 403
    assert not OutgoingEmail.objects.exists() and not User.objects.exists()
