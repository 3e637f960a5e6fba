"""Figures in templates."""

from django import template

from appliance.accounts.models import User
from appliance.reports import formatting, queries
from appliance.reports.models import Dimension

register = template.Library()
register.filter("duration", formatting.duration)
register.filter("share", formatting.percent)
register.filter("figure", formatting.number)


@register.filter
def sees_reports(viewer: User) -> bool:
    """Whether the way to the reports is shown; no query while the cache knows."""
    return queries.has_right(viewer)


@register.filter
def dimension(value: str | None) -> str:
    """What the rows of this dimension are."""
    return Dimension(value or Dimension.CATEGORY).label
