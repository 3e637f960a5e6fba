"""What an event did to a ticket, as the history and notifications say it."""

from collections.abc import Callable

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from appliance.sla import status as sla_status
from appliance.tickets.custom_fields import text_of_kind
from appliance.tickets.event_data import (
    AssigneeData,
    ConfirmedData,
    FailedData,
    FieldData,
    ForwardedData,
    IncidentData,
    LinkedData,
    MergedData,
    PeopleData,
    RatedData,
    SplitData,
    StatusData,
    TagsData,
)
from appliance.tickets.models import Event, TicketLink

Kind = Event.Kind
HIDDEN_NUMBER = "…"  # of a ticket the viewer may not see, for which list_events leaves 0


def describe_event(event: Event) -> str:
    """Return what was done, without who did it: "changed the priority from Normal to High"."""
    describe = DESCRIPTIONS.get(Kind(event.kind))
    return describe(event) if describe else str(event.get_kind_display())


def _change_of(label: Callable[[], str]) -> Callable[[Event], str]:
    def describe(event: Event) -> str:
        names = {
            "what": label(),
            "was": event.before or pgettext("value", "none"),
            "became": event.after or pgettext("value", "none"),
        }
        return _("changed the %(what)s from %(was)s to %(became)s") % names

    return describe


def _describe_status(event: Event) -> str:
    data: StatusData = event.data
    if data.get("why") == "held":
        return _("reopened the ticket, as the date until which it was on hold has come")
    if data.get("why") == "solved":
        days = data.get("days") or 0
        text = ngettext(
            "closed the ticket, which was solved %(n)d day ago",
            "closed the ticket, which was solved %(n)d days ago",
            days,
        )
        return text % {"n": days}
    return _change_of(lambda: pgettext("changed the", "status"))(event)


def _describe_assignee(event: Event) -> str:
    data: AssigneeData = event.data
    if data.get("why") == "no_access":
        text = _("removed the assignee %(was)s, who can no longer work on this ticket")
        return text % {"was": event.before or pgettext("value", "none")}
    return _change_of(lambda: pgettext("changed the", "assignee"))(event)


def _describe_confirmation(event: Event) -> str:
    data: ConfirmedData = event.data
    return _("confirmed the category %s") % (data.get("category") or "")


def _describe_tags(event: Event) -> str:
    data: TagsData = event.data
    added, removed = data.get("added") or [], data.get("removed") or []
    parts = []
    if added:
        parts.append(_("added the tags %s") % ", ".join(added))
    if removed:
        parts.append(_("removed the tags %s") % ", ".join(removed))
    return "; ".join(parts) or _("changed the tags")


def _describe_field(event: Event) -> str:
    data: FieldData = event.data
    became = text_of_kind(data.get("kind", ""), data.get("to"))
    names = {"field": data.get("field", ""), "became": became or _("empty")}
    return _("set “%(field)s” to %(became)s") % names


def _describe_merge(event: Event) -> str:
    data: MergedData = event.data
    is_undone = data.get("undone")
    if "source" in data:
        text = _("unmerged SKR-%s") if is_undone else _("merged SKR-%s into this ticket")
    else:
        text = (
            _("unmerged this ticket from SKR-%s")
            if is_undone
            else _("merged this ticket into SKR-%s")
        )
    return text % (data.get("source") or data.get("target") or HIDDEN_NUMBER)


def _describe_split(event: Event) -> str:
    data: SplitData = event.data
    if "source" in data:
        return _("split this ticket from SKR-%s") % (data.get("source") or HIDDEN_NUMBER)
    return _("split SKR-%s from this ticket") % (data.get("target") or HIDDEN_NUMBER)


def _describe_link(event: Event) -> str:
    data: LinkedData = event.data
    kind = dict(TicketLink.Kind.choices).get(data.get("kind", ""), "")
    text = _("added link: %(kind)s SKR-%(other)s")
    if event.kind == Kind.UNLINKED:
        text = _("removed link: %(kind)s SKR-%(other)s")
    return text % {"kind": kind, "other": data.get("other") or HIDDEN_NUMBER}


def _describe_rating(event: Event) -> str:
    data: RatedData = event.data
    if data.get("is_good"):
        return _("rated the solution: good")
    return _("rated the solution: bad")


def _describe_people(event: Event) -> str:
    data: PeopleData = event.data
    parts = []
    if added := data.get("added"):
        parts.append(_("added the participants %s") % ", ".join(added))
    if removed := data.get("removed"):
        parts.append(_("removed the participant %s") % ", ".join(removed))
    return "; ".join(parts) or _("changed the participants")


def _describe_forward(event: Event) -> str:
    data: ForwardedData = event.data
    return _("forwarded the ticket to %s") % (data.get("to") or _("somebody"))


def _describe_undelivered(event: Event) -> str:
    data: FailedData = event.data
    names = {"to": data.get("to") or _("somebody"), "reason": data.get("reason") or ""}
    return _("could not deliver an e-mail to %(to)s: %(reason)s") % names


def _describe_incident(event: Event) -> str:
    data: IncidentData = event.data
    numbers = {"tickets": data.get("tickets") or 0, "customers": data.get("customers") or 0}
    if data.get("is_dismissed"):
        text = _(
            "decided that %(tickets)d similar tickets from %(customers)d people are no incident"
        )
    else:
        text = _("noticed %(tickets)d similar tickets from %(customers)d people within an hour")
    return text % numbers


DESCRIPTIONS: dict[Kind, Callable[[Event], str]] = {
    Kind.OPENED: lambda event: _("created the ticket"),
    Kind.REPLIED: lambda event: _("replied"),
    Kind.NOTED: lambda event: _("added an internal note"),
    Kind.STATUS: _describe_status,
    Kind.PRIORITY: _change_of(lambda: pgettext("changed the", "priority")),
    Kind.CATEGORY: _change_of(lambda: pgettext("changed the", "category")),
    Kind.CONFIRMED: _describe_confirmation,
    Kind.ASSIGNEE: _describe_assignee,
    Kind.TEAM: _change_of(lambda: pgettext("changed the", "team")),
    Kind.CLASSIFIED: lambda event: _("analysed the ticket"),
    Kind.TAGS: _describe_tags,
    Kind.FIELD: _describe_field,
    Kind.SUBJECT: _change_of(lambda: pgettext("changed the", "subject")),
    Kind.REQUESTER: _change_of(lambda: pgettext("changed the", "customer")),
    Kind.CHANNEL: _change_of(lambda: pgettext("changed the", "channel")),
    Kind.LANGUAGE: _change_of(lambda: pgettext("changed the", "language")),
    Kind.MERGED: _describe_merge,
    Kind.SPLIT: _describe_split,
    Kind.LINKED: _describe_link,
    Kind.UNLINKED: _describe_link,
    Kind.RATED: _describe_rating,
    Kind.ESCALATED: lambda event: _("SLA warning: %s") % sla_status.describe_event(event.data),
    Kind.PEOPLE: _describe_people,
    Kind.FORWARDED: _describe_forward,
    Kind.UNDELIVERED: _describe_undelivered,
    Kind.INCIDENT: _describe_incident,
    Kind.ANONYMISED: lambda event: _("anonymised the customer"),
}
