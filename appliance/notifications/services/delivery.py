"""Sending of the outbox: each e-mail is claimed, sent outside any transaction, then settled.

A worker that dies in between leaves a claim that expires; the e-mail is sent again five minutes
later with the same message id. While no mail server is configured nothing is claimed.
"""

import smtplib
import time
from datetime import datetime, timedelta
from enum import Enum

import structlog
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from appliance.core import queries as core_queries
from appliance.notifications import email_builder, senders, smtp
from appliance.notifications.models import Notification, OutgoingEmail
from appliance.notifications.senders import MailServer
from appliance.tickets import services as tickets_services

log = structlog.get_logger(__name__)
State = OutgoingEmail.State
CLAIM_DURATION = timedelta(minutes=5)
MAX_ATTEMPTS = 10  # with the pauses below: about a day
MAX_PAUSE = timedelta(hours=6)
KEEP_READ = timedelta(days=30)
KEEP_UNREAD = timedelta(days=180)
KEEP_EMAILS = timedelta(days=30)
KEEP_WAITING = timedelta(days=3)  # older news helps nobody, and must not come as a flood
# The e-mail is at fault. ValueError: no address, no header. Anything else that smtplib raises is an
# OSError and means the server.
REFUSALS = (
    smtplib.SMTPRecipientsRefused,
    smtplib.SMTPSenderRefused,
    smtplib.SMTPDataError,
    ValueError,
)


class Outcome(Enum):
    """How one attempt to send an e-mail ended."""

    SENT = "sent"
    DROPPED = "dropped"
    REFUSED = "refused"
    UNAVAILABLE = "unavailable"  # the server does not answer


def send_due(*, seconds: float = 20) -> int:
    """Send what is due, for about so long; return how many were sent.

    Never raises for a server that is unavailable: the e-mails wait and are retried with growing
    pauses.
    """
    if not senders.can_send():
        return 0
    server, limit = senders.find_mail_server(), senders.email_settings().max_emails_per_minute
    deadline, count = time.monotonic() + seconds, 0
    with smtp.connect(server) as connection:
        while count < limit and time.monotonic() < deadline and (email := claim()):
            outcome = _send(email, server, connection)
            count += outcome is Outcome.SENT
            if outcome is Outcome.UNAVAILABLE:
                break
    return count


@transaction.atomic
def claim() -> OutgoingEmail | None:
    """Return the e-mail that is due longest, claimed for five minutes; the attempt is counted."""
    now = timezone.now()
    unclaimed = Q(claimed_until=None) | Q(claimed_until__lt=now)
    due = OutgoingEmail.objects.filter(unclaimed, state=State.WAITING, not_before__lte=now)
    due = due.filter(is_for_digest=False).order_by("priority", "not_before", "id")
    email = due.select_for_update(skip_locked=True).first()
    if email:
        email.attempts += 1
        email.claimed_until = now + CLAIM_DURATION
        email.save(update_fields=["attempts", "claimed_until"])
    return email


def _send(email: OutgoingEmail, server: MailServer, connection: BaseEmailBackend) -> Outcome:
    if reason := email_builder.find_drop_reason(email):
        set_state(email, State.DROPPED, reason=reason)
        return Outcome.DROPPED
    try:
        message = email_builder.build_message(email, connection)
        connection.open()
        connection.send_messages([message])
    except REFUSALS as error:
        _handle_refusal(email, error, server)
        return Outcome.REFUSED
    except OSError as error:
        _retry_later(email, _error_text(error, server))
        log.warning("smtp_unavailable", error=type(error).__name__)
        return Outcome.UNAVAILABLE
    set_state(email, State.SENT)
    return Outcome.SENT


def _handle_refusal(email: OutgoingEmail, error: Exception, server: MailServer) -> None:
    """Give up after a permanent error (500 and above); retry after a temporary one."""
    codes = [getattr(error, "smtp_code", None)]
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = [code for code, _ in error.recipients.values()]
    is_permanent = isinstance(error, ValueError) or all((code or 0) >= 500 for code in codes)
    if is_permanent:
        _give_up(email, _error_text(error, server))
    else:
        _retry_later(email, _error_text(error, server))


def _retry_later(email: OutgoingEmail, reason: str) -> None:
    """Schedule the next attempt, each time after twice the pause; give up after the last."""
    if email.attempts >= MAX_ATTEMPTS:
        return _give_up(email, reason)
    pause = min(timedelta(minutes=2 ** (email.attempts - 1)), MAX_PAUSE)
    set_state(email, State.WAITING, reason=reason, not_before=timezone.now() + pause)


@transaction.atomic
def _give_up(email: OutgoingEmail, reason: str) -> None:
    if set_state(email, State.FAILED, reason=reason):
        _record_undelivered(email, reason)


def _record_undelivered(email: OutgoingEmail, reason: str) -> None:
    """Record on the ticket that somebody outside did not get an e-mail that a person wrote."""
    if email.ticket and email.recipient[:1] in ("c", "p", "s"):
        tickets_services.record_undelivered(ticket=email.ticket, to=email.to, reason=reason)


@transaction.atomic
def mark_bounced(*, email: OutgoingEmail, reason: str) -> None:
    """Mark an e-mail that was sent and came back. Again, it changes nothing."""
    sent = OutgoingEmail.objects.filter(pk=email.pk, state=State.SENT)
    if sent.update(state=State.BOUNCED, reason=reason[:300]):
        _record_undelivered(email, reason[:300])


def set_state(
    email: OutgoingEmail, state: str, *, reason: str = "", not_before: datetime | None = None
) -> bool:
    """Write how the attempt ended, unless the claim has expired and another worker has it now.

    Returns whether it was written.
    """
    claimed = OutgoingEmail.objects.filter(pk=email.pk, claimed_until=email.claimed_until)
    return bool(
        claimed.update(
            state=state,
            reason=reason[:300],
            claimed_until=None,
            sent_at=timezone.now() if state == State.SENT else F("sent_at"),
            not_before=not_before or F("not_before"),
        )
    )


def _error_text(error: Exception, server: MailServer) -> str:
    """Return why the e-mail was not sent, in the language of the site."""
    with translation.override(core_queries.locale_defaults()[0]):
        return str(error) if isinstance(error, ValueError) else smtp.describe_error(error, server)


@transaction.atomic
def purge() -> int:
    """Delete old notifications and e-mails, return how many; drop e-mails that waited too long."""
    now = timezone.now()
    waiting = OutgoingEmail.objects.filter(state=State.WAITING, created_at__lt=now - KEEP_WAITING)
    waiting.exclude(kind="", is_digest=False).update(
        state=State.DROPPED, reason=_("Not sent within three days.")
    )
    # alarms of model quality stay longer: they remember of which months an admin was told
    old = Q(read_at__isnull=False, at__lt=now - KEEP_READ, measure="")
    old |= Q(at__lt=now - KEEP_UNREAD)
    notification_count, _by_model = Notification.objects.filter(old).delete()
    emails = OutgoingEmail.objects.filter(created_at__lt=now - KEEP_EMAILS)
    email_count, _by_model = emails.exclude(state=State.WAITING).delete()
    return notification_count + email_count
