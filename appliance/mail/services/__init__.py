"""Writes to mailboxes and received e-mails."""

from appliance.mail.services.erasing import erase_emails
from appliance.mail.services.fetching import fetch_new, record_failure, record_success
from appliance.mail.services.held import accept_email, block_sender, delete_email, retry_email
from appliance.mail.services.mailboxes import (
    add_blocked_sender,
    add_mailbox,
    change_blocked_sender,
    change_mail_settings,
    change_mailbox,
    remove_blocked_sender,
    remove_mailbox,
    try_mailbox,
    with_password,
)
from appliance.mail.services.processing import process_received
from appliance.mail.services.receiving import receive, wake_worker
