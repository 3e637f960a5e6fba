"""Writes to notifications, preferences and the outbox. Each is atomic."""

from appliance.notifications.services import registrations
from appliance.notifications.services.delivery import mark_bounced, purge, send_due
from appliance.notifications.services.email_settings import (
    add_sender_address,
    change_email_settings,
    change_email_text,
    change_sender_address,
    remove_sender_address,
    reset_email_text,
    send_test_email,
)
from appliance.notifications.services.emails import build_digests, record_received
from appliance.notifications.services.forwarding import add_forward_answer, forward_ticket
from appliance.notifications.services.notifications import (
    mark_all_read,
    mark_article_read,
    mark_read,
    mark_ticket_read,
    on_ticket_event,
    on_ticket_events,
    set_preferences,
)
from appliance.notifications.services.outbox import (
    cancel_email,
    erase_addresses,
    queue_email,
    retry_email,
)
from appliance.notifications.services.quality import notify_quality_alarms
from appliance.notifications.services.reviews import notify_due_reviews
