"""Template filters for all rooms."""

from django import template
from django.utils.safestring import SafeString

from appliance.core.markdown import escape, quote, render

register = template.Library()


@register.filter
def markdown(text: str) -> SafeString:
    """Return safe HTML of a message or an article."""
    return render(text)


@register.filter
def percent(share: float) -> int:
    """Return a share between 0 and 1 as a whole number of percent: 0.874 → 87."""
    return round(max(0.0, min(1.0, share)) * 100)


@register.filter
def as_link_text(text: str) -> str:
    """Return Markdown that reads like a title, for the words of a link."""
    return escape(text)


@register.filter
def quoted(text: str) -> str:
    """Return Markdown of a quotation that reads like the text."""
    return quote(text)
