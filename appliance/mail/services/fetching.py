"""Receive what is new in a mailbox, and record how it went."""

from collections.abc import Callable
from datetime import timedelta

from django.db.models import F
from django.db.models.functions import Coalesce, Now
from django.utils import timezone
from imapclient import IMAPClient

from appliance.mail import imap, queries
from appliance.mail.models import InboundEmail, Mailbox
from appliance.mail.services.receiving import receive

MAX_PAUSE = timedelta(minutes=15)
MB = 1024 * 1024


def fetch_new(
    client: IMAPClient, mailbox: Mailbox, *, is_stopped: Callable[[], bool] = lambda: False
) -> int:
    """Receive the new e-mails of a mailbox, oldest first, and return how many.

    Each is committed before the server is told. If this is killed in between, the e-mail comes
    again, is recognised, and the server is told then.
    """
    folder = imap.select(client, mailbox)
    uid_validity = folder[b"UIDVALIDITY"]
    uids = imap.list_new(client, mailbox, uid_validity)
    if uid_validity != mailbox.uid_validity:  # what was read before the first time stays
        _remember_place(mailbox, uid_validity, imap.last_uid(client, folder))
    limit_bytes = queries.mail_settings().max_message_mb * MB
    count = 0
    for uid in uids:
        if is_stopped():
            break
        count += _receive(client, mailbox, uid_validity, uid, limit_bytes)
        imap.set_aside(client, mailbox, uid)
        _remember_place(mailbox, uid_validity, uid)
    return count


def _receive(
    client: IMAPClient, mailbox: Mailbox, uid_validity: int, uid: int, limit_bytes: int
) -> bool:
    """Return whether the e-mail was received, and not known or gone."""
    location = imap.location(mailbox, uid_validity, uid)
    if InboundEmail.objects.filter(location=location).exists():
        return False
    fetched = imap.fetch(client, uid, limit_bytes)
    if fetched is None:
        return False
    source, size = fetched
    receive(mailbox=mailbox, source=source, size=size, location=location)
    return True


def _remember_place(mailbox: Mailbox, uid_validity: int, uid: int) -> None:
    if uid_validity != mailbox.uid_validity:
        mailbox.uid_validity, mailbox.last_uid = uid_validity, 0
    mailbox.last_uid = max(mailbox.last_uid, uid)
    Mailbox.objects.filter(pk=mailbox.pk).update(
        uid_validity=mailbox.uid_validity, last_uid=mailbox.last_uid
    )


def record_success(mailbox: Mailbox) -> None:
    """Record that the mailbox was read just now."""
    Mailbox.objects.filter(pk=mailbox.pk).update(
        last_success_at=Now(), last_error="", failing_since=None, failures=0, next_try_at=None
    )


def record_failure(mailbox: Mailbox, reason: str) -> timedelta:
    """Record why the mailbox could not be read; return the pause, which grows with each failure."""
    pause = min(timedelta(seconds=mailbox.poll_seconds * 2 ** min(mailbox.failures, 10)), MAX_PAUSE)
    mailbox.failures += 1
    Mailbox.objects.filter(pk=mailbox.pk).update(
        last_error=reason[:500],
        failing_since=Coalesce(F("failing_since"), Now()),
        failures=mailbox.failures,
        next_try_at=timezone.now() + pause,
    )
    return pause
