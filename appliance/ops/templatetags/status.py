"""Template filters for the numbers of the status pages."""

from django import template
from django.utils.formats import number_format

register = template.Library()


@register.filter
def share(value: float | None) -> str:
    """Return a share in per cent: 0.9987 → "99.9 %"; a dash for None."""
    return "–" if value is None else f"{number_format(100 * value, 1)} %"


@register.filter
def ms(value: float | None) -> str:
    """Return milliseconds below a second, seconds from there on; a dash for None."""
    if value is None:
        return "–"
    if value >= 1000:
        return f"{number_format(value / 1000, 1)} s"
    return f"{number_format(value, 1 if value < 100 else 0)} ms"
