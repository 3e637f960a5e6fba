"""Figures in templates."""

from django import template

from appliance.reports import words
from appliance.reports.models import Dimension

register = template.Library()
register.filter("duration", words.duration)
register.filter("share", words.percent)
register.filter("figure", words.number)


@register.filter
def dimension(value: str | None) -> str:
    """What the rows of this dimension are."""
    return Dimension(value or Dimension.CATEGORY).label
