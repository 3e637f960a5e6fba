"""Verbs on what a ticket is: priority, category, who has it."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from appliance.accounts import queries as accounts_queries
from appliance.accounts.models import Team, User
from appliance.core.errors import BadInputError, ForbiddenError
from appliance.tickets import queries
from appliance.tickets.models import Event, Priority, Ticket, TicketCategory
from appliance.tickets.services.recording import from_to, lock, record, require_agent, save

KINDS = {
    "status": Event.Kind.STATUS,
    "priority": Event.Kind.PRIORITY,
    "category": Event.Kind.CATEGORY,
    "assignee": Event.Kind.ASSIGNEE,
    "team": Event.Kind.TEAM,
}


def set_priority(*, ticket: Ticket, priority: Priority, by: User | None) -> None:
    require_agent(by)
    with transaction.atomic():
        locked = lock(ticket)
        if locked.priority != priority:
            change = {"from": int(locked.priority), "to": int(priority)}
            locked.priority = priority
            save(locked, "priority")
            record(locked, Event.Kind.PRIORITY, by, **change)
    ticket.refresh_from_db()


def set_category(*, ticket: Ticket, category: TicketCategory | None, by: User | None) -> None:
    require_agent(by)
    with transaction.atomic():
        locked = lock(ticket)
        if locked.category_id != (category.pk if category else None):
            change = from_to(locked.category, category)
            locked.category = category
            save(locked, "category")
            record(locked, Event.Kind.CATEGORY, by, **change)
    ticket.refresh_from_db()


def assign(
    *, ticket: Ticket, assignee: User | None, by: User | None, at: datetime | None = None
) -> None:
    """Give the ticket to somebody who sees it, or to nobody."""
    require_agent(by)
    if assignee and not assignee.is_agent:
        raise BadInputError(
            _("%(name)s is not an agent. Choose an agent.") % {"name": assignee}, field="assignee"
        )
    with transaction.atomic():
        locked = lock(ticket)
        if locked.assignee_id != (assignee.pk if assignee else None):
            _refuse_who_does_not_see(locked, assignee)
            _give(locked, assignee, by, at)
    ticket.refresh_from_db()


def set_team(
    *, ticket: Ticket, team: Team | None, by: User | None, at: datetime | None = None
) -> None:
    """Hand the ticket to a team ``by`` knows of. Whoever then no longer sees it is taken off it."""
    require_agent(by)
    if team and by and team.pk in accounts_queries.hidden_team_ids(by):
        raise ForbiddenError(_("You do not have access to the tickets of this team."))
    if team and not team.is_active:
        raise BadInputError(
            _("The team %(name)s is inactive. Choose another one.") % {"name": team}, field="team"
        )
    with transaction.atomic():
        locked = lock(ticket)
        if locked.team_id != (team.pk if team else None):
            change = from_to(locked.team, team)
            locked.team = team
            save(locked, "team", at=at)
            record(locked, Event.Kind.TEAM, by, at, **change)
            if locked.assignee and not queries.sees_team(locked.assignee, team):
                _give(locked, None, by, at)
    ticket.refresh_from_db()


def refuse_if_changed(*, ticket: Ticket, seen: dict, wanted: dict | None = None) -> None:
    """Tells of what somebody else changed since a page was shown, before a form overwrites it.

    ``seen`` maps names of properties to what the page showed, ``wanted`` to what it is to become:
    what is so already is no conflict. Call it first in the transaction of the changes: the
    ticket stays locked.
    """
    locked = lock(ticket)
    for name, value in seen.items():
        now = _raw(getattr(locked, name))
        if now not in (_raw(value), _raw((wanted or {}).get(name, value))):
            raise BadInputError(_meanwhile(locked, name), field=name)


def _meanwhile(locked: Ticket, name: str) -> str:
    last = locked.events.filter(kind=KINDS[name]).last()
    said = {"who": last.actor_name if last else "", "value": last.became if last else ""}
    if not said["value"]:
        return _("%(who)s cleared this field in the meantime. Save again to keep your value.") % said
    return (
        _("%(who)s changed this to “%(value)s” in the meantime. Save again to keep your "
            "value.")
        % said
    )


def _raw(value: object) -> object:
    """A row by its id, a choice by its value."""
    return getattr(value, "pk", None) or (value if value != "" else None)


def _refuse_who_does_not_see(locked: Ticket, assignee: User | None) -> None:
    if assignee and not assignee.is_active:
        raise BadInputError(
            _("%(name)s is deactivated. Choose another agent.") % {"name": assignee},
            field="assignee",
        )
    if assignee and not queries.sees_team(assignee, locked.team):
        raise BadInputError(
            _("%(name)s has no access to the tickets of the team %(team)s. Choose one of "
                "its members.")
            % {"name": assignee, "team": locked.team},
            field="assignee",
        )


def _give(locked: Ticket, assignee: User | None, by: User | None, at: datetime | None) -> None:
    change = from_to(locked.assignee, assignee)
    locked.assignee = assignee
    save(locked, "assignee", at=at)
    record(locked, Event.Kind.ASSIGNEE, by, at, **change)
