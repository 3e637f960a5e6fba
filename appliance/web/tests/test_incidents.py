"""Incidents on the pages: decided by agents, announced to whoever writes the same."""

import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from appliance.accounts import services as accounts_services
from appliance.accounts.models import Team, User
from appliance.tickets import queries as tickets_queries
from appliance.tickets import services as tickets_services
from appliance.tickets.models import ChildUpdate, Message, Status, Ticket, TicketLink
from appliance.triage import engine
from appliance.triage import services as triage_services
from appliance.triage.models import Incident

SUBJECT = "Printer on ward 3 prints blank pages"
NOTICE = "The printer of ward 3 is broken, a new one comes at noon."
SAME = "The printer on ward 3 prints only empty pages"


@pytest.fixture
def bob_client(bob) -> Client:
    return log_in(bob)


def log_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def text_of(response) -> str:
    return " ".join(response.content.decode().split())


@pytest.fixture
def others(ticket, carol) -> list[Ticket]:
    """Two tickets of Carol."""
    return [
        tickets_services.create_ticket(
            customer=carol.customer, subject=f"Blank pages {n}", description="d", by=carol
        )
        for n in range(2)
    ]


@pytest.fixture
def incident(ticket, others) -> Incident:
    """A proposal, as the worker makes it."""
    incident = Incident.objects.create()
    for cosine, member in enumerate([*others, ticket]):
        incident.members.create(ticket=member, cosine=cosine)
    return incident


def accept(client: Client, incident: Incident, chosen: list[Ticket], **more: object):
    data = {"tickets": [ticket.pk for ticket in chosen], "parent": chosen[0].pk} | more
    return client.post(reverse("incident", args=[incident.pk]), data)


def test_list_and_ticket_ask_whether_it_is_an_incident(bob_client, incident, ticket):
    for url in (reverse("dashboard"), reverse("live"), reverse("ticket", args=[ticket.pk])):
        page = text_of(bob_client.get(url))
        assert "3 tickets from 2 people" in page and SUBJECT in page, url
        assert reverse("incident", args=[incident.pk]) in page, url


def test_unticked_ticket_is_left_out(bob_client, bob, incident, ticket, others):
    page = bob_client.get(reverse("incident", args=[incident.pk]))
    assert text_of(page).count(" checked") == 4, "three tickets and a parent"
    response = accept(bob_client, incident, [ticket, others[0]])
    assert response.url == f"{reverse('ticket', args=[ticket.pk])}#incident"
    assert list(tickets_queries.list_children(bob, ticket)) == [others[0]]
    assert "1 ticket is part of this one" in text_of(bob_client.get(response.url))


def test_parent_may_be_new_or_any_other_ticket(bob_client, bob, incident, others, carol, alice):
    response = accept(bob_client, incident, others, parent="other", other="nonsense")
    assert response.status_code == 400 and "Enter a ticket number" in text_of(response)
    assert "Blank pages 1" in text_of(response), "what was ticked is still there"
    accept(bob_client, incident, others, parent="new")
    parent = Ticket.objects.latest("pk")
    assert parent.subject == SUBJECT
    assert tickets_queries.list_children(bob, parent).count() == 2


def test_acceptance_can_be_undone_for_a_minute(bob_client, bob, frank, incident, ticket, others):
    accept(bob_client, incident, [ticket, *others])
    url = reverse("undo-incident", args=[incident.pk])
    assert log_in(frank).post(url).status_code == 403
    Incident.objects.update(decided_at=incident.first_at - timedelta(minutes=2))
    bob_client.post(url)
    assert tickets_queries.list_children(bob, ticket).count() == 2, "too late"
    Incident.objects.update(decided_at=timezone.now())
    bob_client.post(url)
    assert not tickets_queries.list_children(bob, ticket).exists()
    assert "3 tickets from 2 people" in text_of(bob_client.get(reverse("dashboard")))


def test_nothing_ticked_is_refused(bob_client, incident, ticket):
    response = accept(bob_client, incident, [ticket], tickets=[])
    assert response.status_code == 400 and "Select at least one ticket." in text_of(response)


def test_dismissed_incident_leaves_the_list(bob_client, incident):
    bob_client.post(reverse("dismiss-incident", args=[incident.pk]))
    assert "3 tickets from" not in text_of(bob_client.get(reverse("dashboard")))
    page = text_of(bob_client.get(reverse("incident", args=[incident.pk])))
    assert "that this is no incident" in page


def test_agent_outside_a_closed_team_sees_nothing_of_its_tickets(incident, ticket, bob, frank):
    team = Team.objects.create(name="Night shift", is_closed=True)
    team.members.add(bob)
    tickets_services.set_team(ticket=ticket, team=team, by=bob)
    client = log_in(frank)
    for url in (reverse("dashboard"), reverse("incident", args=[incident.pk])):
        page = text_of(client.get(url))
        assert SUBJECT not in page and ticket.number not in page
        assert "2 tickets from 1 people" in page or "2 similar tickets from 1 people" in page
    Incident.objects.update(closed_team=team)
    incident.members.exclude(ticket=ticket).delete()
    assert client.get(reverse("incident", args=[incident.pk])).status_code == 404


@pytest.fixture
def parent(ticket, others, incident, bob_client) -> Ticket:
    accept(bob_client, incident, [ticket, *others])
    return ticket


def test_reply_to_all_waits_and_can_be_undone(bob_client, parent, others):
    page = text_of(bob_client.get(reverse("ticket", args=[parent.pk])))
    assert "Also send to 2 linked tickets" in page
    form = {"body": "It works again.", "kind": "reply", "is_for_children": "on"}
    bob_client.post(
        reverse("reply", args=[parent.pk]), form | {"idempotency_key": str(uuid.uuid4())}
    )
    update = ChildUpdate.objects.get()
    assert update.pending == [parent.pk, *(child.pk for child in others)]
    page = text_of(bob_client.get(reverse("ticket", args=[parent.pk])))
    assert "The reply is sent on 3 tickets in" in page
    bob_client.post(reverse("undo-child-update", args=[update.pk]))
    page = text_of(bob_client.get(reverse("child-update", args=[update.pk])))
    assert "Taken back" in page and not Message.objects.exists()
    page = text_of(bob_client.get(reverse("ticket", args=[parent.pk])))
    assert "It works again." in page, "as a draft"


def test_reply_without_the_tick_is_for_the_parent_alone(bob_client, parent):
    form = {"body": "Hm.", "kind": "reply", "idempotency_key": str(uuid.uuid4())}
    bob_client.post(reverse("reply", args=[parent.pk]), form)
    assert Message.objects.get().ticket == parent


def test_solved_parent_offers_to_solve_its_parts(bob_client, bob, parent, others):
    tickets_services.set_status(ticket=parent, status=Status.SOLVED, by=bob)
    assert "Solve them too" in text_of(bob_client.get(reverse("ticket", args=[parent.pk])))
    bob_client.post(reverse("solve-children", args=[parent.pk]))
    ChildUpdate.objects.update(due_at=ChildUpdate.objects.get().at)
    tickets_services.finish_due_child_updates()
    page = text_of(bob_client.get(reverse("ticket", args=[parent.pk])))
    assert "2 tickets solved." in page and "Solve them too" not in page


def test_later_ticket_joins_with_one_click(bob_client, bob, parent, incident, carol):
    late = tickets_services.create_ticket(
        customer=carol.customer, subject="Again blank", description="d", by=carol
    )
    incident.members.create(ticket=late)
    assert "Looks like part of" in text_of(bob_client.get(reverse("ticket", args=[late.pk])))
    assert "1 new ticket looks the same" in text_of(
        bob_client.get(reverse("ticket", args=[parent.pk]))
    )
    bob_client.post(reverse("join-incident", args=[late.pk]), {"answer": "yes"})
    assert tickets_queries.find_parent(bob, late) == parent


@pytest.fixture
def known_problem(bundles, parent, others, bob_client) -> Incident:
    """A published notice about blank pages."""
    for other in (parent, *others):
        triage_services.annotate(other.pk)
    bob_client.post(reverse("publish-notice", args=[parent.pk]), {"notice": NOTICE})
    return Incident.objects.get()


@pytest.fixture
def bundles() -> None:
    if engine.find_ref("encoder") is None:
        pytest.skip("needs the encoder")


def test_customer_reads_the_notice_and_nothing_of_others(known_problem, ticket, carol):
    page = text_of(log_in(carol).post(reverse("suggest"), {"subject": SAME}))
    assert NOTICE in page and "I am affected too" in page
    assert ticket.number not in page and "Alice" not in page
    page = text_of(log_in(carol).post(reverse("suggest"), {"subject": "How do I book leave?"}))
    assert NOTICE not in page


def test_whoever_is_affected_gets_a_ticket_that_is_part_of_it(known_problem, ticket, carol):
    form = {"subject": SAME, "affected_by": known_problem.pk}
    response = log_in(carol).post(reverse("create-ticket"), form)
    assert response.status_code == 302
    created = Ticket.objects.latest("pk")
    assert created.customer == carol.customer and created.description == SAME
    assert created.links.get(kind=TicketLink.Kind.CHILD_OF).target == ticket


def test_page_without_javascript_shows_the_notice_before_it_creates(known_problem, carol):
    client, form = log_in(carol), {"subject": SAME, "description": "All of them."}
    count = Ticket.objects.count()
    response = client.post(reverse("create-ticket"), form)
    assert NOTICE in text_of(response) and SAME in text_of(response)
    assert Ticket.objects.count() == count
    client.post(reverse("create-ticket"), form | {"seen_problem": known_problem.pk})
    created = Ticket.objects.latest("pk")
    assert Ticket.objects.count() == count + 1 and not created.links.exists()


def test_guest_reads_the_notice_and_is_affected(known_problem, ticket, dan):
    accounts_services.update_site_settings(by=dan, is_guest_form_open=True)
    guest = Client()
    page = text_of(guest.post(reverse("known-problems"), {"subject": SAME}))
    assert NOTICE in page and ticket.number not in page
    form = {"name": "Pia", "email": "pia@example.org", "subject": SAME}
    guest.post(reverse("ask"), form | {"affected_by": known_problem.pk})
    created = Ticket.objects.latest("pk")
    assert created.customer.email == "pia@example.org"
    assert created.links.get().target == ticket


def test_affected_by_something_unpublished_creates_a_ticket_of_its_own(parent, incident, carol):
    form = {"subject": SAME, "description": "d", "affected_by": incident.pk}
    log_in(carol).post(reverse("create-ticket"), form)
    assert not Ticket.objects.latest("pk").links.exists()


def test_too_long_notice_is_refused_and_kept(bob_client, parent):
    response = bob_client.post(reverse("publish-notice", args=[parent.pk]), {"notice": "x" * 501})
    assert response.status_code == 400 and "x" * 501 in text_of(response)
    assert Incident.objects.get().notice == ""
