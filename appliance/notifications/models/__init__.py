"""Notifications, the channels each user has chosen for them, and the outbox of e-mails."""

from appliance.notifications.models.email import (
    EmailSettings,
    EmailText,
    Forward,
    OutgoingEmail,
    Security,
    SenderAddress,
    ThreadReference,
)
from appliance.notifications.models.notification import (
    EmailFrequency,
    Kind,
    Notification,
    Preference,
)
