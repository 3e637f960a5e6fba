"""Assignment rules assign new tickets to a team and an available agent of it."""

import threading
from datetime import timedelta

import pytest
from django.http import Http404
from django.utils import timezone

from appliance.accounts import services as accounts_services
from appliance.accounts.models import Membership, Role, Team, User
from appliance.core.database import run_and_close_connection
from appliance.core.errors import BadInputError, ForbiddenError
from appliance.routing import queries, services
from appliance.routing.forms import RuleForm
from appliance.routing.models import AssignmentRule, PendingAssignment
from appliance.routing.queries import describe_rule
from appliance.sla import services as sla_services
from appliance.sla.models import BusinessHours
from appliance.sla.weekly_hours import DAYS, parse_week
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Event, Priority, Status, Ticket

Strategy = AssignmentRule.Strategy


@pytest.fixture
def team(db) -> Team:
    return Team.objects.create(name="Workplace")


@pytest.fixture
def agents(team) -> list[User]:
    """Three agents of the team, in the order of their ids."""
    agents = [
        accounts_services.add_user(
            email=f"{name}@example.org", first_name=name, role=Role.AGENT, password=None
        )
        for name in ("Emil", "Fay", "Gus")
    ]
    Membership.objects.bulk_create(Membership(team=team, user=person) for person in agents)
    return agents


@pytest.fixture
def add_rule(dan, team):
    """Return a function that adds a rule, by default round robin for every ticket."""

    def make(name: str = "Everything", **terms: object) -> AssignmentRule:
        return services.add_rule(
            by=dan, name=name, **({"team": team, "strategy": Strategy.ROUND_ROBIN} | terms)
        )

    return make


@pytest.fixture
def open_ticket(alice):
    """Return a function that creates a ticket of Alice."""

    def make(**more: object) -> Ticket:
        return tickets_services.create_ticket(
            customer=alice.customer,
            subject="Scanner",
            description="It reads nothing.",
            by=alice,
            **more,
        )

    return make


def hours_that_are_never_now(dan) -> BusinessHours:
    """Return business hours three days from now."""
    day = DAYS[(timezone.now().weekday() + 3) % 7]
    return sla_services.add_business_hours(
        by=dan, name="Later", time_zone="UTC", hours=parse_week({day: "09:00–10:00"})
    )


def classify(ticket: Ticket, category) -> None:
    tickets_services.record_classification(
        ticket=ticket, category=category, sentiment_score=0.0, bundles="x", data={}
    )
    ticket.refresh_from_db()


def test_round_robin_assigns_each_agent_in_turn(add_rule, agents, open_ticket, team):
    add_rule()
    tickets = [open_ticket() for _ in range(4)]
    assert [ticket.assignee for ticket in tickets] == [*agents, agents[0]]
    assert {ticket.team for ticket in tickets} == {team}


def test_timeline_names_the_system_as_actor(add_rule, agents, open_ticket):
    add_rule()
    events = open_ticket().events.filter(kind__in=[Event.Kind.TEAM, Event.Kind.ASSIGNEE])
    assert [(event.actor, event.actor_name) for event in events] == [(None, "Skerry")] * 2


def test_agent_with_fewest_open_tickets_is_assigned(add_rule, agents, open_ticket, ticket):
    add_rule(strategy=Strategy.MIN_OPEN)
    for person, count in zip(agents, (2, 1, 2), strict=True):
        for _ in range(count):
            tickets_services.assign(ticket=open_ticket(), assignee=person, by=person)
    ticket = open_ticket()
    assert ticket.assignee == agents[1]
    tickets_services.set_status(ticket=ticket, status=Status.SOLVED, by=None)
    assert open_ticket().assignee == agents[1]


def test_manual_strategy_sets_the_team_only(add_rule, agents, open_ticket, team):
    add_rule(strategy=Strategy.MANUAL)
    ticket = open_ticket()
    assert (ticket.team, ticket.assignee) == (team, None)
    assert services.assign_pending() == 0


def test_absent_and_inactive_agents_are_skipped(add_rule, agents, open_ticket):
    add_rule()
    User.objects.filter(pk=agents[0].pk).update(is_away=True)
    User.objects.filter(pk=agents[1].pk).update(is_active=False)
    assert {open_ticket().assignee for _ in range(3)} == {agents[2]}


def test_assignment_waits_for_business_hours(add_rule, agents, open_ticket, dan):
    add_rule()
    User.objects.filter(pk__in=[person.pk for person in agents]).update(
        business_hours=hours_that_are_never_now(dan)
    )
    ticket = open_ticket()
    assert ticket.assignee is None
    assert services.assign_pending() == 0
    User.objects.filter(pk=agents[1].pk).update(business_hours=None)
    assert services.assign_pending() == 1
    ticket.refresh_from_db()
    assert ticket.assignee == agents[1]
    assert not PendingAssignment.objects.exists()


def test_ticket_taken_by_an_agent_is_not_reassigned(add_rule, agents, open_ticket, dan, bob):
    add_rule()
    User.objects.update(is_away=True)
    ticket = open_ticket()
    tickets_services.assign(ticket=ticket, assignee=bob, by=bob)
    User.objects.update(is_away=False)
    assert services.assign_pending() == 0
    ticket.refresh_from_db()
    assert ticket.assignee == bob


def test_ticket_unassigned_by_an_agent_stays_unassigned(add_rule, agents, open_ticket, bob):
    add_rule()
    ticket = open_ticket()
    tickets_services.assign(ticket=ticket, assignee=None, by=bob)
    assert services.assign_pending() == 0
    assert ticket.assignee is None


def test_rule_with_category_applies_after_classification(add_rule, agents, open_ticket, categories):
    second = Team.objects.create(name="Devices")
    add_rule("Devices", team=second, strategy=Strategy.MANUAL, categories=[categories["hardware"]])
    add_rule()
    ticket = open_ticket()
    assert ticket.team is None
    classify(ticket, categories["hardware"])
    assert ticket.team == second


def test_next_rule_applies_when_classification_is_not_sure(
    add_rule, agents, open_ticket, categories, team
):
    add_rule(
        "Devices", team=Team.objects.create(name="Devices"), categories=[categories["hardware"]]
    )
    add_rule()
    ticket = open_ticket()
    classify(ticket, None)
    assert ticket.team == team


def test_rules_apply_without_category_after_two_minutes(
    add_rule, agents, open_ticket, categories, team
):
    add_rule(
        "Devices", team=Team.objects.create(name="Devices"), categories=[categories["hardware"]]
    )
    add_rule()
    ticket = open_ticket()
    assert services.assign_pending() == 0
    PendingAssignment.objects.update(since=timezone.now() - timedelta(minutes=3))
    assert services.assign_pending() == 1
    ticket.refresh_from_db()
    assert ticket.team == team


def test_priority_and_premium_are_conditions(add_rule, agents, open_ticket, alice):
    add_rule("Urgent", team=Team.objects.create(name="Urgent"), priorities=[Priority.URGENT])
    add_rule("VIP", team=Team.objects.create(name="VIP"), is_premium=True)
    assert open_ticket(priority=Priority.URGENT).team.name == "Urgent"
    assert open_ticket().team is None
    alice.customer.is_premium = True
    alice.customer.save()
    assert open_ticket().team.name == "VIP"


def test_rule_does_not_override_a_persons_choice(add_rule, agents, open_ticket, categories, bob):
    second = Team.objects.create(name="Devices")
    ticket = open_ticket()
    tickets_services.set_team(ticket=ticket, team=second, by=bob)
    add_rule()
    classify(ticket, categories["hardware"])
    assert (ticket.team, ticket.assignee) == (second, None)


def test_imported_tickets_are_not_assigned(add_rule, agents, open_ticket):
    add_rule()
    assert open_ticket(at=timezone.now() - timedelta(days=3)).team is None


def test_agent_is_not_assigned_their_own_ticket(add_rule, agents):
    add_rule()
    customer = accounts_services.ensure_customer_of(agents[0])
    ticket = tickets_services.create_ticket(
        customer=customer, subject="My tickets", description="My own.", by=agents[0]
    )
    assert ticket.assignee == agents[1]


def test_failing_rule_does_not_prevent_a_new_ticket(add_rule, agents, open_ticket, monkeypatch):
    def refuse(**kwargs):
        raise BadInputError("No.")

    add_rule()
    monkeypatch.setattr(tickets_services, "assign", refuse)
    ticket = open_ticket()
    assert (ticket.team, ticket.assignee) == (None, None)


def test_rules_can_be_moved(add_rule, dan, team):
    first, second = add_rule("First"), add_rule("Second")
    services.move_rule(rule=second, by=dan, up=True)
    assert list(queries.list_rules()) == [second, first]


def test_rule_form_saves_a_rule_once(dan, team, categories):
    form = RuleForm(
        {
            "name": "Devices",
            "team": team.pk,
            "strategy": "least_open",
            "is_premium": "yes",
            "categories": [categories["hardware"].pk],
        }
    )
    assert form.is_valid(), form.errors
    rule = form.attempt(services.add_rule, by=dan, **form.values())
    assert describe_rule(rule) == ["Hardware", "VIP customers"]
    duplicate = form.attempt(services.add_rule, by=dan, **form.values())
    assert duplicate is None
    assert "name" in form.errors


def test_only_admins_access_rules(add_rule, bob):
    rule = add_rule()
    with pytest.raises(ForbiddenError):
        services.remove_rule(rule=rule, by=bob)
    with pytest.raises(Http404):
        queries.access_rule(bob, rule.pk)


@pytest.mark.django_db(transaction=True)
def test_concurrent_tickets_are_assigned_to_different_agents(add_rule, agents, open_ticket):
    add_rule()
    barrier = threading.Barrier(3)

    def open_in_thread() -> None:
        barrier.wait()
        run_and_close_connection(open_ticket)

    threads = [threading.Thread(target=open_in_thread) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {ticket.assignee for ticket in Ticket.objects.all()} == set(agents)
