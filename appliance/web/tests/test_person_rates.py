from datetime import timedelta

import pytest
from django.db.models import F
from django.test import Client
from django.urls import reverse

from appliance.accounts.models import RateCount, User
from appliance.tickets.models import Message, Ticket

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _low_limits(settings):
    settings.CUSTOMER_POSTS, settings.AGENT_POSTS = 2, 4


def log_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def reply(client: Client, ticket: Ticket, number: int):
    form = {"body": f"Answer {number}", "seen_message": "999999999", "kind": "reply"}
    return client.post(reverse("reply", args=[ticket.pk]), form)


def test_customer_who_sends_too_much_waits_and_keeps_the_text(alice, ticket):
    client = log_in(alice)
    for number in range(2):
        assert reply(client, ticket, number).status_code == 302
    response = reply(client, ticket, 3)
    assert response.status_code == 400
    assert "more than 2 within 10 minutes" in response.content.decode()
    assert "Answer 3</textarea>" in response.content.decode()
    assert Message.objects.count() == 2
    RateCount.objects.update(started_at=F("started_at") - timedelta(minutes=11))
    assert reply(client, ticket, 4).status_code == 302


def test_tickets_and_replies_count_together(alice, ticket):
    client = log_in(alice)
    reply(client, ticket, 1)
    form = {"subject": "Next", "description": "All I typed"}
    assert client.post(reverse("create-ticket"), form).status_code == 302
    response = client.post(reverse("create-ticket"), form)
    assert response.status_code == 400
    assert "All I typed" in response.content.decode()
    assert Ticket.objects.count() == 2


def test_agents_may_send_more(bob, ticket):
    client = log_in(bob)
    statuses = [reply(client, ticket, number).status_code for number in range(5)]
    assert statuses == [302] * 4 + [400]


def test_limit_holds_while_the_cache_is_down(alice, ticket, dead_cache):
    client = log_in(alice)
    statuses = [reply(client, ticket, number).status_code for number in range(3)]
    assert statuses == [302, 302, 400]


@pytest.mark.parametrize("name", ["preview", "suggest", "draft"])
def test_help_while_typing_is_limited_for_itself(alice, ticket, name):
    client = log_in(alice)
    path = reverse(name, args=[ticket.pk] if name == "draft" else [])
    RateCount.objects.create(scope="typing", key=alice.pk, count=79, started_at=ticket.created_at)
    assert client.post(path, {"body": "x"}).status_code in (200, 204)
    assert client.post(path, {"body": "x"}).status_code == 429
    assert reply(client, ticket, 1).status_code == 302


def test_one_person_does_not_use_up_the_limit_of_another(alice, carol, ticket):
    for number in range(3):
        reply(log_in(alice), ticket, number)
    form = {"subject": "Mine", "description": "Text"}
    assert log_in(carol).post(reverse("create-ticket"), form).status_code == 302
