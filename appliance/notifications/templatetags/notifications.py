"""The bell and the words of a notice."""

from django import template
from django.template.context import RequestContext

from appliance.notifications import queries, texts
from appliance.notifications.models import Notification
from appliance.notifications.queries import MAX_COUNTED

register = template.Library()


@register.inclusion_tag("notifications/_bell.html", takes_context=True)
def bell(context: RequestContext) -> dict:
    """Unread notices of whoever looks. No query while the cache knows."""
    viewer = context["request"].user
    # read before the number: a change in between shows at the next look instead of never
    generation = queries.badge_generation(viewer)
    count = queries.count_unread(viewer)
    shown = f"{MAX_COUNTED - 1}+" if count >= MAX_COUNTED else str(count)
    return {"count": count, "shown": shown, "generation": generation or 0}


@register.filter
def line(notice: Notification) -> str:
    """Who did what, and what folded into it."""
    return texts.notification_line(notice)
