"""Verbs on notices, preferences and the outbox. Each is atomic."""

from appliance.notifications.services.digests import gather_digests
from appliance.notifications.services.notices import (
    mark_all_read,
    mark_article_seen,
    mark_read,
    mark_seen,
)
from appliance.notifications.services.outbox import (
    drop_mail,
    forget_addresses,
    queue_mail,
    retry_mail,
)
from appliance.notifications.services.preferences import set_preferences
from appliance.notifications.services.reviews import tell_of_reviews
from appliance.notifications.services.sending import send_due
from appliance.notifications.services.telling import tell
from appliance.notifications.services.tidying import tidy
