"""Template filters for reports."""

from django import template

from appliance.accounts import permissions
from appliance.accounts.models import Right, User
from appliance.reports import formatting
from appliance.reports.models import Dimension

register = template.Library()
register.filter("duration", formatting.duration)
register.filter("share", formatting.percent)
register.filter("number", formatting.number)


@register.filter
def sees_reports(viewer: User) -> bool:
    """Return whether the user may see reports; no query while the cache holds the answer."""
    return permissions.has_right(viewer, Right.REPORTS)


@register.filter
def dimension(value: str | None) -> str:
    """Return the label of a dimension."""
    return str(Dimension(value or Dimension.CATEGORY).label)
