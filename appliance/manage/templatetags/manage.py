"""What the pages of the set-up may do to a value."""

from django import template
from django.utils.translation import gettext as _

from appliance.core.models import Change

register = template.Library()
MOST_CHARACTERS = 120


@register.filter
def details(change: Change) -> list[tuple[str, str]]:
    """Name and words of everything a change says: “was → is”, or just what it is."""
    return [(name.replace("_", " "), _words(value)) for name, value in change.data.items()]


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
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}…"
