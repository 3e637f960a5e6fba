"""What the pages of the desk draw without a template."""

from django import template
from django.template.context import RequestContext
from django.utils.safestring import SafeString

from appliance.desk import cells

register = template.Library()


@register.simple_tag(takes_context=True)
def rows(context: RequestContext) -> SafeString:
    """The rows of the list. Context: page, headings, may_change_many, chosen."""
    return cells.rows(
        context["page"].rows,
        [heading.name for heading in context["headings"]],
        may_choose=context["may_change_many"],
        chosen=context.get("chosen", ()),
    )


@register.filter
def mood(name: str | None) -> SafeString:
    """negative → a face and a word."""
    return cells.Words().mood(name)
