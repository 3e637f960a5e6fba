"""The badge of unread notifications and the line of text of one notification."""

from django import template

from appliance.notifications import badge, texts

register = template.Library()
register.inclusion_tag("notifications/_badge.html", takes_context=True, name="notification_badge")(
    badge.badge_of_request
)
register.filter("line", texts.notification_line)
