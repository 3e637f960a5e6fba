"""The badge of unread notifications and the line of text of one notification."""

from django import template
from django.template.context import RequestContext

from appliance.notifications import badge, texts
from appliance.notifications.models import Notification

register = template.Library()


@register.inclusion_tag("notifications/_badge.html", takes_context=True)
def notification_badge(context: RequestContext) -> dict[str, object]:
    """Render the badge of the user who is logged in."""
    return badge.context(context["request"].user)


@register.filter
def line(notification: Notification) -> str:
    """Return who did what, and how many more events the notification stands for."""
    return texts.notification_line(notification)
