"""Whoever can no longer act on a ticket is unassigned, and those who can are told.

A table: each thing that takes access away, for each state a ticket can be in.
"""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from appliance.accounts import services as accounts_services
from appliance.accounts.models import Role, Team, User
from appliance.notifications.models import Notification
from appliance.notifications.queries import list_notifications
from appliance.tickets import queries
from appliance.tickets import services as tickets_services
from appliance.tickets.filters import TicketFilter
from appliance.tickets.models import Event, Status, Ticket
from appliance.web import services as web_services

TEAM = {"name": "Night shift", "description": "", "rights": []}
UNASSIGNED = TicketFilter(assignee="nobody")


@pytest.fixture
def night_shift(bob: User, frank: User, dan: User) -> Team:
    """A closed team of Bob and Frank."""
    return accounts_services.add_team(by=dan, is_closed=True, members=[bob, frank], **TEAM)


@pytest.fixture
def bobs(ticket: Ticket, night_shift: Team, bob: User, dan: User) -> Ticket:
    """A ticket of the closed team, assigned to Bob."""
    tickets_services.set_team(ticket=ticket, team=night_shift, by=dan)
    tickets_services.assign(ticket=ticket, assignee=bob, by=dan)
    return ticket


# --- what takes access away


def deactivate(ticket: Ticket, bob: User, dan: User) -> None:
    web_services.deactivate_person(person=bob, by=dan)


def deactivate_in_accounts(ticket: Ticket, bob: User, dan: User) -> None:
    accounts_services.deactivate_person(person=bob, by=dan)


def make_customer(ticket: Ticket, bob: User, dan: User) -> None:
    accounts_services.set_role(person=bob, role=Role.CUSTOMER, by=dan)


def remove_from_team(ticket: Ticket, bob: User, dan: User) -> None:
    others = ticket.team.members.exclude(pk=bob.pk)
    accounts_services.change_team(team=ticket.team, by=dan, is_closed=True, members=others, **TEAM)


def close_team(ticket: Ticket, bob: User, dan: User) -> None:
    team, others = ticket.team, ticket.team.members.exclude(pk=bob.pk)
    Team.objects.filter(pk=team.pk).update(is_closed=False)
    accounts_services.change_team(team=team, by=dan, is_closed=False, members=others, **TEAM)
    accounts_services.change_team(team=team, by=dan, is_closed=True, members=others, **TEAM)


def move_to_closed_team(ticket: Ticket, bob: User, dan: User) -> None:
    frank = User.objects.get(first_name="Frank")
    team = accounts_services.add_team(by=dan, name="Day shift", is_closed=True, members=[frank])
    tickets_services.set_team(ticket=ticket, team=team, by=dan)


def change_database(ticket: Ticket, bob: User, dan: User) -> None:
    """A restored backup, or SQL by hand: the worker finds it within a minute."""
    User.objects.filter(pk=bob.pk).update(is_active=False)
    tickets_services.release_tickets()


LOSSES = [
    deactivate,
    deactivate_in_accounts,
    make_customer,
    remove_from_team,
    close_team,
    move_to_closed_team,
    change_database,
]


# --- states of a ticket, and how those that are done come back


def reply_as_alice(ticket: Ticket, dan: User) -> None:
    tickets_services.reply(ticket=ticket, by=ticket.customer.user, body="It is back.")


def reply_as_guest(ticket: Ticket, dan: User) -> None:
    tickets_services.reply(ticket=ticket, by=None, body="It is back.")


def reopen(ticket: Ticket, dan: User) -> None:
    tickets_services.set_status(ticket=ticket, status=Status.OPEN, by=dan)


def unmerge(ticket: Ticket, dan: User) -> None:
    tickets_services.unmerge_ticket(ticket=ticket, by=dan)


def stay(ticket: Ticket, dan: User) -> None:
    pass


STATES: list[tuple[str, Callable[[Ticket, User], None]]] = [
    ("new", stay),
    ("open", stay),
    ("waiting", stay),
    ("hold", stay),
    ("solved", reply_as_alice),
    ("solved", reply_as_guest),
    ("closed", reopen),
    ("merged", unmerge),
]


def bring_into(state: str, ticket: Ticket, dan: User) -> None:
    if state == "merged":
        target = tickets_services.create_ticket(
            customer=ticket.customer, subject="The same", description="…", by=dan
        )
        tickets_services.merge_tickets(source=ticket, target=target, by=dan)
    elif state == "hold":
        later = ticket.created_at.replace(year=ticket.created_at.year + 1)
        tickets_services.hold_ticket(ticket=ticket, until=later, by=dan)
    else:
        tickets_services.set_status(ticket=ticket, status=Status(state), by=dan)


@pytest.mark.parametrize("lose_access", LOSSES)
@pytest.mark.parametrize(("state", "come_back"), STATES)
def test_ticket_is_unassigned_and_told_to_those_who_can_act(
    bobs, bob, frank, dan, lose_access, state, come_back
):
    bring_into(state, bobs, dan)
    Notification.objects.all().delete()
    lose_access(bobs, bob, dan)
    come_back(bobs, dan)
    bobs.refresh_from_db()
    bob.refresh_from_db()
    assert bobs.assignee is None
    assert bobs in queries.list_tickets(frank, UNASSIGNED)
    assert bobs.events.filter(kind=Event.Kind.ASSIGNEE).last().data["from_id"] == bob.pk
    assert list_notifications(frank).filter(ticket=bobs, kind="team").exists()
    assert not Notification.objects.filter(user=bob).exists()


@pytest.mark.parametrize("state", ["solved", "closed", "merged"])
def test_done_ticket_keeps_who_solved_it(bobs, bob, dan, state):
    bring_into(state, bobs, dan)
    deactivate(bobs, bob, dan)
    bobs.refresh_from_db()
    assert bobs.assignee == bob


@pytest.mark.parametrize("lose_access", [remove_from_team, close_team])
def test_open_tickets_of_other_teams_stay_assigned(bobs, bob, dan, lose_access, alice):
    public = tickets_services.create_ticket(
        customer=alice.customer, subject="Toner", description="…", by=alice
    )
    tickets_services.assign(ticket=public, assignee=bob, by=dan)
    lose_access(bobs, bob, dan)
    public.refresh_from_db()
    assert public.assignee == bob


def test_admin_keeps_the_tickets_of_a_closed_team(bobs, dan, frank):
    tickets_services.assign(ticket=bobs, assignee=dan, by=dan)
    accounts_services.change_team(team=bobs.team, by=dan, is_closed=True, members=[frank], **TEAM)
    bobs.refresh_from_db()
    assert bobs.assignee == dan


def test_admin_who_becomes_an_agent_loses_the_closed_teams_tickets(bobs, bob, dan, frank):
    accounts_services.set_role(person=frank, role=Role.ADMIN, by=dan)
    tickets_services.assign(ticket=bobs, assignee=dan, by=dan)
    accounts_services.set_role(person=dan, role=Role.AGENT, by=frank)
    bobs.refresh_from_db()
    assert bobs.assignee is None


def test_ticket_of_a_team_without_agents_is_told_to_admins(bobs, bob, frank, dan):
    accounts_services.deactivate_person(person=frank, by=dan)
    Notification.objects.all().delete()
    erin = accounts_services.add_user(
        email="erin@example.org", first_name="Erin", role=Role.ADMIN, password=None
    )
    accounts_services.deactivate_person(person=bob, by=dan)
    assert list_notifications(erin).filter(ticket=bobs, kind="team").exists()


def test_answer_to_a_solved_ticket_of_nobody_is_told_to_the_team(bobs, frank, dan):
    tickets_services.assign(ticket=bobs, assignee=None, by=dan)
    tickets_services.set_status(ticket=bobs, status=Status.SOLVED, by=dan)
    Notification.objects.all().delete()
    reply_as_alice(bobs, dan)
    assert list_notifications(frank).filter(ticket=bobs, kind="team").exists()


def test_former_agent_is_not_notified_of_tickets_they_wrote_on(bobs, bob, frank, dan):
    tickets_services.add_note(ticket=bobs, by=bob, body="Toner?")
    tickets_services.assign(ticket=bobs, assignee=frank, by=dan)
    make_customer(bobs, bob, dan)
    Notification.objects.all().delete()
    tickets_services.add_note(ticket=bobs, by=dan, body="@bob and @frank")
    reply_as_alice(bobs, dan)
    assert not Notification.objects.filter(user=bob).exists()


def test_release_is_idempotent(bobs, bob, dan):
    deactivate(bobs, bob, dan)
    assert tickets_services.release_tickets() == 0
    assert bobs.events.filter(kind=Event.Kind.ASSIGNEE).count() == 2


def test_tickets_are_handed_over_to_who_may_see_them(bobs, bob, frank, dan, alice):
    public = tickets_services.create_ticket(
        customer=alice.customer, subject="Toner", description="…", by=alice
    )
    tickets_services.assign(ticket=public, assignee=bob, by=dan)
    erin = accounts_services.add_user(
        email="erin@example.org", first_name="Erin", role=Role.AGENT, password=None
    )
    assert web_services.deactivate_person(person=bob, by=dan, assignee=erin) == 2
    bobs.refresh_from_db(), public.refresh_from_db()
    assert (bobs.assignee, public.assignee) == (None, erin)
    assert not Notification.objects.filter(user=erin, ticket=bobs, read_at=None).exists()


def test_thousands_of_tickets_are_released_in_few_queries(bobs, bob, dan):
    columns = {"customer": bobs.customer, "subject": "Toner", "status": Status.OPEN}
    Ticket.objects.bulk_create(
        Ticket(**columns, description="", assignee=bob, team=bobs.team) for _ in range(2_000)
    )
    with CaptureQueriesContext(connection) as queries_of_release:
        deactivate(bobs, bob, dan)
    assert not Ticket.objects.filter(assignee=bob).exists()
    assert Event.objects.filter(kind=Event.Kind.ASSIGNEE, data__from_id=bob.pk).count() == 2_001
    assert len(queries_of_release) < 600
