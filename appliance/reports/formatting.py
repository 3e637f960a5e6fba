"""Format metrics for display."""

from collections.abc import Mapping

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from appliance.core.types import keep_together
from appliance.reports.models import Dimension

NO_VALUE = "–"
NO_PART_LABELS = {
    Dimension.CATEGORY: gettext_lazy("Uncategorised"),
    Dimension.TEAM: gettext_lazy("No team"),
    Dimension.AGENT: gettext_lazy("Nobody"),
    Dimension.ORGANISATION: gettext_lazy("No organisation"),
    Dimension.CHANNEL: gettext_lazy("No channel"),
    Dimension.LANGUAGE: gettext_lazy("Not recognised"),
}


def duration(seconds: float | None) -> str:
    """Return the two largest units: "47 min", "3 h 20 min", "4 d 6 h"; no line breaks them."""
    return NO_VALUE if seconds is None else keep_together(_two_units(seconds))


def _two_units(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 60:
        return _("%(n)s min") % {"n": minutes}
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        rest = " " + _("%(n)s min") % {"n": minutes} if minutes else ""
        return _("%(n)s h") % {"n": hours} + rest
    days, hours = divmod(hours, 24)
    rest = " " + _("%(n)s h") % {"n": hours} if hours else ""
    return _("%(n)s d") % {"n": number_format(days, force_grouping=True)} + rest


def percent(share: float | None) -> str:
    """Return a share 0..1 in per cent."""
    return NO_VALUE if share is None else keep_together(_("%(n)s %%") % {"n": round(share * 100)})


def number(value: float | None) -> str:
    return NO_VALUE if value is None else number_format(value, force_grouping=True)


def part_label(dimension: str, part: int | None, names: Mapping[int, str]) -> str:
    """Return the label of a part; a deleted one shows its id."""
    if part is None:
        return str(NO_PART_LABELS[Dimension(dimension)])
    return names.get(part) or _("deleted (%(n)s)") % {"n": part}
