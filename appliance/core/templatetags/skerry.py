"""Template filters for all rooms."""

from django import template
from django.utils.safestring import SafeString

from appliance.core.markdown import render

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
    """Escape a title for use between the brackets of a Markdown link."""
    return text.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")


@register.filter
def quoted(text: str) -> str:
    """Put "> " before each line."""
    return "\n".join(f"> {line}".rstrip() for line in text.strip().splitlines())
