"""What a macro does: a small dictionary with known names, checked when saved and when used."""

from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from appliance.accounts.models import Team, User
from appliance.accounts.queries import list_agents
from appliance.core.errors import BadInputError
from appliance.macros import variables
from appliance.macros.models import CannedReply
from appliance.tickets.models import Priority, Status, TicketCategory

ME, NOBODY = "me", "nobody"
MOST_DAYS = 365
NAMES = {
    "canned",
    "note",
    "status",
    "held_days",
    "priority",
    "category",
    "team",
    "assignee",
    "add_tags",
    "remove_tags",
}


@dataclass(frozen=True)
class Actions:
    """The same with the domain's own types; what stays as it is is None."""

    canned: CannedReply | None = None
    note: str = ""
    status: Status | None = None
    held_days: int | None = None
    priority: Priority | None = None
    category: TicketCategory | None = None
    team: Team | None = None
    assignee: User | str | None = None
    add_tags: list[str] = field(default_factory=list)
    remove_tags: list[str] = field(default_factory=list)


def read(actions: dict[str, Any]) -> Actions:
    """Raises BadInputError(field=…) for a name or a value that means nothing (any more)."""
    unknown = sorted(set(actions) - NAMES)
    if unknown:
        raise BadInputError(_("A macro cannot do “%(name)s”. Leave it out.") % {"name": unknown[0]})
    if not any(actions.values()):
        raise BadInputError(_("This macro does nothing yet. Choose at least one thing."))
    note = str(actions.get("note") or "")
    variables.check(note, field="note")
    return Actions(
        canned=_row("canned", actions, CannedReply.objects.all()),
        note=note,
        **_status(actions),
        priority=_choice("priority", actions, Priority),
        category=_row("category", actions, TicketCategory.objects.filter(is_active=True)),
        team=_row("team", actions, Team.objects.filter(is_active=True)),
        assignee=_assignee(actions),
        add_tags=_tags("add_tags", actions),
        remove_tags=_tags("remove_tags", actions),
    )


def describe(actions: dict[str, Any]) -> list[str]:
    """One line each, in the order they are done; the fault when the macro cannot run."""
    try:
        found = read(actions)
    except BadInputError as error:
        return [str(error)]
    lines = [
        found.category and _("Category: %s") % found.category,
        found.team and _("Team: %s") % found.team,
        found.priority and _("Priority: %s") % found.priority.label,
        found.assignee and _("Assignee: %s") % _name(found.assignee),
        found.add_tags and _("Add tags: %s") % ", ".join(found.add_tags),
        found.remove_tags and _("Remove tags: %s") % ", ".join(found.remove_tags),
        found.note and _("Note: %s") % _short(found.note),
        found.canned and _("Reply: %s") % found.canned,
        found.held_days and _("On hold for %s days") % found.held_days,
        found.status and not found.held_days and _("Status: %s") % found.status.label,
    ]
    return [line for line in lines if line]


def _name(assignee: User | str) -> str:
    return {ME: _("whoever uses it"), NOBODY: _("nobody")}.get(assignee) or str(assignee)


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59]}…"


def _status(actions: dict[str, Any]) -> dict[str, Any]:
    status, days = _choice("status", actions, Status), actions.get("held_days")
    if status == Status.HOLD and not days:
        raise BadInputError(_("For how many days is the ticket held?"), field="held_days")
    if days and status not in (None, Status.HOLD):
        raise BadInputError(
            _("A ticket that is held is on hold. Choose that status or no days."), field="held_days"
        )
    if days and not (isinstance(days, int) and 1 <= days <= MOST_DAYS):
        raise BadInputError(
            _("A number of days from 1 to %s, please.") % MOST_DAYS, field="held_days"
        )
    return {"status": Status.HOLD if days else status, "held_days": days or None}


def _choice(name: str, actions: dict[str, Any], kind: type) -> Any:
    value = actions.get(name)
    if not value:
        return None
    if value not in kind.values:
        raise BadInputError(_("“%s” is not one of the choices.") % value, field=name)
    return kind(value)


def _row(name: str, actions: dict[str, Any], rows: Any) -> Any:
    value = actions.get(name)
    if not value:
        return None
    found = rows.filter(pk=value).first() if isinstance(value, int) else None
    if found is None:
        raise BadInputError(
            _("What the macro names under “%s” is no longer there. Choose another.") % name,
            field=name,
        )
    return found


def _assignee(actions: dict[str, Any]) -> User | str | None:
    value = actions.get("assignee")
    return value if value in (None, "", ME, NOBODY) else _row("assignee", actions, list_agents())


def _tags(name: str, actions: dict[str, Any]) -> list[str]:
    tags = actions.get(name) or []
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise BadInputError(_("Tags are a list of words."), field=name)
    return [tag.strip() for tag in tags if tag.strip()]
