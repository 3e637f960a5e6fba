"""Rules hand new tickets to a team and to somebody in it who works now."""

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
def people(team) -> list[User]:
    """Three agents of the team, in the order of their ids."""
    match = [
        accounts_services.add_user(
            email=f"{name}@example.org", first_name=name, role=Role.AGENT, password=None
        )
        for name in ("Emil", "Fay", "Gus")
    ]
    Membership.objects.bulk_create(Membership(team=team, user=person) for person in match)
    return match


@pytest.fixture
def rule(dan, team):
    """A rule, by default one for every ticket, in turn."""

    def make(name: str = "Everything", **terms: object) -> AssignmentRule:
        return services.add_rule(
            by=dan, name=name, **({"team": team, "strategy": Strategy.ROUND_ROBIN} | terms)
        )

    return make


@pytest.fixture
def opened(alice):
    def make(**more: object) -> Ticket:
        return tickets_services.create_ticket(
            customer=alice.customer,
            subject="Scanner",
            description="It reads nothing.",
            by=alice,
            **more,
        )

    return make


def at_night(dan) -> BusinessHours:
    """Hours that are never now."""
    day = DAYS[(timezone.now().weekday() + 3) % 7]
    return sla_services.add_business_hours(
        by=dan, name="Later", time_zone="UTC", hours=parse_week({day: "09:00–10:00"})
    )


def sort(ticket: Ticket, category) -> None:
    tickets_services.record_classification(
        ticket=ticket, category=category, sentiment_score=0.0, bundles="x", data={}
    )
    ticket.refresh_from_db()


def test_tickets_go_round_the_team(rule, people, opened, team):
    rule()
    match = [opened() for _ in range(4)]
    assert [ticket.assignee for ticket in match] == [*people, people[0]]
    assert {ticket.team for ticket in match} == {team}


def test_the_time_line_says_that_the_desk_did_it(rule, people, opened):
    rule()
    events = opened().events.filter(kind__in=[Event.Kind.TEAM, Event.Kind.ASSIGNEE])
    assert [(event.actor, event.actor_name) for event in events] == [(None, "Skerry")] * 2


def test_the_least_loaded_gets_it(rule, people, opened, ticket):
    rule(strategy=Strategy.MIN_OPEN)
    for person, count in zip(people, (2, 1, 2), strict=True):
        for _ in range(count):
            tickets_services.assign(ticket=opened(), assignee=person, by=person)
    solved = opened()
    assert solved.assignee == people[1]
    tickets_services.set_status(ticket=solved, status=Status.SOLVED, by=None)
    assert opened().assignee == people[1]


def test_by_hand_it_waits_in_the_queue_of_the_team(rule, people, opened, team):
    rule(strategy=Strategy.MANUAL)
    ticket = opened()
    assert (ticket.team, ticket.assignee) == (team, None)
    assert services.assign_pending() == 0


def test_whoever_is_away_or_switched_off_gets_nothing(rule, people, opened):
    rule()
    User.objects.filter(pk=people[0].pk).update(is_away=True)
    User.objects.filter(pk=people[1].pk).update(is_active=False)
    assert {opened().assignee for _ in range(3)} == {people[2]}


def test_outside_working_hours_it_waits_until_somebody_begins(rule, people, opened, dan):
    rule()
    User.objects.filter(pk__in=[person.pk for person in people]).update(
        business_hours=at_night(dan)
    )
    ticket = opened()
    assert ticket.assignee is None
    assert services.assign_pending() == 0
    User.objects.filter(pk=people[1].pk).update(business_hours=None)
    assert services.assign_pending() == 1
    ticket.refresh_from_db()
    assert ticket.assignee == people[1]
    assert not PendingAssignment.objects.exists()


def test_who_took_it_meanwhile_keeps_it(rule, people, opened, dan, bob):
    rule()
    User.objects.update(is_away=True)
    ticket = opened()
    tickets_services.assign(ticket=ticket, assignee=bob, by=bob)
    User.objects.update(is_away=False)
    assert services.assign_pending() == 0
    ticket.refresh_from_db()
    assert ticket.assignee == bob


def test_an_unassigned_ticket_is_not_given_back_at_once(rule, people, opened, bob):
    rule()
    ticket = opened()
    tickets_services.assign(ticket=ticket, assignee=None, by=bob)
    assert services.assign_pending() == 0
    assert ticket.assignee is None


def test_the_category_decides_once_the_ticket_is_sorted(rule, people, opened, categories):
    second = Team.objects.create(name="Devices")
    rule("Devices", team=second, strategy=Strategy.MANUAL, categories=[categories["hardware"]])
    rule()
    ticket = opened()
    assert ticket.team is None
    sort(ticket, categories["hardware"])
    assert ticket.team == second


def test_not_sure_of_the_category_the_next_rule_counts(rule, people, opened, categories, team):
    rule("Devices", team=Team.objects.create(name="Devices"), categories=[categories["hardware"]])
    rule()
    ticket = opened()
    sort(ticket, None)
    assert ticket.team == team


def test_without_models_it_waits_two_minutes(rule, people, opened, categories, team):
    rule("Devices", team=Team.objects.create(name="Devices"), categories=[categories["hardware"]])
    rule()
    ticket = opened()
    assert services.assign_pending() == 0
    PendingAssignment.objects.update(since=timezone.now() - timedelta(minutes=3))
    assert services.assign_pending() == 1
    ticket.refresh_from_db()
    assert ticket.team == team


def test_priority_and_premium_are_conditions_too(rule, people, opened, alice):
    rule("Urgent", team=Team.objects.create(name="Urgent"), priorities=[Priority.URGENT])
    rule("VIP", team=Team.objects.create(name="VIP"), is_premium=True)
    assert opened(priority=Priority.URGENT).team.name == "Urgent"
    assert opened().team is None
    alice.customer.is_premium = True
    alice.customer.save()
    assert opened().team.name == "VIP"


def test_what_a_person_decided_no_rule_touches(rule, people, opened, categories, bob):
    second = Team.objects.create(name="Devices")
    ticket = opened()
    tickets_services.set_team(ticket=ticket, team=second, by=bob)
    rule()
    sort(ticket, categories["hardware"])
    assert (ticket.team, ticket.assignee) == (second, None)


def test_history_that_is_brought_in_is_not_handed_out(rule, people, opened):
    rule()
    assert opened(at=timezone.now() - timedelta(days=3)).team is None


def test_nobody_gets_the_ticket_they_opened_themselves(rule, people):
    rule()
    customer = accounts_services.ensure_customer_of(people[0])
    ticket = tickets_services.create_ticket(
        customer=customer, subject="My tickets", description="My own.", by=people[0]
    )
    assert ticket.assignee == people[1]


def test_a_rule_that_cannot_be_followed_keeps_no_ticket_out(rule, people, opened, monkeypatch):
    def refuse(**asked):
        raise BadInputError("No.")

    rule()
    monkeypatch.setattr(tickets_services, "assign", refuse)
    ticket = opened()
    assert (ticket.team, ticket.assignee) == (None, None)


def test_rules_have_an_order(rule, dan, team):
    first, second = rule("First"), rule("Second")
    services.move_rule(rule=second, by=dan, up=True)
    assert list(queries.list_rules()) == [second, first]


def test_a_rule_is_written_and_read_again(dan, team, categories):
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
    made = form.attempt(services.add_rule, by=dan, **form.values())
    assert describe_rule(made) == ["Hardware", "VIP customers"]
    again = form.attempt(services.add_rule, by=dan, **form.values())
    assert again is None
    assert "name" in form.errors


def test_only_admins_make_rules(rule, bob):
    made = rule()
    with pytest.raises(ForbiddenError):
        services.remove_rule(rule=made, by=bob)
    with pytest.raises(Http404):
        queries.access_rule(bob, made.pk)


@pytest.mark.django_db(transaction=True)
def test_tickets_opened_at_once_go_to_different_people(rule, people, opened):
    rule()
    together = threading.Barrier(3)

    def open_one() -> None:
        together.wait()
        run_and_close_connection(opened)

    threads = [threading.Thread(target=open_one) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {ticket.assignee for ticket in Ticket.objects.all()} == set(people)
