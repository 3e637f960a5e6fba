import pytest
from django.http import Http404

from appliance.accounts.models import Team
from appliance.core.errors import BadInputError, ForbiddenError
from appliance.search import queries as search_queries
from appliance.tickets import queries, services
from appliance.tickets.filters import TicketFilter
from appliance.tickets.models import Event
from appliance.tickets.tests.conftest import kinds
from appliance.triage.models import TicketVector


def test_closed_teams_ticket_is_visible_to_members_and_admins_only(secret, bob, dan, frank):
    assert queries.access_ticket(bob, secret.pk) == queries.access_ticket(dan, secret.pk) == secret
    with pytest.raises(Http404):
        queries.access_ticket(frank, secret.pk)


def test_closed_teams_ticket_is_visible_to_its_customer(secret, alice):
    assert queries.access_ticket(alice, secret.pk) == secret


def test_closed_teams_tickets_are_not_listed_or_counted_for_others(secret, bob, frank):
    assert secret in queries.list_tickets(bob, TicketFilter())
    assert secret not in queries.list_tickets(frank, TicketFilter())
    assert queries.count_open(bob)["total"] == 1
    assert queries.count_open(frank)["total"] == 0


def test_counts_include_tickets_after_joining_a_team(
    secret, night_shift, frank, django_capture_on_commit_callbacks
):
    from appliance.core import cache

    assert queries.count_open(frank)["total"] == 0
    with django_capture_on_commit_callbacks(execute=True):
        night_shift.members.add(frank)
        cache.invalidate(cache.TEAMS)
    assert queries.count_open(frank)["total"] == 1


def test_closed_teams_ticket_is_not_found_by_text_search(secret, bob, frank):
    for text in ("printer blank pages", secret.number, "prnter on ward"):
        assert search_queries.search(bob, text, kind="tickets").hits, text
        assert not search_queries.search(frank, text, kind="tickets").hits, text


def test_closed_teams_ticket_is_not_found_by_vector_search(secret, bob, frank):
    TicketVector.objects.create(ticket=secret, space="s", vector=[1.0] * 384, text_sha256="x")
    assert TicketVector.objects.visible_to(bob).exists()
    assert not TicketVector.objects.visible_to(frank).exists()


def test_others_cannot_link_or_merge_a_closed_teams_ticket(secret, other, bob, frank):
    for service in (
        lambda by: services.link_tickets(source=other, target=secret, kind="related", by=by),
        lambda by: services.merge_tickets(source=other, target=secret, by=by),
    ):
        with pytest.raises(BadInputError, match="does not exist"):
            service(frank)
    services.link_tickets(source=other, target=secret, kind="related", by=bob)
    assert [linked.other for linked in queries.list_links(bob, other)] == [secret]
    assert queries.list_links(frank, other) == []


def test_others_are_not_offered_as_assignee_or_mention(secret, bob, dan, frank):
    assert set(queries.list_assignable(secret)) == {bob, dan}
    assert [agent for agent, _handle in queries.list_mentionable(bob, secret)] == [dan]


def test_ticket_cannot_be_assigned_to_an_agent_without_access(secret, bob, frank):
    with pytest.raises(BadInputError, match="has no access") as error:
        services.assign(ticket=secret, assignee=frank, by=bob)
    assert error.value.field == "assignee"


def test_assignee_who_loses_access_is_unassigned(ticket, night_shift, bob, frank):
    services.assign(ticket=ticket, assignee=frank, by=bob)
    services.set_team(ticket=ticket, team=night_shift, by=bob)
    assert (ticket.team, ticket.assignee) == (night_shift, None)
    assert kinds(ticket)[-2:] == [Event.Kind.TEAM, Event.Kind.ASSIGNEE]


def test_agent_cannot_move_a_ticket_to_a_hidden_team(ticket, night_shift, frank):
    assert night_shift not in queries.list_teams(frank)
    with pytest.raises(ForbiddenError):
        services.set_team(ticket=ticket, team=night_shift, by=frank)


def test_system_can_move_a_ticket_to_any_team(ticket, night_shift):
    services.set_team(ticket=ticket, team=night_shift, by=None)
    assert ticket.events.last().actor_name == "Skerry"


def test_inactive_team_gets_no_tickets(ticket, bob):
    with pytest.raises(BadInputError, match="is inactive"):
        services.set_team(ticket=ticket, team=Team(name="Old", is_active=False), by=bob)


def test_unchanged_team_writes_no_event(secret, night_shift, bob):
    services.set_team(ticket=secret, team=night_shift, by=bob)
    assert kinds(secret).count("team") == 1


def test_team_event_has_names_and_primary_keys(secret, night_shift):
    data = secret.events.get(kind="team").data
    assert data == {"from": "", "to": "Night shift", "from_id": None, "to_id": night_shift.pk}
