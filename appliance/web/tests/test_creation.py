"""For whom an agent creates a ticket."""

import threading
import uuid

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.urls import reverse

from appliance.accounts import services as accounts_services
from appliance.accounts.models import Customer
from appliance.tickets import services as tickets_services
from appliance.tickets.custom_fields import form_name
from appliance.tickets.models import Ticket
from appliance.triage import services as triage_services
from appliance.web import services
from conftest import PASSWORD

FORM = {
    "subject": "No dial tone",
    "description": "Since noon.",
    "priority": 2,
    "channel": "phone",
}


@pytest.fixture
def bob_client(client, bob):
    client.force_login(bob)
    return client


def create(client, **more: str) -> Ticket:
    response = client.post(reverse("create-ticket"), FORM | more)
    assert response.status_code == 302, response.context["form"].errors
    return Ticket.objects.latest("pk")


def test_caller_without_an_address_becomes_a_customer_of_that_name(bob_client, bob):
    ticket = create(bob_client, customer_name="Gil Grant")
    assert (ticket.customer.full_name, ticket.customer.email) == ("Gil Grant", "")
    assert not Customer.objects.filter(user=bob).exists()


def test_caller_with_the_name_of_a_customer_is_not_taken_for_them(bob_client, alice):
    ticket = create(bob_client, customer_name="Alice Test")
    assert ticket.customer != alice.customer
    assert ticket not in Ticket.objects.visible_to(alice)


def test_customers_of_the_callers_name_are_shown_while_typing(bob_client, alice, carol):
    content = bob_client.post(reverse("suggest"), {"customer_name": "alice test"}).content.decode()
    assert f"?customer={alice.customer.pk}" in content
    assert "carol@" not in content
    both = {"customer_name": "alice test", "customer_email": "new@example.org"}
    assert "?customer=" not in bob_client.post(reverse("suggest"), both).content.decode()


def test_ticket_without_address_and_name_is_the_agents_own(bob_client, bob):
    assert create(bob_client).customer.user == bob


@pytest.mark.parametrize("name", ["", "Somebody Else"])
def test_address_of_a_customer_decides_whatever_the_name(name, bob_client, alice):
    ticket = create(bob_client, customer_email="ALICE@example.org", customer_name=name)
    assert ticket.customer == alice.customer
    assert ticket.customer.first_name == "Alice"


def test_unknown_address_without_a_name_keeps_what_was_typed(bob_client):
    data = FORM | {"customer_email": "new@example.org"}
    response = bob_client.post(reverse("create-ticket"), data)
    assert response.status_code == 400
    assert "customer_name" in response.context["form"].errors
    for text in ("new@example.org", "No dial tone", "Since noon."):
        assert text in response.content.decode(), text


def test_refused_form_keeps_the_callers_name(bob_client):
    response = bob_client.post(
        reverse("create-ticket"), FORM | {"subject": "", "customer_name": "Gil Grant"}
    )
    assert response.status_code == 400
    assert "Gil Grant" in response.content.decode()
    assert not Customer.objects.exists()


def test_customer_known_by_name_alone_is_chosen_by_a_link(bob_client, bob):
    gil = create(bob_client, customer_name="Gil Grant").customer
    response = bob_client.get(reverse("create-ticket"), {"customer": gil.pk})
    assert "Gil Grant" in response.content.decode()
    assert create(bob_client, customer=str(gil.pk)).customer == gil


def test_customer_cannot_choose_somebody_else(client, alice, carol):
    client.force_login(carol)
    ticket = create(client, customer=str(alice.customer.pk), customer_name="Alice")
    assert ticket.customer.user == carol


def test_form_sent_twice_adds_one_caller_and_one_ticket(bob_client):
    key = str(uuid.uuid4())
    for _time in range(2):
        create(bob_client, customer_name="Gil Grant", idempotency_key=key)
    assert (Customer.objects.count(), Ticket.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_form_sent_twice_at_once_adds_one_caller_and_one_ticket(bob):
    key, barrier = uuid.uuid4(), threading.Barrier(2)

    def create_both() -> None:
        barrier.wait()
        services.create_ticket(
            by=bob, subject="s", description="d", name="Gil Grant", idempotency_key=key
        )
        connection.close()

    threads = [threading.Thread(target=create_both) for _number in range(2)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert (Customer.objects.count(), Ticket.objects.count()) == (1, 1)


def test_form_says_that_nobody_has_confirmed_the_customers_log_in(bob_client, alice):
    accounts_services.register_customer(
        email="grace@example.org", first_name="Mallory", password=PASSWORD
    )
    typed = {"customer_email": " Grace@Example.org"}
    assert b"nobody has confirmed" in bob_client.post(reverse("suggest"), typed).content
    known = {"customer_email": "alice@example.org"}
    assert b"nobody has confirmed" not in bob_client.post(reverse("suggest"), known).content


def add_instead(client, ticket, **fields):
    return client.post(reverse("add-to-ticket", args=[ticket.pk]), fields)


def test_customer_continues_on_the_ticket_that_says_the_same(client, ticket, alice):
    client.force_login(alice)
    response = add_instead(client, ticket, subject="Still blank", description="Now all of them.")
    assert response.url == f"{reverse('ticket', args=[ticket.pk])}#reply"
    page = client.get(response.url).content.decode()
    assert "Still blank\n\nNow all of them.</textarea>" in page
    assert Ticket.objects.count() == 1 and not ticket.messages.exists(), "nothing is sent yet"


def test_unfinished_text_is_carried_over_and_an_earlier_draft_stays(client, ticket, alice):
    client.force_login(alice)
    tickets_services.save_draft(ticket=ticket, by=alice, kind="reply", body="Earlier.")
    assert add_instead(client, ticket, subject="Still blank").status_code == 302
    assert {draft.body for draft in ticket.drafts.all()} == {"Earlier.", "Still blank"}


def test_custom_fields_are_carried_over(client, ticket, alice, dan):
    field = tickets_services.add_field(
        by=dan, label="Room", kind="text", categories=[], is_required=False, is_for_customers=True
    )
    client.force_login(alice)
    add_instead(client, ticket, subject="Still blank", **{form_name(field): "B 12"})
    assert ticket.drafts.get().body == "Still blank\n\nRoom: B 12"


def test_files_are_sent_because_no_draft_holds_them(client, ticket, alice):
    client.force_login(alice)
    key, picture = str(uuid.uuid4()), SimpleUploadedFile("page.txt", b"blank")
    response = add_instead(
        client, ticket, subject="Still blank", files=picture, idempotency_key=key
    )
    message = ticket.messages.get()
    assert response.url.endswith(f"#message-{message.pk}")
    assert (message.body, message.kind) == ("Still blank", "reply")
    assert message.attachments.get().file.name == "page.txt"


def test_agent_continues_with_a_note_of_what_the_customer_said(bob_client, ticket):
    add_instead(bob_client, ticket, subject="Still blank", customer_email="alice@example.org")
    assert (ticket.drafts.get().kind, ticket.drafts.get().body) == ("note", "Still blank")


def test_text_for_a_ticket_that_was_closed_meanwhile_is_kept(client, ticket, alice, bob):
    tickets_services.set_status(ticket=ticket, status="closed", by=bob)
    client.force_login(alice)
    response = add_instead(client, ticket, subject="Still blank", description="All of them.")
    html = response.content.decode()
    assert response.status_code == 400 and "no longer open" in html
    assert "Still blank" in html and "All of them." in html


def test_text_cannot_be_added_to_a_ticket_of_somebody_else(client, ticket, carol):
    client.force_login(carol)
    assert add_instead(client, ticket, subject="Still blank").status_code == 404


def test_only_own_tickets_are_offered_to_be_continued(bob_client, ticket, carol):
    triage_services.catch_up()
    typed = {"subject": ticket.subject, "description": ticket.description}
    url = reverse("add-to-ticket", args=[ticket.pk])
    hers = typed | {"customer_email": "carol@example.org"}
    html = bob_client.post(reverse("suggest"), hers).content.decode()
    assert ticket.subject in html and url not in html
    his = typed | {"customer_email": "alice@example.org"}
    assert url in bob_client.post(reverse("suggest"), his).content.decode()
