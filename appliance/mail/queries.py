"""Reads of mailboxes and received e-mails, scoped to the viewer."""

from appliance.mail.models import MailSettings


def mail_settings() -> MailSettings:
    """Return the settings; the defaults while nobody has saved any."""
    return MailSettings.objects.first() or MailSettings()
