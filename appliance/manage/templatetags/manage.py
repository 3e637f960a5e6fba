"""Filters of the audit log."""

from django import template
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from appliance.core.models import AuditEntry

register = template.Library()
MAX_VALUE_CHARACTERS = 120
NAME_LISTS = {"added", "removed"}  # lists of names, not pairs of an old and a new value
VERBS = {
    "added": gettext_lazy("added"),
    "changed": gettext_lazy("changed"),
    "removed": gettext_lazy("removed"),
    "moved": gettext_lazy("moved"),
    "merged": gettext_lazy("merged"),
    "deactivated": gettext_lazy("deactivated"),
    "reactivated": gettext_lazy("reactivated"),
    "invited": gettext_lazy("invited"),
    "exported": gettext_lazy("exported"),
    "anonymised": gettext_lazy("anonymised"),
    "signed out": gettext_lazy("signed out"),
    "stopped": gettext_lazy("cancelled"),
    "tried again": gettext_lazy("retried"),
    "requested training": gettext_lazy("training requested"),
    "trained": gettext_lazy("trained"),
    "refused": gettext_lazy("not accepted"),
    "activated": gettext_lazy("activated"),
    "rolled back": gettext_lazy("rolled back"),
    "replayed feedback": gettext_lazy("suggestions replayed"),
}
KINDS = {
    "user": gettext_lazy("User"),
    "customer": gettext_lazy("Customer"),
    "organisation": gettext_lazy("Organisation"),
    "team": gettext_lazy("Team"),
    "identity provider": gettext_lazy("Identity provider"),
    "model quality": gettext_lazy("Model quality"),
    "site settings": gettext_lazy("Help desk"),
    "ticket category": gettext_lazy("Category"),
    "custom field": gettext_lazy("Custom field"),
    "tag": gettext_lazy("Tag"),
    "business hours": gettext_lazy("Calendar"),
    "holiday": gettext_lazy("Holiday"),
    "SLA policy": gettext_lazy("SLA policy"),
    "escalation": gettext_lazy("Escalation"),
    "assignment rule": gettext_lazy("Assignment rule"),
    "canned response": gettext_lazy("Canned response"),
    "macro": gettext_lazy("Macro"),
    "saved view": gettext_lazy("View"),
    "outgoing mail": gettext_lazy("E-mail"),
    "report": gettext_lazy("Report"),
    "articles": gettext_lazy("Articles"),
    "audit log": gettext_lazy("Audit log"),
    "learned head": gettext_lazy("Learned classifier"),
    "learning settings": gettext_lazy("Learning"),
}


@register.filter
def details(entry: AuditEntry) -> list[tuple[str, str]]:
    """Return name and value of each detail of a change, as “old → new” where there are two."""
    return [
        (name.replace("_", " "), _describe(_as_change(entry, name, value)))
        for name, value in entry.data.items()
        if value not in (None, "", [])
    ]


@register.filter
def kind_label(entry: AuditEntry) -> str:
    """Return the kind of the object that was changed."""
    return str(KINDS.get(entry.kind, entry.kind))


@register.filter
def verb_label(entry: AuditEntry) -> str:
    """Return what was done to the object."""
    return str(VERBS.get(entry.verb, entry.verb))


def _as_change(entry: AuditEntry, name: str, value: object) -> object:
    """Return a list of two values, which some services write, as old and new value."""
    if entry.verb == "changed" and name not in NAME_LISTS and isinstance(value, list):
        return {"from": value[0], "to": value[1]} if len(value) == 2 else value
    return value


def _describe(value: object) -> str:
    if isinstance(value, dict) and value.keys() == {"from", "to"}:
        return f"{_shorten(value['from'])} → {_shorten(value['to'])}"
    return _shorten(value)


def _shorten(value: object) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, dict):
        value = "; ".join(f"{name}: {_shorten(part)}" for name, part in value.items())
    if isinstance(value, list):
        value = ", ".join(map(_shorten, value))
    text = "–" if value in (None, "") else str(value)
    return text if len(text) <= MAX_VALUE_CHARACTERS else f"{text[:MAX_VALUE_CHARACTERS]}…"
