"""Deactivate users and hand over their tickets; merge customers."""

import pytest

from appliance.accounts import services as accounts_services
from appliance.accounts.models import Customer, Role, User
from appliance.core.errors import BadInputError, ForbiddenError
from appliance.core.models import AuditEntry
from appliance.sla.models import SlaPolicy
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Event, Status, Ticket
from appliance.web import queries, services


@pytest.fixture
def bobs_ticket(ticket, bob) -> Ticket:
    tickets_services.assign(ticket=ticket, assignee=bob, by=bob)
    return ticket


@pytest.fixture
def frank(dan) -> User:
    return accounts_services.add_person(
        by=dan, email="frank@example.org", first_name="Frank", role=Role.AGENT
    )


def test_open_tickets_go_to_a_colleague_and_solved_tickets_stay(
    bobs_ticket, bob, dan, frank, alice
):
    solved = tickets_services.create_ticket(
        customer=alice.customer, subject="s", description="d", by=alice
    )
    tickets_services.assign(ticket=solved, assignee=bob, by=bob)
    tickets_services.set_status(ticket=solved, status=Status.SOLVED, by=bob)
    assert queries.count_open_tickets_of(bob) == 1
    assert services.deactivate_person(person=bob, by=dan, assignee=frank) == 1
    bobs_ticket.refresh_from_db(), solved.refresh_from_db()
    assert (bobs_ticket.assignee, solved.assignee, bob.is_active) == (frank, bob, False)
    assert bobs_ticket.events.filter(kind=Event.Kind.ASSIGNEE, actor=dan).count() == 1


def test_open_tickets_go_to_a_team_or_to_nobody(bobs_ticket, bob, dan):
    team = accounts_services.add_team(by=dan, name="Nets")
    services.deactivate_person(person=bob, by=dan, team=team)
    bobs_ticket.refresh_from_db()
    assert (bobs_ticket.assignee, bobs_ticket.team) == (None, team)


def test_ticket_the_colleague_may_not_see_is_left_unassigned(bobs_ticket, bob, dan, frank):
    closed = accounts_services.add_team(by=dan, name="Staff matters", is_closed=True, members=[bob])
    tickets_services.set_team(ticket=bobs_ticket, team=closed, by=dan)
    services.deactivate_person(person=bob, by=dan, assignee=frank)
    bobs_ticket.refresh_from_db()
    assert (bobs_ticket.assignee, bobs_ticket.team) == (None, closed)


def test_tickets_cannot_be_handed_over_to_the_same_person(bobs_ticket, bob, dan):
    with pytest.raises(BadInputError):
        services.deactivate_person(person=bob, by=dan, assignee=bob)
    bob.refresh_from_db()
    assert bob.is_active


def test_merge_moves_tickets_and_user_account(ticket, alice, dan):
    pia = accounts_services.add_customer_as_agent(by=dan, email="pia@example.org", first_name="Pia")
    services.merge_customers(source=alice.customer, target=pia, by=dan)
    ticket.refresh_from_db()
    assert ticket.customer == pia and pia.user == alice
    assert Customer.objects.count() == 1
    assert AuditEntry.objects.filter(verb="merged").get().data["tickets"] == 1


def test_customers_with_two_user_accounts_are_not_merged(alice, carol, dan, bob):
    with pytest.raises(BadInputError, match="user account"):
        services.merge_customers(source=alice.customer, target=carol.customer, by=dan)
    with pytest.raises(ForbiddenError):
        services.merge_customers(source=alice.customer, target=carol.customer, by=bob)


def test_sla_policy_of_an_organisation_survives_its_merge(dan):
    ward, other = (
        accounts_services.add_organisation(by=dan, name=name) for name in ("Ward 3", "Ward III")
    )
    policy = SlaPolicy.objects.create(name="Wards")
    policy.organisations.add(other)
    accounts_services.merge_organisations(source=other, target=ward, by=dan)
    assert list(policy.organisations.all()) == [ward]
