"""What happens before anything is sent: drafts, and who else is there."""

import time

import pytest
from django.urls import reverse

from appliance.tickets import presence, queries, services
from appliance.tickets.models import Draft, Event


def test_draft_is_there_at_the_next_visit(ticket, bob, dan):
    services.save_draft(ticket=ticket, by=bob, kind="note", body="Half a")
    services.save_draft(ticket=ticket, by=bob, kind="note", body="Half a thought")
    assert queries.find_draft(bob, ticket).body == "Half a thought"
    assert queries.find_draft(dan, ticket) is None
    assert Event.objects.filter(ticket=ticket).count() == 1


def test_empty_draft_is_none(ticket, bob):
    services.save_draft(ticket=ticket, by=bob, kind="reply", body="x")
    services.save_draft(ticket=ticket, by=bob, kind="reply", body=" ")
    assert not Draft.objects.exists()


@pytest.mark.parametrize("verb", [services.reply, services.add_note])
def test_sending_discards_ones_own_draft_alone(ticket, bob, dan, verb):
    for who in (bob, dan):
        services.save_draft(ticket=ticket, by=who, kind="reply", body="x")
    verb(ticket=ticket, by=bob, body="Sent.")
    assert [draft.user for draft in Draft.objects.all()] == [dan]


def test_page_saves_a_draft(client, ticket, alice):
    client.force_login(alice)
    path = reverse("draft", args=[ticket.pk])
    assert client.post(path, {"body": "one\r\ntwo", "kind": ""}).status_code == 204
    assert queries.find_draft(alice, ticket).body == "one\ntwo"
    assert client.post(path, {"body": "x", "kind": "shout"}).status_code == 400


def test_who_else_looks_and_who_writes(ticket, bob, dan, frank):
    presence.mark_present(bob, ticket)
    presence.mark_present(dan, ticket, is_writing=True)
    assert presence.list_others(bob, ticket) == [presence.Present("Dan", True)]
    assert [one.name for one in presence.list_others(frank, ticket)] == ["Bob", "Dan"]


def test_who_says_nothing_for_half_a_minute_is_gone(ticket, bob, dan, monkeypatch):
    presence.mark_present(dan, ticket)
    later = time.time() + presence.PRESENCE_SECONDS + 1
    monkeypatch.setattr(time, "time", lambda: later)
    assert presence.list_others(bob, ticket) == []


def test_who_leaves_is_gone_at_once(ticket, bob, dan):
    presence.mark_present(dan, ticket)
    presence.mark_absent(dan, ticket)
    assert presence.list_others(bob, ticket) == []


def test_customers_are_neither_seen_nor_told(ticket, alice, bob):
    presence.mark_present(alice, ticket)
    presence.mark_present(bob, ticket)
    assert presence.list_others(bob, ticket) == presence.list_others(alice, ticket) == []


def test_dead_cache_shows_nobody_and_breaks_nothing(ticket, bob, dan, dead_cache):
    presence.mark_present(dan, ticket)
    assert presence.list_others(bob, ticket) == []


def test_page_asks_who_is_here(client, ticket, bob, dan):
    client.force_login(bob)
    path = reverse("presence", args=[ticket.pk])
    assert client.post(path).status_code == 204
    presence.mark_present(dan, ticket, is_writing=True)
    assert b"Dan is replying" in client.post(path, {"is_writing": "1"}).content
    assert presence.list_others(dan, ticket) == [presence.Present("Bob", True)]


def test_page_asks_for_names_and_tags(client, ticket, bob, dan):
    services.set_tags(ticket=ticket, names=["printer"], by=bob)
    client.force_login(bob)
    names = client.get(reverse("mentionable", args=[ticket.pk]), {"q": "da"}).json()
    assert names == {"people": [{"name": "Dan", "handle": "dan"}]}
    assert client.get(reverse("tags"), {"q": "p\0ri"}).json() == {"tags": ["printer"]}
