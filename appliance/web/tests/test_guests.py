"""Somebody without an account asks, and reads the answer by a secret link."""

import re
import uuid
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from appliance.accounts import services as accounts_services
from appliance.accounts.models import Customer, RateLimitHit
from appliance.accounts.security import RATE_LIMITS
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Message, Rating, Status, Ticket


@pytest.fixture(autouse=True)
def _guests_may_ask(dan) -> None:
    accounts_services.update_site_settings(by=dan, is_guest_form_open=True)


def asks(client, **more: object):
    form = {
        "name": "Pia",
        "email": "pia@example.org",
        "subject": "No sound",
        "description": "In room 4.",
        "idempotency_key": str(uuid.uuid4()),
    }
    return client.post(reverse("ask"), form | more)


@pytest.fixture
def link(client) -> str:
    return asks(client).url


@pytest.fixture
def asked(link) -> Ticket:
    return Ticket.objects.get()


def test_guest_gets_a_secret_link_that_is_shown_in_full_once(client, link, asked):
    assert re.fullmatch(r"/guest/[0-9a-f]{64}/", link)
    assert f"http://testserver{link}" in client.get(link).content.decode()
    assert f"http://testserver{link}" not in client.get(link).content.decode()
    assert link.split("/")[2] not in str(Ticket.objects.values())


def test_guest_reads_replies_and_never_a_note(client, link, asked, bob):
    tickets_services.reply(ticket=asked, by=bob, body="Turn it on.")
    tickets_services.add_note(ticket=asked, by=bob, body="Again the same person.")
    page = client.get(link).content.decode()
    assert "Turn it on." in page and "the same person" not in page


def test_guest_answers_and_the_ticket_opens_again(client, link, asked, bob):
    tickets_services.set_status(ticket=asked, status=Status.SOLVED, by=bob)
    answer = client.post(f"{link}reply/", {"body": "Still silent."})
    asked.refresh_from_db()
    assert (answer.url, asked.status) == (link, Status.OPEN)
    assert asked.messages.get().is_from_customer


def test_answer_sent_twice_is_one_message(client, link, asked):
    form = {"body": "Once.", "idempotency_key": str(uuid.uuid4())}
    for _ in range(2):
        client.post(f"{link}reply/", form)
    assert Message.objects.count() == 1


def test_guest_rates_once_it_is_solved(client, link, asked, bob):
    assert client.post(f"{link}rate/", {"is_good": "yes"}).status_code == 400
    tickets_services.set_status(ticket=asked, status=Status.SOLVED, by=bob)
    client.post(f"{link}rate/", {"is_good": "yes", "comment": "Quick."})
    assert (Rating.objects.get().is_good, Rating.objects.get().comment) == (True, "Quick.")


def test_refused_answer_keeps_what_was_typed(client, link, asked, bob):
    tickets_services.set_status(ticket=asked, status=Status.CLOSED, by=bob)
    answer = client.post(f"{link}reply/", {"body": "Three long sentences."})
    assert answer.status_code == 400 and "Three long sentences." in answer.content.decode()


def test_refused_question_keeps_what_was_typed(client):
    answer = asks(client, email="nonsense")
    assert answer.status_code == 400 and "In room 4." in answer.content.decode()


def test_same_form_twice_is_one_ticket_and_one_link(client):
    key = str(uuid.uuid4())
    assert asks(client, idempotency_key=key).url == asks(client, idempotency_key=key).url
    assert Ticket.objects.count() == 1


@pytest.mark.parametrize("token", ["guess", "0" * 64, "é", "a" * 5000])
@pytest.mark.parametrize("what", ["", "reply/", "rate/", "files/1/"])
def test_wrong_links_are_all_the_same_to_look_at(client, asked, token, what):
    send = client.post if what in ("reply/", "rate/") else client.get
    assert send(f"/guest/{token}/{what}", {"body": "…", "is_good": "yes"}).status_code == 404


def test_page_of_a_secret_link_is_kept_by_nobody(client, link):
    answer = client.get(link)
    assert answer["X-Robots-Tag"] == "noindex, nofollow"
    assert answer["Referrer-Policy"] == "strict-origin"
    assert "no-store" in answer["Cache-Control"]


def test_link_dies_a_month_after_the_ticket_is_closed(client, link, asked, bob):
    tickets_services.set_status(ticket=asked, status=Status.CLOSED, by=bob)
    assert client.get(link).status_code == 200
    Ticket.objects.update(updated_at=timezone.now() - timedelta(days=31))
    assert client.get(link).status_code == 404


def test_address_of_a_customer_with_a_log_in_reveals_nothing(client, alice, ticket):
    answer = asks(client, name="Mallory", email="ALICE@example.org")
    page = client.get(answer.url).content.decode()
    assert Ticket.objects.latest("pk").customer == alice.customer
    for told in ("Alice", "alice@example.org", ticket.subject):
        assert told not in page
    assert client.get(reverse("ticket", args=[ticket.pk])).url.startswith(reverse("login"))


def test_link_shows_nothing_that_was_merged_into_its_ticket(client, alice, ticket, dan):
    link = asks(client, email=alice.email).url
    asked = Ticket.objects.latest("pk")
    tickets_services.merge_tickets(source=ticket, target=asked, by=dan)
    assert ticket.description not in client.get(link).content.decode()


def test_guest_s_files_are_behind_the_same_link(client, bob):
    link = asks(client, files=SimpleUploadedFile("log.txt", b"all of it")).url
    sent = Ticket.objects.get().attachments.get()
    path = f"{link}files/{sent.pk}/"
    assert b"".join(client.get(path).streaming_content) == b"all of it"
    other = asks(client).url
    assert client.get(f"{other}files/{sent.pk}/").status_code == 404


def test_file_of_a_note_is_not_behind_the_link(client, link, asked, bob):
    tickets_services.add_note(
        ticket=asked, by=bob, body="…", files=[SimpleUploadedFile("secret.txt", b"ours")]
    )
    assert client.get(f"{link}files/{asked.attachments.get().pk}/").status_code == 404


def test_too_many_questions_of_one_address_are_refused_and_kept_on_the_page(client):
    RateLimitHit.objects.bulk_create(
        RateLimitHit(scope="ask", ip_address="127.0.0.1") for _ in range(RATE_LIMITS["ask"])
    )
    answer = asks(client)
    assert answer.status_code == 400 and "In room 4." in answer.content.decode()
    RateLimitHit.objects.update(created_at=timezone.now() - timedelta(hours=2))
    assert asks(client).status_code == 302
    assert RateLimitHit.objects.count() == 1, "old hits are deleted"


def test_page_is_not_there_unless_guests_may_ask(client, dan):
    accounts_services.update_site_settings(by=dan, is_guest_form_open=False)
    assert client.get(reverse("ask")).status_code == 404
    assert asks(client).status_code == 404
    assert Customer.objects.count() == 0


def test_whoever_is_logged_in_asks_as_themselves(client, alice):
    client.force_login(alice)
    assert client.get(reverse("ask")).url == reverse("create-ticket")
