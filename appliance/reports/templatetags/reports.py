"""Template filters for reports."""

from django import template

from appliance.accounts.permissions import can_see_reports
from appliance.reports import formatting
from appliance.reports.models import Dimension

register = template.Library()
register.filter("duration", formatting.duration)
register.filter("share", formatting.percent)
register.filter("number", formatting.number)
register.filter("can_see_reports", can_see_reports)


@register.filter
def dimension(value: str | None) -> str:
    """Return the label of a dimension."""
    return str(Dimension(value or Dimension.CATEGORY).label)
