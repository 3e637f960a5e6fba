"""For whom an agent creates a ticket."""

import threading
import uuid

import pytest
from django.db import connection
from django.urls import reverse

from appliance.accounts import services as accounts_services
from appliance.accounts.models import Customer
from appliance.tickets.models import Ticket
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
