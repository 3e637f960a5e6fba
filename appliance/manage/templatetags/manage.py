"""What the pages of the set-up may do to a value."""

from django import template
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from appliance.core.models import AuditEntry

register = template.Library()
MAX_CHARACTERS = 120
# lists of names, not pairs of an old and a new value; 0.1.0 wrote "came" and "went"
NAME_LISTS = {"added", "removed", "came", "went"}
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
    "stopped": gettext_lazy("cancelled"),
    "tried again": gettext_lazy("retried"),
}
KINDS = {
    "user": gettext_lazy("User"),
    "customer": gettext_lazy("Customer"),
    "organisation": gettext_lazy("Organisation"),
    "team": gettext_lazy("Team"),
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
}


@register.filter
def details(change: AuditEntry) -> list[tuple[str, str]]:
    """Name and words of everything a change says: “was → is”, or just what it is."""
    return [
        (name.replace("_", " "), _words(_pair(change, name, value)))
        for name, value in change.data.items()
        if value not in (None, "", [])
    ]


@register.filter
def kind_words(change: AuditEntry) -> str:
    """What sort of thing it was, in the language of whoever reads."""
    return str(KINDS.get(change.kind, change.kind))


@register.filter
def verb_words(change: AuditEntry) -> str:
    return str(VERBS.get(change.verb, change.verb))


def _pair(change: AuditEntry, name: str, value: object) -> object:
    """Some rooms write what was and what is as a list of the two."""
    if change.verb == "changed" and name not in NAME_LISTS and isinstance(value, list):
        return {"from": value[0], "to": value[1]} if len(value) == 2 else value
    return value


def _words(value: object) -> str:
    if isinstance(value, dict) and value.keys() == {"from", "to"}:
        return f"{_short(value['from'])} → {_short(value['to'])}"
    return _short(value)


def _short(value: object) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        value = ", ".join(map(str, value))
    text = "–" if value in (None, "") else str(value)
    return text if len(text) <= MAX_CHARACTERS else f"{text[:MAX_CHARACTERS]}…"
