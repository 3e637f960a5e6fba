"""What templates may do to a value."""

from django import template
from django.utils.safestring import SafeString

from appliance.core.markdown import render

register = template.Library()


@register.filter
def markdown(text: str) -> SafeString:
    """Safe HTML of a message or an article."""
    return render(text)


@register.filter
def percent(share: float) -> int:
    """0.874 → 87."""
    return round(max(0.0, min(1.0, share)) * 100)
