"""Writes to mailboxes and received e-mails."""

from appliance.mail.services.receiving import receive, wake_worker
