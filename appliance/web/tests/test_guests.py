"""Guests create tickets without an account and read the replies through a secret link."""

import re
import uuid
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from appliance.accounts import services as accounts_services
from appliance.accounts.models import Customer, RateCount
from appliance.accounts.security import RATE_LIMITS
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Message, Rating, Status, Ticket


@pytest.fixture(autouse=True)
def _guest_form_is_open(dan) -> None:
    accounts_services.update_site_settings(by=dan, is_guest_form_open=True)


def create_ticket(client, **changes: object):
    form = {
        "name": "Pia",
        "email": "pia@example.org",
        "subject": "No sound",
        "description": "In room 4.",
        "idempotency_key": str(uuid.uuid4()),
    }
    return client.post(reverse("ask"), form | changes)


@pytest.fixture
def link(client) -> str:
    return create_ticket(client).url


@pytest.fixture
def guest_ticket(link) -> Ticket:
    return Ticket.objects.get()


def test_secret_link_is_shown_in_full_once(client, link, guest_ticket):
    assert re.fullmatch(r"/guest/[0-9a-f]{64}/", link)
    assert f"http://testserver{link}" in client.get(link).content.decode()
    assert f"http://testserver{link}" not in client.get(link).content.decode()
    assert link.split("/")[2] not in str(Ticket.objects.values())


def test_guest_reads_replies_and_never_a_note(client, link, guest_ticket, bob):
    tickets_services.reply(ticket=guest_ticket, by=bob, body="Turn it on.")
    tickets_services.add_note(ticket=guest_ticket, by=bob, body="Again the same person.")
    page = client.get(link).content.decode()
    assert "Turn it on." in page and "the same person" not in page


def test_reply_of_a_guest_reopens_the_ticket(client, link, guest_ticket, bob):
    tickets_services.set_status(ticket=guest_ticket, status=Status.SOLVED, by=bob)
    response = client.post(f"{link}reply/", {"body": "Still silent."})
    guest_ticket.refresh_from_db()
    assert (response.url, guest_ticket.status) == (link, Status.OPEN)
    assert guest_ticket.messages.get().is_from_customer


def test_reply_sent_twice_is_one_message(client, link, guest_ticket):
    form = {"body": "Once.", "idempotency_key": str(uuid.uuid4())}
    for _ in range(2):
        client.post(f"{link}reply/", form)
    assert Message.objects.count() == 1


def test_guest_rates_a_solved_ticket_only(client, link, guest_ticket, bob):
    assert client.post(f"{link}rate/", {"is_good": "yes"}).status_code == 400
    tickets_services.set_status(ticket=guest_ticket, status=Status.SOLVED, by=bob)
    client.post(f"{link}rate/", {"is_good": "yes", "comment": "Quick."})
    assert (Rating.objects.get().is_good, Rating.objects.get().comment) == (True, "Quick.")


def test_refused_reply_keeps_the_text(client, link, guest_ticket, bob):
    tickets_services.set_status(ticket=guest_ticket, status=Status.CLOSED, by=bob)
    response = client.post(f"{link}reply/", {"body": "Three long sentences."})
    assert response.status_code == 400 and "Three long sentences." in response.content.decode()


def test_refused_ticket_keeps_the_text(client):
    response = create_ticket(client, email="nonsense")
    assert response.status_code == 400 and "In room 4." in response.content.decode()


def test_form_sent_twice_creates_one_ticket_and_one_link(client):
    key = str(uuid.uuid4())
    assert (
        create_ticket(client, idempotency_key=key).url
        == create_ticket(client, idempotency_key=key).url
    )
    assert Ticket.objects.count() == 1


@pytest.mark.parametrize("token", ["guess", "0" * 64, "é", "a" * 5000])
@pytest.mark.parametrize("suffix", ["", "reply/", "rate/", "files/1/"])
def test_wrong_link_is_not_found(client, guest_ticket, token, suffix):
    send = client.post if suffix in ("reply/", "rate/") else client.get
    assert send(f"/guest/{token}/{suffix}", {"body": "…", "is_good": "yes"}).status_code == 404


def test_secret_page_is_neither_cached_nor_indexed(client, link):
    response = client.get(link)
    assert response["X-Robots-Tag"] == "noindex, nofollow"
    assert response["Referrer-Policy"] == "strict-origin"
    assert "no-store" in response["Cache-Control"]


def test_link_expires_a_month_after_the_ticket_is_closed(client, link, guest_ticket, bob):
    tickets_services.set_status(ticket=guest_ticket, status=Status.CLOSED, by=bob)
    assert client.get(link).status_code == 200
    Ticket.objects.update(updated_at=timezone.now() - timedelta(days=31))
    assert client.get(link).status_code == 404


def test_guest_with_the_address_of_a_customer_learns_nothing_about_them(client, alice, ticket):
    response = create_ticket(client, name="Mallory", email="ALICE@example.org")
    page = client.get(response.url).content.decode()
    assert Ticket.objects.latest("pk").customer == alice.customer
    for text in ("Alice", "alice@example.org", ticket.subject):
        assert text not in page
    assert client.get(reverse("ticket", args=[ticket.pk])).url.startswith(reverse("account_login"))


def test_guest_cannot_see_messages_of_merged_tickets(client, alice, ticket, dan):
    link = create_ticket(client, email=alice.email).url
    guest_ticket = Ticket.objects.latest("pk")
    tickets_services.merge_tickets(source=ticket, target=guest_ticket, by=dan)
    assert ticket.description not in client.get(link).content.decode()


def test_file_of_a_guest_needs_the_secret_link(client, bob):
    link = create_ticket(client, files=SimpleUploadedFile("log.txt", b"all of it")).url
    attachment = Ticket.objects.get().attachments.get()
    path = f"{link}files/{attachment.pk}/"
    assert b"".join(client.get(path).streaming_content) == b"all of it"
    other = create_ticket(client).url
    assert client.get(f"{other}files/{attachment.pk}/").status_code == 404


def test_guest_cannot_open_the_file_of_a_note(client, link, guest_ticket, bob):
    tickets_services.add_note(
        ticket=guest_ticket, by=bob, body="…", files=[SimpleUploadedFile("secret.txt", b"ours")]
    )
    assert client.get(f"{link}files/{guest_ticket.attachments.get().pk}/").status_code == 404


def test_tickets_of_one_ip_address_are_limited_and_keep_the_text(client):
    RateCount.objects.create(
        scope="ask", key="127.0.0.1", count=RATE_LIMITS["ask"], started_at=timezone.now()
    )
    response = create_ticket(client)
    assert response.status_code == 400 and "In room 4." in response.content.decode()
    RateCount.objects.update(started_at=timezone.now() - timedelta(hours=2))
    assert create_ticket(client).status_code == 302
    assert RateCount.objects.get().count == 1, "old counts are deleted"


def test_form_needs_guest_tickets_to_be_enabled(client, dan):
    accounts_services.update_site_settings(by=dan, is_guest_form_open=False)
    assert client.get(reverse("ask")).status_code == 404
    assert create_ticket(client).status_code == 404
    assert Customer.objects.count() == 0


def test_logged_in_user_is_sent_to_the_ticket_form(client, alice):
    client.force_login(alice)
    assert client.get(reverse("ask")).url == reverse("create-ticket")
