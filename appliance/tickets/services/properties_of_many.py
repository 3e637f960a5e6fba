"""What can be changed on many tickets, by which verb, and how to put it back."""

from collections.abc import Callable, Mapping
from datetime import datetime
from uuid import uuid4, uuid5

from django.utils.text import Truncator
from django.utils.translation import gettext as _

from appliance.accounts.models import Team, User
from appliance.core.errors import BadInputError
from appliance.tickets.models import BulkChange, Priority, Status, Ticket, TicketCategory
from appliance.tickets.services import properties, status, tags
from appliance.tickets.services.recording import lock

# In this order: whom a ticket can be given to depends on its team, solving on its category.
ROWS = {"category": TicketCategory, "team": Team, "assignee": User}
NAMES = ("category", "team", "assignee", "priority", "add_tags", "remove_tags")
Verb = Callable[..., None]
_offered: dict[str, Verb] = {}
_labels: dict[str, Callable[[object], str]] = {}


def offer(name: str, do: Verb, label: Callable[[object], str] | None = None) -> None:
    """A verb of a room above: ``do(ticket=, value=, by=, key=)``. It may take the place of one here
    (then ``value`` is the row) or be a new one, which comes after all but the status.
    """
    _offered[name] = do
    if label:
        _labels[name] = label


def resolve(changes: Mapping[str, object]) -> dict[str, object]:
    """Ids become rows. Raises BadInputError for one that is gone, or a change nobody knows."""
    known = {*NAMES, "status", *_offered}
    if unknown := set(changes) - known:
        raise BadInputError(_("The property %s is unknown.") % ", ".join(sorted(unknown)))
    return {name: _resolved(name, value) for name, value in changes.items()}


def _resolved(name: str, value: object) -> object:
    if name not in ROWS or value is None:
        return value
    row = ROWS[name].objects.filter(pk=value).first()
    if row is None:
        raise BadInputError(_("The selected value no longer exists. Reload the page."), field=name)
    return row


def describe(changes: Mapping[str, object]) -> str:
    """In words, for the page that tells what was done."""
    labels = {
        "category": _("category"),
        "team": _("team"),
        "assignee": _("assignee"),
        "priority": _("priority"),
        "status": _("status"),
        "add_tags": _("add tags"),
        "remove_tags": _("remove tags"),
    }
    said = [
        _labels[name](value) if name in _labels else f"{labels[name]}: {_in_words(name, value)}"
        for name, value in resolve(changes).items()
    ]
    return Truncator(", ".join(said)).chars(200)


def _in_words(name: str, value: object) -> str:
    if name == "priority":
        return str(Priority(value).label)
    if name == "status":
        return str(Status(value).label)
    return ", ".join(value) if isinstance(value, list) else str(value or _("none"))


def lock_if_there(ticket: Ticket | None) -> Ticket:
    if ticket is None:
        raise BadInputError(_("deleted or restricted"))
    return lock(ticket)


def apply(change: BulkChange, ticket: Ticket) -> None:
    """All that was asked, through the ordinary verbs: one event a change."""
    asked = resolve(change.changes)
    last = {"status": asked.pop("status")} if "status" in asked else {}
    ordered = sorted(asked, key=lambda name: (*NAMES, name).index(name))
    for name in [*ordered, *last]:
        _do(name, ticket, (asked | last)[name], change)


def _do(name: str, ticket: Ticket, value: object, change: BulkChange) -> None:
    if name in _offered:
        key = uuid5(change.pk, f"{name} {ticket.pk}")
        _offered[name](ticket=ticket, value=value, by=change.by, key=key)
    else:
        _verb(name)(ticket, value, change.by)


def _verb(name: str) -> Verb:
    return {
        "category": lambda t, v, by: properties.set_category(ticket=t, category=v, by=by),
        "team": lambda t, v, by: properties.set_team(ticket=t, team=v, by=by),
        "assignee": lambda t, v, by: properties.assign(ticket=t, assignee=v, by=by),
        "priority": lambda t, v, by: properties.set_priority(ticket=t, priority=Priority(v), by=by),
        "add_tags": lambda t, v, by: tags.add_tags(ticket=t, names=v, by=by),
        "remove_tags": lambda t, v, by: tags.remove_tags(ticket=t, names=v, by=by),
        "tags": lambda t, v, by: tags.set_tags(ticket=t, names=v, by=by),
        "status": _set_status,
    }[name]


def _set_status(ticket: Ticket, value: object, by: User) -> None:
    """A status, or a pair with the date a ticket on hold comes back."""
    name, until = value if isinstance(value, list) else (value, None)
    if name == Status.HOLD and until:
        status.hold_ticket(ticket=ticket, until=datetime.fromisoformat(until), by=by)
    else:
        status.set_status(ticket=ticket, status=Status(name), by=by)


def properties_of(ticket: Ticket) -> dict[str, object]:
    """All a change can touch, as JSON holds it, in the order it is put back."""
    until = ticket.held_until.isoformat() if ticket.held_until else None
    return {
        "category": ticket.category_id,
        "team": ticket.team_id,
        "assignee": ticket.assignee_id,
        "priority": ticket.priority,
        "tags": sorted(ticket.tags.values_list("name", flat=True)),
        "status": [ticket.status, until],
    }


def put_back(ticket: Ticket, was: dict[str, object], by: User) -> None:
    for name, value in was.items():
        row = _resolved(name, value)
        if name in _offered:
            _offered[name](ticket=ticket, value=row, by=by, key=uuid4())
        else:
            _verb(name)(ticket, row, by)
