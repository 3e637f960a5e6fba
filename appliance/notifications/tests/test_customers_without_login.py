"""A customer without a log-in gets replies by e-mail, with a link; agents see who gets none."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from appliance.accounts import services as accounts_services
from appliance.accounts.models import Customer
from appliance.core.models import SiteSettings
from appliance.notifications import email_builder
from appliance.notifications.models import EmailSettings, Notification, OutgoingEmail
from appliance.tickets import guest_links, services
from appliance.tickets.models import Message, Rating, Ticket
from appliance.web import services as web_services
from conftest import PASSWORD


@pytest.fixture
def site(db, settings) -> None:
    """The desk can send e-mails, acknowledges nothing, and knows its own address."""
    EmailSettings.objects.create(acknowledged_channels=[])
    settings.EMAIL_HOST, settings.DEFAULT_FROM_EMAIL = "localhost", "desk@example.org"
    data = {"base_url": "https://desk.example.org", "is_guest_form_open": True}
    SiteSettings.objects.update_or_create(pk=1, defaults=data)


@pytest.fixture
def gil(site) -> Customer:
    """A caller with an address and no log-in."""
    return accounts_services.ensure_customer(email="gil@example.org", first_name="Gil")


@pytest.fixture
def call(gil, bob) -> Ticket:
    return open_ticket(gil, bob)


def open_ticket(customer: Customer, by=None) -> Ticket:
    return services.create_ticket(
        customer=customer, subject="No dial tone", description="Since noon.", by=by
    )


def answer(ticket: Ticket, by, body: str = "Try now.") -> Message:
    return services.reply(ticket=ticket, by=by, body=body)


def read_path(email: OutgoingEmail) -> str:
    """Return the path of the secret link in an e-mail."""
    text = email_builder.build_message(email).body
    return re.search(r"https://desk\.example\.org(/\S+)", text)[1]


def test_reply_to_a_customer_without_a_login_is_sent_by_email(client, call, bob):
    answer(call, bob)
    email = OutgoingEmail.objects.get(user=None)
    text = email_builder.build_message(email)
    assert (email.to, text.to) == ("gil@example.org", ["gil@example.org"])
    assert "Bob replied to you" in text.body and "Try now." in text.body
    assert "notification" not in text.body.lower()
    page = client.get(read_path(email))
    assert b"Try now." in page.content


def test_customer_replies_through_the_link(client, call, bob):
    answer(call, bob)
    path = read_path(OutgoingEmail.objects.get(user=None))
    token = path.strip("/").split("/")[-1]
    assert client.post(reverse("guest-reply", args=[token]), {"body": "Works."}).status_code == 302
    assert call.messages.last().is_from_customer
    assert OutgoingEmail.objects.filter(user=None).count() == 1  # nothing about their own reply


def test_guest_gets_replies_with_a_link_that_works(client, site, bob):
    ticket, _token = web_services.create_guest_ticket(
        ip_address="::1", name="Gil", email="gil@example.org", subject="s", description="d"
    )
    answer(ticket, bob)
    assert client.get(read_path(OutgoingEmail.objects.get(user=None))).status_code == 200


def test_notes_are_not_sent(call, bob):
    services.add_note(ticket=call, by=bob, body="Difficult person.")
    assert not OutgoingEmail.objects.filter(user=None).exists()


def test_solution_is_told_and_can_be_rated(client, call, bob):
    services.set_status(ticket=call, status="solved", by=bob)
    email = OutgoingEmail.objects.get(user=None)
    assert "solved your ticket" in email.body
    path = read_path(email)
    assert path.startswith("/rate/") and client.get(path).status_code == 200
    assert not Rating.objects.exists()  # a program that opens every link votes for nothing
    assert client.post(path, {"is_good": "yes"}).status_code == 302
    assert call.rating.is_good


def test_several_replies_within_minutes_are_one_email(call, bob):
    answer(call, bob, "First.")
    answer(call, bob, "Second.")
    email = OutgoingEmail.objects.get(user=None)
    assert "First." in email.body and "Second." in email.body


def test_link_leads_on_to_the_ticket_it_was_merged_into(client, call, gil, bob):
    answer(call, bob)
    path = read_path(OutgoingEmail.objects.get(user=None))
    target = open_ticket(gil, bob)
    services.merge_tickets(source=call, target=target, by=bob)
    answer(target, bob, "It is all in here now.")
    assert b"It is all in here now." in client.get(path).content


def test_link_is_void_once_the_customer_has_another_address(client, call, gil, bob):
    answer(call, bob)
    email = OutgoingEmail.objects.get(user=None)
    path = read_path(email)
    accounts_services.change_customer(
        customer=gil,
        by=bob,
        email="gil2@example.org",
        first_name="Gil",
        last_name="",
        organisation=None,
        is_premium=False,
    )
    assert client.get(path).status_code == 404
    email.refresh_from_db()
    assert email_builder.find_drop_reason(email)


def test_link_of_one_ticket_opens_no_other(client, call, gil, bob):
    other = open_ticket(gil, bob)
    token = guest_links.token_of_mail(call)
    forged = token.replace(f"{call.pk}-", f"{other.pk}-")
    assert client.get(reverse("guest-ticket", args=[token])).status_code == 200
    assert client.get(reverse("guest-ticket", args=[forged])).status_code == 404
    assert client.get(reverse("guest-ticket", args=[f"{call.pk}-" + "0" * 64])).status_code == 404


def test_customer_with_a_login_is_not_sent_a_secret_link(ticket, site, bob):
    answer(ticket, bob)
    assert not OutgoingEmail.objects.filter(user=None).exists()
    assert Notification.objects.filter(user=ticket.customer.user).exists()


def test_email_goes_to_the_customer_although_somebody_has_registered_the_address(call, bob):
    accounts_services.register_customer(
        email="gil@example.org", first_name="Mallory", password=PASSWORD
    )
    answer(call, bob)
    assert OutgoingEmail.objects.get(user=None, ticket=call).to == "gil@example.org"


def test_email_without_a_web_address_has_no_link(call, bob):
    SiteSettings.objects.update(base_url="")
    answer(call, bob)
    text = email_builder.build_message(OutgoingEmail.objects.get(user=None)).body
    assert "Contact the help desk to reply." in text and "http" not in text


def test_anonymised_customer_is_written_to_no_more(call, gil, bob, dan):
    answer(call, bob)
    token = guest_links.token_of_mail(call)
    web_services.anonymise_customer(customer=gil, by=dan, confirmation=gil.email)
    assert OutgoingEmail.objects.get(user=None, ticket=call).to == ""
    call.refresh_from_db()
    assert not guest_links.is_token_of_mail(token, call)


# --- what the agent is told


def banner(client, ticket: Ticket, bob) -> str:
    client.force_login(bob)
    return client.get(reverse("ticket", args=[ticket.pk])).context["head"].contact


def test_agent_is_told_that_no_message_reaches_somebody_known_by_name_alone(client, site, bob):
    ticket = open_ticket(accounts_services.add_customer(first_name="Gil Grant"), bob)
    answer(ticket, bob)
    assert "No e-mail address" in banner(client, ticket, bob)
    assert "by phone" in banner(client, ticket, bob)
    assert not OutgoingEmail.objects.filter(user=None).exists()


def test_agent_is_told_that_replies_go_by_email(client, call, bob):
    assert "gil@example.org" in banner(client, call, bob)


def test_agent_is_told_that_the_desk_sends_no_email(client, call, bob, settings):
    settings.EMAIL_HOST = ""
    assert "cannot send e-mails" in banner(client, call, bob)


def test_agent_is_told_that_the_account_is_deactivated(client, ticket, bob, dan, site):
    accounts_services.deactivate_person(person=ticket.customer.user, by=dan)
    answer(ticket, bob)
    assert "deactivated" in banner(client, ticket, bob)
    assert not guest_links.is_token_of_mail(
        guest_links.token_of_mail(ticket), Ticket.objects.get(pk=ticket.pk)
    )


def test_agent_is_told_nothing_about_a_customer_with_a_login(client, ticket, bob):
    assert banner(client, ticket, bob) == ""


def test_old_link_of_a_closed_ticket_is_void(client, call, bob):
    services.set_status(ticket=call, status="closed", by=bob)
    Ticket.objects.filter(pk=call.pk).update(updated_at=timezone.now() - timedelta(days=31))
    path = reverse("guest-ticket", args=[guest_links.token_of_mail(call)])
    assert client.get(path).status_code == 404
