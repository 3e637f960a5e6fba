"""Writes to mailboxes and received e-mails."""

from appliance.mail.services.fetching import fetch_new, record_failure, record_success
from appliance.mail.services.receiving import receive, wake_worker
