"""What happened to a ticket, in words."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from appliance.sla import status as sla_status
from appliance.tickets.event_data import (
    FieldData,
    LinkedData,
    MergedData,
    RatedData,
    SplitData,
    TagsData,
)
from appliance.tickets.models import Event, TicketLink

Kind = Event.Kind


@dataclass(frozen=True)
class Line:
    at: datetime
    who: str
    what: str
    id: int


def lines(events: Iterable[Event]) -> list[Line]:
    """One readable line an event."""
    return [Line(event.at, event.actor_name, words_of(event), event.pk) for event in events]


def words_of(event: Event) -> str:
    """What was done, without who did it: "changed the priority from Normal to High"."""
    say = WORDS.get(Kind(event.kind))
    return say(event) if say else str(event.get_kind_display())


def _changed(what: Callable[[], str]) -> Callable[[Event], str]:
    def say(event: Event) -> str:
        names = {
            "what": what(),
            "was": event.was or _("none"),
            "became": event.became or _("none"),
        }
        return _("changed the %(what)s from %(was)s to %(became)s") % names

    return say


def _tags(event: Event) -> str:
    data: TagsData = event.data
    added, removed = data.get("added") or [], data.get("removed") or []
    parts = []
    if added:
        parts.append(_("added the tags %s") % ", ".join(added))
    if removed:
        parts.append(_("removed the tags %s") % ", ".join(removed))
    return "; ".join(parts) or _("changed the tags")


def _field(event: Event) -> str:
    data: FieldData = event.data
    names = {"field": data.get("field", ""), "became": event.became or _("empty")}
    return _("set “%(field)s” to %(became)s") % names


def _merged(event: Event) -> str:
    data: MergedData = event.data
    undone = data.get("undone")
    if other := data.get("source"):
        words = _("unmerged SKR-%s") if undone else _("merged SKR-%s into this ticket")
    else:
        other = data.get("target")
        words = (
            _("unmerged this ticket from SKR-%s") if undone else _("merged this ticket into SKR-%s")
        )
    return words % other


def _split(event: Event) -> str:
    data: SplitData = event.data
    if other := data.get("source"):
        return _("split this ticket from SKR-%s") % other
    return _("split SKR-%s from this ticket") % data.get("target")


def _link(event: Event) -> str:
    data: LinkedData = event.data
    kind = dict(TicketLink.Kind.choices).get(data.get("kind", ""), "")
    words = _("added link: %(kind)s SKR-%(other)s")
    if event.kind == Kind.UNLINKED:
        words = _("removed link: %(kind)s SKR-%(other)s")
    return words % {"kind": kind, "other": data.get("other")}


def _rated(event: Event) -> str:
    data: RatedData = event.data
    if data.get("is_good"):
        return _("rated the solution: good")
    return _("rated the solution: bad")


def _classified(event: Event) -> str:
    return _("analysed the ticket")


WORDS: dict[Kind, Callable[[Event], str]] = {
    Kind.OPENED: lambda event: _("created the ticket"),
    Kind.REPLIED: lambda event: _("replied"),
    Kind.NOTED: lambda event: _("added an internal note"),
    Kind.STATUS: _changed(lambda: _("status")),
    Kind.PRIORITY: _changed(lambda: _("priority")),
    Kind.CATEGORY: _changed(lambda: _("category")),
    Kind.ASSIGNEE: _changed(lambda: _("assignee")),
    Kind.TEAM: _changed(lambda: _("team")),
    Kind.CLASSIFIED: _classified,
    Kind.TAGS: _tags,
    Kind.FIELD: _field,
    Kind.MERGED: _merged,
    Kind.SPLIT: _split,
    Kind.LINKED: _link,
    Kind.UNLINKED: _link,
    Kind.RATED: _rated,
    Kind.ESCALATED: lambda event: _("SLA warning: %s") % sla_status.describe_event(event.data),
    Kind.ANONYMISED: lambda event: _("anonymised the customer"),
}
