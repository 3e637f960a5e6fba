"""Services that set the properties of a ticket: status, priority, category, language, people."""

from datetime import date, datetime
from typing import Literal

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from appliance.accounts import queries as accounts_queries
from appliance.accounts.models import Team, User
from appliance.core import cache
from appliance.core.errors import BadInputError, ForbiddenError
from appliance.core.languages import Language
from appliance.tickets import custom_fields, queries
from appliance.tickets.event_data import (
    AssigneeData,
    ConfirmedData,
    FieldData,
    LanguageData,
    PriorityData,
    StatusData,
)
from appliance.tickets.models import CustomField, Event, Priority, Status, Ticket, TicketCategory
from appliance.tickets.services.events import lock, record, relation_change, require_agent, save

COMPLETED_STATUSES = (Status.SOLVED, Status.CLOSED)
EVENT_KINDS = {  # by name of property
    "status": Event.Kind.STATUS,
    "priority": Event.Kind.PRIORITY,
    "category": Event.Kind.CATEGORY,
    "assignee": Event.Kind.ASSIGNEE,
    "team": Event.Kind.TEAM,
    "subject": Event.Kind.SUBJECT,
    "customer": Event.Kind.REQUESTER,
    "channel": Event.Kind.CHANNEL,
    "language": Event.Kind.LANGUAGE,
}


def set_priority(*, ticket: Ticket, priority: Priority, by: User | None) -> None:
    require_agent(by)
    with transaction.atomic():
        locked = lock(ticket)
        if locked.priority != priority:
            data: PriorityData = {"from": int(locked.priority), "to": int(priority)}
            locked.priority = priority
            save(locked, "priority")
            record(locked, Event.Kind.PRIORITY, by, data=data)
    ticket.refresh_from_db()


def set_language(*, ticket: Ticket, language: str, by: User | None) -> None:
    """Set the language of the text, or none; from now on it is not recognised any more."""
    require_agent(by)
    if language and language not in Language:
        raise BadInputError(_("Choose a language from the list."), field="language")
    with transaction.atomic():
        locked = lock(ticket)
        if locked.language != language:
            data: LanguageData = {"from": locked.language, "to": str(language)}
            locked.language = str(language)
            save(locked, "language")
            record(locked, Event.Kind.LANGUAGE, by, data=data)
    ticket.refresh_from_db()


def set_category(*, ticket: Ticket, category: TicketCategory | None, by: User | None) -> None:
    require_agent(by)
    with transaction.atomic():
        locked = lock(ticket)
        if locked.category_id != (category.pk if category else None):
            data = relation_change(locked.category, category)
            locked.category = category
            save(locked, "category")
            record(locked, Event.Kind.CATEGORY, by, data=data)
    ticket.refresh_from_db()


@transaction.atomic
def record_category_confirmation(*, ticket: Ticket, by: User) -> None:
    """Write an event: the agent found the category right. No model changes it from now on."""
    require_agent(by)
    locked = lock(ticket)
    data = ConfirmedData(category=str(locked.category), category_id=locked.category_id)
    record(locked, Event.Kind.CONFIRMED, by, data=data)
    cache.invalidate(cache.TICKETS)


def assign(
    *, ticket: Ticket, assignee: User | None, by: User | None, at: datetime | None = None
) -> None:
    """Assign the ticket to an agent who may see it, or to nobody."""
    require_agent(by)
    if assignee and not assignee.is_agent:
        raise BadInputError(
            _("%(name)s is not an agent. Choose an agent.") % {"name": assignee}, field="assignee"
        )
    with transaction.atomic():
        locked = lock(ticket)
        if locked.assignee_id != (assignee.pk if assignee else None):
            _require_access(locked, assignee)
            _set_assignee(locked, assignee, by, at)
    ticket.refresh_from_db()


def set_team(
    *, ticket: Ticket, team: Team | None, by: User | None, at: datetime | None = None
) -> None:
    """Move the ticket to a team whose tickets ``by`` may see, or to none.

    It is unassigned if its assignee may no longer see it.
    """
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
            data = relation_change(locked.team, team)
            locked.team = team
            save(locked, "team", at=at)
            record(locked, Event.Kind.TEAM, by, at, data=data)
            _release(locked, by, at)
    ticket.refresh_from_db()


def require_unchanged(
    *, ticket: Ticket, shown: dict[str, object], changes: dict[str, object] | None = None
) -> None:
    """Raise BadInputError if somebody else changed a property after a page was shown.

    ``shown`` maps names of properties to the values on the page, ``changes`` to the new values; a
    property that has its new value already is no conflict. Call it first in the transaction of the
    changes: the ticket stays locked.
    """
    locked = lock(ticket)
    for name, value in shown.items():
        new_value = (changes or {}).get(name, value)
        if _stored_value(getattr(locked, name)) not in map(_stored_value, (value, new_value)):
            raise BadInputError(_conflict_message(locked, name), field=name)


def _conflict_message(locked: Ticket, name: str) -> str:
    last = locked.events.filter(kind=EVENT_KINDS[name]).last()
    params = {"who": last.actor_name if last else "", "value": last.after if last else ""}
    if not params["value"]:
        return (
            _("%(who)s cleared this field in the meantime. Save again to keep your value.") % params
        )
    return (
        _("%(who)s changed this to “%(value)s” in the meantime. Save again to keep your value.")
        % params
    )


def _stored_value(value: object) -> object:
    """Return the primary key of an object, or the value; None for an empty text."""
    return getattr(value, "pk", None) or (value if value != "" else None)


def _require_access(locked: Ticket, assignee: User | None) -> None:
    if assignee and not assignee.is_active:
        raise BadInputError(
            _("%(name)s is deactivated. Choose another agent.") % {"name": assignee},
            field="assignee",
        )
    if assignee and not queries.can_act(assignee, locked):
        raise BadInputError(
            _(
                "%(name)s has no access to the tickets of the team %(team)s. Choose one of "
                "its members."
            )
            % {"name": assignee, "team": locked.team},
            field="assignee",
        )


def _release(locked: Ticket, by: User | None, at: datetime | None) -> None:
    """Unassign the ticket if its assignee can no longer act on it."""
    if locked.assignee and not queries.can_act(locked.assignee, locked):
        _set_assignee(locked, None, by, at, why="no_access")


def _set_assignee(
    locked: Ticket,
    assignee: User | None,
    by: User | None,
    at: datetime | None,
    *,
    why: Literal["no_access"] | None = None,
) -> None:
    data: AssigneeData = {**relation_change(locked.assignee, assignee)}
    if why:
        data["why"] = why
    locked.assignee = assignee
    save(locked, "assignee", at=at)
    record(locked, Event.Kind.ASSIGNEE, by, at, data=data)


def set_status(
    *, ticket: Ticket, status: Status, by: User | None, at: datetime | None = None
) -> None:
    """Set any status except on hold, see ``hold_ticket``. Solving needs all required fields."""
    require_agent(by)
    with transaction.atomic():
        change_status(lock(ticket), status, by, at)
    ticket.refresh_from_db()


def hold_ticket(
    *,
    ticket: Ticket,
    until: datetime | None,
    by: User | None,
    on: date | None = None,
    at: datetime | None = None,
) -> None:
    """Put the ticket on hold until a time; a reply of the customer reopens it earlier.

    Without a time it stays on hold until then. ``on`` is the day everybody is shown, by default
    that of the time in the active time zone.
    """
    require_agent(by)
    if until is not None and until <= (at or timezone.now()):
        raise BadInputError(_("Choose a date in the future."), field="resume_at")
    with transaction.atomic():
        change_status(lock(ticket), Status.HOLD, by, at, until=until, on=on, is_hold=True)
    ticket.refresh_from_db()


def change_status(
    locked: Ticket,
    status: Status,
    by: User | None,
    at: datetime | None = None,
    *,
    until: datetime | None = None,
    on: date | None = None,
    is_hold: bool = False,
    why: Literal["held", "solved"] | None = None,
    days: int | None = None,
) -> None:
    """Change the status of a locked ticket unless it has it. ``why`` and ``days`` explain an
    automatic change in the event. A ticket that is opened again is unassigned if its assignee can
    no longer act on it.
    """
    if (locked.status, locked.resume_at) == (status, until):
        return
    if status == Status.HOLD and not is_hold:
        raise BadInputError(
            _("Enter the date until which the ticket is on hold."), field="resume_at"
        )
    _require_changeable(locked, status, by)
    data: StatusData = {"from": locked.status, "to": str(status)}
    if why:
        data["why"] = why
    if days is not None:
        data["days"] = days
    if until:
        data["until"] = until.isoformat()
    locked.status, locked.resume_at = status, until
    locked.resume_on = on or (timezone.localdate(until) if until else None)
    locked.solved_at = (
        (locked.solved_at or at or timezone.now()) if status in COMPLETED_STATUSES else None
    )
    save(locked, "status", "resume_at", "resume_on", "solved_at", at=at)
    record(locked, Event.Kind.STATUS, by, at, data=data)
    if data["from"] in COMPLETED_STATUSES and status not in COMPLETED_STATUSES:
        _release(locked, None, at)


def _require_changeable(locked: Ticket, status: Status, by: User | None) -> None:
    if locked.merged_into_id and locked.status == Status.CLOSED:
        raise BadInputError(
            _("%(this)s is merged into SKR-%(other)s. Undo the merge first.")
            % {"this": locked.number, "other": queries.merge_target_number(by, locked)},
            field="status",
        )
    if status == Status.SOLVED and by is not None:
        custom_fields.require_values(
            queries.list_category_fields(locked.category),
            locked.fields,
            _("Required before solving: %(fields)s."),
            error_field="status",
        )


def set_fields(
    *, ticket: Ticket, values: dict[str, object], by: User | None, at: datetime | None = None
) -> None:
    """Set custom fields by key; an empty value removes the stored one. One event per field."""
    require_agent(by)
    with transaction.atomic():
        locked = lock(ticket)
        fields = {field.key: field for field in queries.list_category_fields(locked.category)}
        for key, value in custom_fields.parse_values(fields.values(), values).items():
            if locked.fields.get(key) != value:
                _set_field(locked, fields[key], value, by, at)
    ticket.refresh_from_db()


def _set_field(
    locked: Ticket,
    field: CustomField,
    value: custom_fields.StoredValue | None,
    by: User | None,
    at: datetime | None,
) -> None:
    before = locked.fields.pop(field.key, None)
    if value is not None:
        locked.fields[field.key] = value
    save(locked, "fields", at=at)
    data: FieldData = {
        "field": field.label,
        "key": field.key,
        "kind": field.kind,
        "from": before,
        "to": value,
    }
    record(locked, Event.Kind.FIELD, by, at, data=data)
