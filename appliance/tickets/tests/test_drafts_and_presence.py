"""Drafts of replies, and agents who have a ticket open."""

import time
from uuid import uuid4

import pytest
from django.urls import reverse

from appliance.tickets import presence, queries, services
from appliance.tickets.models import Draft, Event
from appliance.tickets.services.messages import MAX_DRAFTS


def test_draft_is_stored_for_its_author_only(ticket, bob, dan):
    services.save_draft(ticket=ticket, by=bob, kind="note", body="Half a")
    services.save_draft(ticket=ticket, by=bob, kind="note", body="Half a thought")
    assert queries.find_draft(bob, ticket).body == "Half a thought"
    assert queries.find_draft(dan, ticket) is None
    assert Event.objects.filter(ticket=ticket).count() == 1


def test_empty_text_removes_the_draft(ticket, bob):
    services.save_draft(ticket=ticket, by=bob, kind="reply", body="x")
    services.save_draft(ticket=ticket, by=bob, kind="reply", body=" ")
    assert not Draft.objects.exists()


@pytest.mark.parametrize("service", [services.reply, services.add_note])
def test_sending_a_draft_removes_that_of_the_author_only(ticket, bob, dan, service):
    key = uuid4()
    for agent in (bob, dan):
        services.save_draft(ticket=ticket, by=agent, kind="reply", body="Half", draft_key=key)
    service(ticket=ticket, by=bob, body="Half a reply, finished.", draft_key=key)
    assert [draft.user for draft in Draft.objects.all()] == [dan]


@pytest.mark.parametrize("service", [services.reply, services.add_note])
def test_draft_stays_when_another_text_is_sent(ticket, bob, service):
    services.save_draft(ticket=ticket, by=bob, kind="reply", body="Half a reply")
    service(ticket=ticket, by=bob, body="Something else.", draft_key=uuid4())
    assert queries.find_draft(bob, ticket).body == "Half a reply"


def test_draft_with_the_text_that_was_sent_is_removed(ticket, bob):
    services.save_draft(ticket=ticket, by=bob, kind="reply", body="Shake the toner.\n")
    services.add_note(ticket=ticket, by=bob, body="Shake the toner.")
    assert queries.find_draft(bob, ticket)
    services.reply(ticket=ticket, by=bob, body="Shake the toner.")
    assert queries.find_draft(bob, ticket) is None


def test_each_page_has_a_draft_and_the_newest_is_shown(ticket, bob):
    first, second = uuid4(), uuid4()
    services.save_draft(ticket=ticket, by=bob, kind="reply", body="First", draft_key=first)
    services.save_draft(ticket=ticket, by=bob, kind="note", body="Second", draft_key=second)
    assert queries.find_draft(bob, ticket).body == "Second"
    services.reply(ticket=ticket, by=bob, body="Second", draft_key=second)
    assert queries.find_draft(bob, ticket).body == "First"
    services.discard_draft(ticket=ticket, by=bob, draft_key=second)
    assert queries.find_draft(bob, ticket).body == "First"
    services.discard_draft(ticket=ticket, by=bob, draft_key=first)
    assert queries.find_draft(bob, ticket) is None


def test_page_continues_the_draft_that_it_restored(ticket, bob):
    services.save_draft(ticket=ticket, by=bob, kind="reply", body="Half", draft_key=uuid4())
    restored_at = queries.find_draft(bob, ticket).updated_at
    page = {"draft_key": uuid4(), "restored_at": restored_at}
    for body in ("Half a", "Half a reply"):
        services.save_draft(ticket=ticket, by=bob, kind="reply", body=body, **page)
    assert Draft.objects.get().body == "Half a reply"
    services.reply(ticket=ticket, by=bob, body="Half a reply, finished.", **page)
    assert not Draft.objects.exists()


def test_two_pages_with_one_draft_do_not_remove_each_others_text(ticket, bob):
    services.save_draft(ticket=ticket, by=bob, kind="reply", body="Half", draft_key=uuid4())
    restored_at = queries.find_draft(bob, ticket).updated_at
    first, second = ({"draft_key": uuid4(), "restored_at": restored_at} for _ in range(2))
    services.save_draft(ticket=ticket, by=bob, kind="reply", body="Half a long reply", **first)
    services.reply(ticket=ticket, by=bob, body="Half", **second)
    services.discard_draft(ticket=ticket, by=bob, **second)
    assert Draft.objects.get().body == "Half a long reply"


def test_page_that_wrote_a_draft_keeps_it_when_another_restores_it(ticket, bob):
    author = {"draft_key": uuid4()}
    services.save_draft(ticket=ticket, by=bob, kind="reply", body="Half", **author)
    restored_at = queries.find_draft(bob, ticket).updated_at
    other = {"draft_key": uuid4(), "restored_at": restored_at}
    services.save_draft(ticket=ticket, by=bob, kind="reply", body="Half a long reply", **author)
    services.reply(ticket=ticket, by=bob, body="Half", **other)
    assert Draft.objects.get().body == "Half a long reply"


def test_person_has_a_limited_number_of_drafts_on_a_ticket(ticket, bob):
    for number in range(MAX_DRAFTS + 2):
        services.save_draft(
            ticket=ticket, by=bob, kind="reply", body=str(number), draft_key=uuid4()
        )
    bodies = Draft.objects.order_by("pk").values_list("body", flat=True)
    assert list(bodies) == [str(number) for number in range(2, MAX_DRAFTS + 2)]


def test_merge_keeps_the_drafts_of_both_tickets(ticket, alice, bob):
    other = services.create_ticket(
        customer=alice.customer, subject="Same", description="Again.", by=alice
    )
    for draft_ticket in (ticket, other):
        services.save_draft(ticket=draft_ticket, by=bob, kind="reply", body=draft_ticket.number)
    services.merge_tickets(source=other, target=ticket, by=bob)
    assert queries.find_draft(bob, ticket).body == ticket.number
    assert queries.find_draft(bob, other).body == other.number


def test_page_saves_a_draft(client, ticket, alice):
    client.force_login(alice)
    path = reverse("draft", args=[ticket.pk])
    assert client.post(path, {"body": "one\r\ntwo", "kind": ""}).status_code == 204
    assert queries.find_draft(alice, ticket).body == "one\ntwo"
    assert client.post(path, {"body": "x", "kind": "shout"}).status_code == 400


def test_other_agents_are_listed_with_whether_they_write(ticket, bob, dan, frank):
    presence.mark_present(bob, ticket)
    presence.mark_present(dan, ticket, is_writing=True)
    assert presence.list_others(bob, ticket) == [presence.PresentAgent("Dan", True)]
    assert [agent.name for agent in presence.list_others(frank, ticket)] == ["Bob", "Dan"]


def test_agent_without_a_report_for_half_a_minute_is_absent(ticket, bob, dan, monkeypatch):
    presence.mark_present(dan, ticket)
    later = time.time() + presence.PRESENCE_SECONDS + 1
    monkeypatch.setattr(time, "time", lambda: later)
    assert presence.list_others(bob, ticket) == []


def test_agent_who_leaves_is_absent_immediately(ticket, bob, dan):
    presence.mark_present(dan, ticket)
    presence.mark_absent(dan, ticket)
    assert presence.list_others(bob, ticket) == []


def test_customers_are_neither_listed_nor_shown_others(ticket, alice, bob):
    presence.mark_present(alice, ticket)
    presence.mark_present(bob, ticket)
    assert presence.list_others(bob, ticket) == presence.list_others(alice, ticket) == []


def test_presence_is_empty_without_a_cache(ticket, bob, dan, dead_cache):
    presence.mark_present(dan, ticket)
    assert presence.list_others(bob, ticket) == []


def test_page_shows_other_agents(client, ticket, bob, dan):
    client.force_login(bob)
    path = reverse("presence", args=[ticket.pk])
    assert client.post(path).status_code == 204
    presence.mark_present(dan, ticket, is_writing=True)
    assert b"Dan is replying" in client.post(path, {"is_writing": "1"}).content
    assert presence.list_others(dan, ticket) == [presence.PresentAgent("Bob", True)]


def test_page_completes_names_and_tags(client, ticket, bob, dan):
    services.set_tags(ticket=ticket, names=["printer"], by=bob)
    client.force_login(bob)
    names = client.get(reverse("mentionable", args=[ticket.pk]), {"q": "da"}).json()
    assert names == {"people": [{"name": "Dan", "handle": "dan"}]}
    assert client.get(reverse("find-tags"), {"q": "p\0ri"}).json() == {"tags": ["printer"]}
