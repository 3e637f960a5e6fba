"""The actions of a macro: a JSON object with known keys, validated when saved and when run."""

from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.db.models import Choices, Model, QuerySet
from django.utils.translation import gettext as _

from appliance.accounts.models import Team, User
from appliance.accounts.queries import list_agents
from appliance.core.errors import BadInputError
from appliance.macros import variables
from appliance.macros.models import CannedResponse
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Priority, Status, Ticket, TicketCategory

Choice = TypeVar("Choice", bound=Choices)
Instance = TypeVar("Instance", bound=Model)

ME, NOBODY = "me", "nobody"
MAX_HOLD_DAYS = 365
ACTION_NAMES = {
    "canned_response",
    "note",
    "status",
    "hold_days",
    "priority",
    "category",
    "team",
    "assignee",
    "add_tags",
    "remove_tags",
}


@dataclass(frozen=True)
class Actions:
    """Validated actions as domain objects; None leaves a property unchanged."""

    canned_response: CannedResponse | None = None
    note: str = ""
    status: Status | None = None
    hold_days: int | None = None
    priority: Priority | None = None
    category: TicketCategory | None = None
    team: Team | None = None
    assignee: User | str | None = None
    add_tags: list[str] = field(default_factory=list)
    remove_tags: list[str] = field(default_factory=list)

    def find_assignee(self, agent: User) -> User | None:
        """Return the new assignee when this agent runs the macro; None for nobody."""
        if isinstance(self.assignee, User):
            return self.assignee
        return agent if self.assignee == ME else None


def read(actions: dict[str, Any]) -> Actions:
    """Validate stored actions. Raises BadInputError naming the field that is unknown or gone."""
    unknown = sorted(set(actions) - ACTION_NAMES)
    if unknown:
        raise BadInputError(
            _("The action “%(name)s” is unknown. Remove it.") % {"name": unknown[0]}
        )
    if not any(actions.values()):
        raise BadInputError(_("This macro has no actions. Choose at least one."))
    note = str(actions.get("note") or "")
    variables.check(note, field="note")
    status, hold_days = _status_and_hold_days(actions)
    return Actions(
        canned_response=_instance("canned_response", actions, CannedResponse.objects.all()),
        note=note,
        status=status,
        hold_days=hold_days,
        priority=_choice("priority", actions, Priority),
        category=_instance("category", actions, TicketCategory.objects.filter(is_active=True)),
        team=_instance("team", actions, Team.objects.filter(is_active=True)),
        assignee=_assignee(actions),
        add_tags=_tags("add_tags", actions),
        remove_tags=_tags("remove_tags", actions),
    )


@dataclass(frozen=True)
class Texts:
    """The messages that a macro writes on a ticket; empty if it writes none."""

    note: str = ""
    reply: str = ""


def render_texts(requested: Actions, ticket: Ticket, by: User) -> Texts:
    """Return the messages with their variables replaced."""
    canned_response = requested.canned_response
    return Texts(
        note=variables.render(requested.note, ticket, by),
        reply=variables.render(canned_response.body, ticket, by) if canned_response else "",
    )


def describe(actions: dict[str, Any]) -> list[str]:
    """Return one line per action, in order of execution; the error if the macro cannot run."""
    try:
        valid = read(actions)
    except BadInputError as error:
        return [str(error)]
    lines = [
        valid.category and _("Category: %s") % valid.category,
        valid.team and _("Team: %s") % valid.team,
        valid.priority and _("Priority: %s") % valid.priority.label,
        valid.assignee and _("Assignee: %s") % _name(valid.assignee),
        valid.add_tags and _("Add tags: %s") % ", ".join(valid.add_tags),
        valid.remove_tags and _("Remove tags: %s") % ", ".join(valid.remove_tags),
        valid.note and _("Note: %s") % _truncate(valid.note),
        valid.canned_response and _("Reply: %s") % valid.canned_response,
        valid.hold_days and _("On hold for %s days") % valid.hold_days,
        valid.status and not valid.hold_days and _("Status: %s") % valid.status.label,
    ]
    return [line for line in lines if line]


def _name(assignee: User | str) -> str:
    special = {ME: _("the current agent"), NOBODY: _("unassigned")}
    return special[assignee] if isinstance(assignee, str) else str(assignee)


def _truncate(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59]}…"


def _status_and_hold_days(actions: dict[str, Any]) -> tuple[Status | None, int | None]:
    status, days = _choice("status", actions, Status), actions.get("hold_days")
    if status == Status.HOLD and not days:
        raise BadInputError(_("Enter the number of days on hold."), field="hold_days")
    if days and status not in (None, Status.HOLD):
        raise BadInputError(
            _(
                "Days on hold need the status “On hold”. Choose that status or leave the "
                "days empty."
            ),
            field="hold_days",
        )
    if days and not (isinstance(days, int) and 1 <= days <= MAX_HOLD_DAYS):
        raise BadInputError(
            _("Enter a number of days from 1 to %s.") % MAX_HOLD_DAYS, field="hold_days"
        )
    return Status.HOLD if days else status, days or None


def _choice(name: str, actions: dict[str, Any], choices: type[Choice]) -> Choice | None:
    value = actions.get(name)
    if not value:
        return None
    if value not in choices.values:
        raise BadInputError(_("“%s” is not a valid choice.") % value, field=name)
    return choices(value)


def _instance(name: str, actions: dict[str, Any], instances: QuerySet[Instance]) -> Instance | None:
    pk = actions.get(name)
    if not pk:
        return None
    instance = instances.filter(pk=pk).first() if isinstance(pk, int) else None
    if instance is None:
        raise BadInputError(
            _("The value of “%s” no longer exists. Choose another one.") % name,
            field=name,
        )
    return instance


def _assignee(actions: dict[str, Any]) -> User | str | None:
    value = actions.get("assignee")
    return (
        value if value in (None, "", ME, NOBODY) else _instance("assignee", actions, list_agents())
    )


def _tags(name: str, actions: dict[str, Any]) -> list[str]:
    tags = actions.get(name) or []
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise BadInputError(_("Tags must be a list of words."), field=name)
    tickets_services.check_tag_names(tags, field=name)
    return [tag.strip() for tag in tags if tag.strip()]
