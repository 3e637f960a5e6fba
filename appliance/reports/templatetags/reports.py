"""Figures in templates."""

from django import template

from appliance.accounts.models import User
from appliance.reports import queries, words
from appliance.reports.models import Dimension

register = template.Library()
register.filter("duration", words.duration)
register.filter("share", words.percent)
register.filter("figure", words.number)


@register.filter
def sees_reports(viewer: User) -> bool:
    """Whether the way to the reports is shown; no query while the cache knows."""
    return queries.has_right(viewer)


@register.filter
def dimension(value: str | None) -> str:
    """What the rows of this dimension are."""
    return Dimension(value or Dimension.CATEGORY).label
