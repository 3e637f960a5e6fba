"""Services that change the assignee of many tickets: hand them over, release them."""

from collections.abc import Iterable, Sequence

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from appliance.accounts import queries as accounts_queries
from appliance.accounts.models import Team, User
from appliance.core import cache
from appliance.core.errors import BadInputError
from appliance.tickets import queries
from appliance.tickets.event_data import AssigneeData
from appliance.tickets.models import Event, Ticket
from appliance.tickets.services.events import record_many, relation_change, require_agent


@transaction.atomic
def release_tickets(*, by: User | None = None) -> int:
    """Unassign the open tickets whose assignee can no longer act on them; return their number.

    Called in each transaction that takes access away, and every minute for what was changed
    elsewhere. The number of queries does not grow with the tickets. A ticket that is not open keeps
    its assignee until it is opened again.
    """
    tickets = _lock(queries.list_stranded())
    _set_assignee(tickets, None, by)
    return len(tickets)


@transaction.atomic
def hand_over_tickets(
    *, person: User, by: User, assignee: User | None = None, team: Team | None = None
) -> int:
    """Move the open tickets of ``person`` to a team and an agent; return how many they had.

    What ``assignee`` cannot act on stays with ``person``.
    """
    require_agent(by)
    tickets = _lock(Ticket.objects.open().filter(assignee=person))
    if team:
        if not team.is_active:
            raise BadInputError(
                _("The team %(name)s is inactive. Choose another one.") % {"name": team},
                field="team",
            )
        _set_team([ticket for ticket in tickets if ticket.team_id != team.pk], team, by)
    if assignee:
        able_in = {
            team_id
            for team_id in {ticket.team_id for ticket in tickets}
            if accounts_queries.list_agents_with_access(team_id).filter(pk=assignee.pk).exists()
        }
        _set_assignee([ticket for ticket in tickets if ticket.team_id in able_in], assignee, by)
    return len(tickets)


def _lock(tickets: QuerySet[Ticket]) -> list[Ticket]:
    """Lock the tickets in the order of their numbers and return them without long texts."""
    locked = tickets.select_for_update(of=["self"]).order_by("pk")
    locked = locked.select_related("customer", "assignee", "team")
    return list(locked.defer("description", "search_vector"))


def _set_assignee(tickets: Sequence[Ticket], assignee: User | None, by: User | None) -> None:
    changes: list[tuple[Ticket, AssigneeData]] = []
    for ticket in tickets:
        data: AssigneeData = {**relation_change(ticket.assignee, assignee)}
        if assignee is None:
            data["why"] = "no_access"
        changes.append((ticket, data))
        ticket.assignee = assignee
    _update(tickets, assignee=assignee)
    record_many(changes, Event.Kind.ASSIGNEE, by)


def _set_team(tickets: Sequence[Ticket], team: Team, by: User) -> None:
    changes = [(ticket, relation_change(ticket.team, team)) for ticket in tickets]
    for ticket in tickets:
        ticket.team = team
    _update(tickets, team=team)
    record_many(changes, Event.Kind.TEAM, by)


def _update(tickets: Iterable[Ticket], **values: User | Team | None) -> None:
    ids = [ticket.pk for ticket in tickets]
    if ids:
        Ticket.objects.filter(pk__in=ids).update(**values, updated_at=timezone.now())
        cache.invalidate(cache.TICKETS)
