"""Bursts of similar tickets become proposals, which people accept, dismiss and announce."""

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from django.http import Http404
from django.utils import timezone

from appliance.accounts.models import Customer, Team
from appliance.core.errors import BadInputError, ForbiddenError
from appliance.notifications.models import Kind, Notification
from appliance.tickets import queries as tickets_queries
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Event, Status, Ticket, TicketLink
from appliance.triage import bursts, engine, incidents, services
from appliance.triage.models import Incident, IncidentTicket, TicketVector
from appliance.web.demo.tickets import FILES, read_tickets

TEXTS = json.loads((Path(__file__).parent / "data" / "incidents.json").read_text())
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday
NOTICE = "The VPN of building C is down. We are working on it."
Text = tuple[str, str]  # subject and description


@pytest.fixture(autouse=True)
def _encoder(bundles, db) -> None:
    """All of this needs an encoder."""


@cache
def embed(text: str) -> np.ndarray:
    models = engine.current()
    return models.embed(text, space=models.ref("encoder").space)


def insert(texts: Iterable[Text], times: Iterable[datetime], who: str = "p") -> list[Ticket]:
    """Create a ticket with its vector for each text, each of another customer."""
    texts, space = list(texts), engine.active_space()
    customers = Customer.objects.bulk_create(
        Customer(first_name=f"{who}{n}") for n in range(len(texts))
    )
    tickets = Ticket.objects.bulk_create(
        Ticket(customer=customer, subject=subject[:200], description=description, created_at=at)
        for customer, (subject, description), at in zip(customers, texts, times, strict=True)
    )
    TicketVector.objects.bulk_create(
        TicketVector(ticket=ticket, space=space, vector=embed(ticket.text), text_sha256="")
        for ticket in tickets
    )
    return tickets


def spread(n: int, minutes: float, *, until: datetime) -> list[datetime]:
    """Return n times within the last minutes, in order."""
    return [until - timedelta(minutes=minutes * (n - k) / (n + 1)) for k in range(n)]


def paraphrases(name: str, n: int | None = None) -> list[Text]:
    return [(subject, description) for subject, description in TEXTS[name][:n]]


def everyday_texts() -> list[Text]:
    """Return texts of the demo desk: tickets, what customers wrote later, titles of articles."""
    tickets = read_tickets()
    replies = [
        ("", message["text"])
        for ticket in tickets
        for message in ticket["messages"]
        if message["by"] == "customer"
    ]
    titles = [
        (path.stem.replace("-", " "), "") for path in sorted(FILES[0].parent.glob("articles/*.md"))
    ]
    texts = [(ticket["subject"], ticket["description"]) for ticket in tickets]
    return [*texts, *replies, *titles][:300]


@pytest.fixture
def burst() -> Callable[..., list[Ticket]]:
    """Insert the first paraphrases of the VPN incident within the last ten minutes."""

    def burst(n: int = 8, who: str = "p") -> list[Ticket]:
        return insert(paraphrases("vpn", n), spread(n, 10, until=timezone.now()), who)

    return burst


@pytest.fixture
def proposal(burst, bob) -> incidents.Proposal:
    burst()
    assert services.detect_incidents() == 1
    (proposal,) = incidents.list_proposals(bob)
    return proposal


def ids_of(proposal: incidents.Proposal) -> set[int]:
    return {member.ticket_id for member in proposal.members}


def test_thirty_paraphrases_among_three_hundred_others_are_one_incident():
    others = everyday_texts()
    assert len(others) == 300
    insert(others, spread(300, 10, until=NOON), "other")
    affected = {ticket.pk for ticket in insert(paraphrases("vpn"), spread(30, 10, until=NOON))}
    assert services.detect_incidents(NOON) == 1
    members = set(IncidentTicket.objects.values_list("ticket", flat=True))
    assert len(members & affected) >= 27
    assert len(members - affected) <= 1


@pytest.mark.parametrize("name", ["mail", "records", "badges"])
def test_loosely_worded_incident_is_noticed(name):
    texts = paraphrases(name)
    insert(texts, spread(len(texts), 10, until=NOON))
    assert services.detect_incidents(NOON) == 1
    assert IncidentTicket.objects.count() >= 0.5 * len(texts)


def test_fourteen_quiet_days_raise_one_false_alarm_at_most():
    """The demo tickets, and each morning passwords: most on Mondays, first on a Thursday."""
    start = NOON - timedelta(days=4, hours=4)
    tickets, times = read_tickets(), []
    for n in range(len(tickets)):
        day, part = divmod(n * 14, len(tickets))
        times.append(start + timedelta(days=day, hours=9 * part / len(tickets)))
    texts = [(ticket["subject"], ticket["description"]) for ticket in tickets]
    for day in range(14):
        morning, routine = start + timedelta(days=day), paraphrases("routine")
        n = {0: 12, 5: 0, 6: 0}.get(morning.weekday(), 6 + day % 3)
        shifted = [*routine[day % 5 :], *routine][:n]
        texts += shifted
        times += spread(n, 50, until=morning + timedelta(hours=1))
    insert(texts, times)
    alarms = 0
    for at in sorted(times):
        alarms += services.detect_incidents(at)
        # as if decided long ago, so that only the usual rate keeps the next morning quiet
        Incident.objects.filter(last_at__lt=at - timedelta(hours=2)).update(
            state=Incident.State.DISMISSED, decided_at=start - timedelta(days=9)
        )
    assert alarms <= 1


def test_incident_is_noticed_in_a_routine_of_other_things():
    texts = [*paraphrases("routine"), *paraphrases("routine")]
    for day in range(1, 8):
        insert(texts[day : day + 8], spread(8, 40, until=NOON - timedelta(days=day)), f"d{day}")
    insert(texts[:8], spread(8, 40, until=NOON), "today")
    assert services.detect_incidents(NOON) == 0
    insert(paraphrases("vpn", 6), spread(6, 10, until=NOON))
    assert services.detect_incidents(NOON) == 1


def test_many_tickets_of_few_people_are_no_incident(burst):
    tickets = burst()
    Ticket.objects.update(customer=tickets[0].customer)
    assert services.detect_incidents() == 0


def test_detection_again_makes_no_second_proposal_but_adds_to_it(proposal, burst, bob):
    assert services.detect_incidents() == 0
    burst(8, "later")
    assert services.detect_incidents() == 0
    (grown,) = incidents.list_proposals(bob)
    assert grown.incident == proposal.incident
    assert grown.tickets >= proposal.tickets + 7


def test_proposal_says_how_many_tickets_people_and_minutes(proposal):
    assert (proposal.tickets, proposal.customers) == (8, 8)
    assert 6 <= proposal.minutes <= 10
    assert "VPN" in proposal.title


def test_agents_are_notified_and_customers_are_not(frank, alice, proposal, bob):
    kinds = Notification.objects.filter(kind=Kind.INCIDENT).values_list("user", flat=True)
    assert set(kinds) == {bob.pk, frank.pk}
    event = Event.objects.get(kind=Event.Kind.INCIDENT)
    assert event.data == {"tickets": 8, "customers": 8}


def test_accepting_links_the_chosen_tickets_and_no_others(proposal, bob):
    left_out = proposal.members[-1].ticket
    parent = proposal.members[0].ticket
    chosen = ids_of(proposal) - {left_out.pk}
    services.accept_incident(proposal=proposal, ticket_ids=chosen, by=bob, parent=parent)
    children = tickets_queries.list_children(bob, parent)
    assert set(children.values_list("pk", flat=True)) == chosen - {parent.pk}
    assert incidents.list_proposals(bob) == []
    assert incidents.find_proposal_of(bob, left_out) is None
    assert children[0].events.filter(kind=Event.Kind.LINKED).exists()
    assert parent.events.filter(kind=Event.Kind.LINKED).count() == 6


def test_accepting_without_a_parent_creates_one(proposal, bob):
    parent = services.accept_incident(proposal=proposal, ticket_ids=ids_of(proposal), by=bob)
    assert parent.subject == proposal.title
    assert tickets_queries.list_children(bob, parent).count() == 8


def test_incident_is_accepted_once(proposal, bob, frank):
    services.accept_incident(proposal=proposal, ticket_ids=ids_of(proposal), by=bob)
    with pytest.raises(BadInputError):
        services.accept_incident(proposal=proposal, ticket_ids=ids_of(proposal), by=frank)


def test_dismissed_theme_is_not_proposed_for_a_day(proposal, burst, bob):
    services.dismiss_incident(proposal=proposal, by=bob)
    assert incidents.list_proposals(bob) == []
    burst(10, "later")
    assert services.detect_incidents() == 0
    Incident.objects.update(decided_at=timezone.now() - timedelta(hours=25))
    assert services.detect_incidents() == 1


def test_another_theme_is_proposed_after_a_dismissal(proposal, bob):
    services.dismiss_incident(proposal=proposal, by=bob)
    insert(paraphrases("mail"), spread(12, 10, until=timezone.now()), "mail")
    assert services.detect_incidents() == 1


@pytest.fixture
def parent(proposal, bob) -> Ticket:
    parent = proposal.members[0].ticket
    services.accept_incident(proposal=proposal, ticket_ids=ids_of(proposal), by=bob, parent=parent)
    return parent


def test_later_ticket_is_offered_to_the_incident_and_not_linked(parent, bob):
    (late,) = insert(paraphrases("vpn")[20:21], [timezone.now()], "late")
    services.detect_incidents()
    assert incidents.list_offers(bob, parent) == [late]
    incident = incidents.find_offer_of(bob, late)
    assert tickets_queries.find_parent(bob, late) is None
    services.join_incident(incident=incident, ticket=late, by=bob)
    assert tickets_queries.find_parent(bob, late) == parent
    assert incidents.list_offers(bob, parent) == []


def test_declined_offer_is_not_made_again(parent, bob):
    (late,) = insert(paraphrases("vpn")[20:21], [timezone.now()], "late")
    services.detect_incidents()
    incident = incidents.find_offer_of(bob, late)
    services.decline_offer(incident=incident, ticket=late, by=bob)
    services.detect_incidents()
    assert incidents.find_offer_of(bob, late) is None


def test_unrelated_ticket_is_not_offered(parent, bob):
    insert([("Holiday request", "How do I ask for a day off?")], [timezone.now()], "late")
    services.detect_incidents()
    assert incidents.list_offers(bob, parent) == []


def test_known_problem_is_shown_for_the_same_and_not_for_others(parent, bob):
    assert incidents.list_known_problems("VPN does not connect", "") == [], "nothing is published"
    incident = services.publish_notice(parent=parent, notice=NOTICE, by=bob)
    texts = [(subject, "") for subject, _description in paraphrases("vpn")[8:]]
    shown = [incidents.list_known_problems(*text) for text in texts]
    assert sum(map(bool, shown)) >= 0.9 * len(texts)
    (problem,) = shown[0]
    assert (problem.incident_id, problem.notice) == (incident.pk, NOTICE)
    others = [text for text in everyday_texts()[:224] if "vpn" not in " ".join(text).lower()]
    wrong = [text for text in others if incidents.list_known_problems(*text)]
    assert len(wrong) <= 0.02 * len(others)


def test_known_problem_ends_with_its_incident(parent, bob):
    services.publish_notice(parent=parent, notice=NOTICE, by=bob)
    tickets_services.set_status(ticket=parent, status=Status.SOLVED, by=bob)
    assert incidents.list_known_problems("VPN does not connect", "") == []


def test_withdrawn_notice_is_not_shown(parent, bob):
    services.publish_notice(parent=parent, notice=NOTICE, by=bob)
    services.publish_notice(parent=parent, notice="", by=bob)
    assert incidents.list_known_problems("VPN does not connect", "") == []


def test_ticket_with_parts_can_be_announced_without_a_burst(ticket, alice, bob):
    child = tickets_services.create_ticket(
        customer=alice.customer, subject="Blank pages, ward 3", description="Printer", by=bob
    )
    tickets_services.link_tickets(
        source=child, target=ticket, kind=TicketLink.Kind.CHILD_OF, by=bob
    )
    services.annotate(child.pk)
    services.publish_notice(parent=ticket, notice="The printer of ward 3 is broken.", by=bob)
    assert incidents.list_known_problems("Printer on ward 3 prints blank pages", "")


def test_customer_decides_nothing(proposal, alice):
    assert incidents.list_proposals(alice) == []
    with pytest.raises(ForbiddenError):
        services.accept_incident(proposal=proposal, ticket_ids=ids_of(proposal), by=alice)
    with pytest.raises(ForbiddenError):
        services.dismiss_incident(proposal=proposal, by=alice)
    with pytest.raises(ForbiddenError):
        services.publish_notice(parent=proposal.members[0].ticket, notice=NOTICE, by=alice)


@pytest.fixture
def closed_team(bob) -> Team:
    """A closed team whose only member is Bob."""
    team = Team.objects.create(name="Night shift", is_closed=True)
    team.members.add(bob)
    return team


def test_tickets_of_a_closed_team_are_kept_apart(burst, closed_team, bob, frank):
    tickets = burst(14)
    Ticket.objects.filter(pk__in=[ticket.pk for ticket in tickets[:7]]).update(team=closed_team)
    assert services.detect_incidents() == 2
    assert all(proposal.tickets <= 7 for proposal in incidents.list_proposals(bob))
    (visible,) = incidents.list_proposals(frank)
    assert ids_of(visible) <= {ticket.pk for ticket in tickets[7:]}
    hidden = Incident.objects.get(closed_team=closed_team)
    with pytest.raises(Http404):
        incidents.access_proposal(frank, hidden.pk)
    notified = Notification.objects.filter(kind=Kind.INCIDENT, user=frank)
    assert [row.ticket.team for row in notified] == [None]


def test_member_moved_to_a_closed_team_is_neither_counted_nor_named(proposal, closed_team, frank):
    moved = proposal.members[0].ticket
    Ticket.objects.filter(pk=moved.pk).update(team=closed_team)
    (visible,) = incidents.list_proposals(frank)
    assert visible.tickets == 7 and moved.pk not in ids_of(visible)
    assert visible.title != moved.subject


def test_nothing_is_published_about_a_closed_team(parent, closed_team, bob):
    services.publish_notice(parent=parent, notice=NOTICE, by=bob)
    tickets_services.set_team(ticket=parent, team=closed_team, by=bob)
    assert incidents.list_known_problems("VPN does not connect", "") == []
    with pytest.raises(BadInputError):
        services.publish_notice(parent=parent, notice="Again", by=bob)


def test_without_an_encoder_nothing_is_proposed(burst, monkeypatch):
    burst()
    monkeypatch.setattr(engine, "active_space", lambda: None)
    assert services.detect_incidents() == 0


def test_busiest_hour_counts_people():
    at = [NOON + timedelta(minutes=minutes) for minutes in (0, 10, 20, 30, 75, 80)]
    assert bursts.busiest_hour(list(zip(at, "abbcad", strict=True))) == 4
    assert bursts.busiest_hour([]) == 0


def test_german_and_english_words_are_one_incident():
    texts = [*paraphrases("vpn_de"), *paraphrases("vpn", 4)]
    insert(texts, spread(len(texts), 10, until=NOON))
    assert services.detect_incidents(NOON) == 1
    assert IncidentTicket.objects.count() >= 8
