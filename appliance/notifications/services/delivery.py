"""Letters leave the house: claimed one by one, sent outside any transaction, then settled.

A worker that dies between the two sends the letter again five minutes later, with the same
message id. While no SMTP server is named nothing is claimed and everything waits.
"""

import smtplib
import time
from datetime import timedelta

import structlog
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from appliance.notifications import email_builder, queries
from appliance.notifications.models import Notification, OutgoingEmail

log = structlog.get_logger(__name__)
State = OutgoingEmail.State
CLAIM_SECONDS = timedelta(minutes=5)  # how long a claim is believed
MAX_ATTEMPTS = 10  # with the pauses below: about a day
MAX_PAUSE = timedelta(hours=6)
# ValueError: no address, no header. Whatever else smtplib raises means the server: OSError.
REFUSED_CODES = (
    smtplib.SMTPRecipientsRefused,
    smtplib.SMTPSenderRefused,
    smtplib.SMTPDataError,
    ValueError,
)


def send_due(*, seconds: float = 20) -> int:
    """Send what may go now, for about so long. How many were sent; never raises for a server
    that is away: the letters wait and are tried again later and later."""
    if not queries.has_smtp():
        return 0
    until, sent, server = time.monotonic() + seconds, 0, mail.get_connection()
    try:
        while time.monotonic() < until and (email := claim()):
            outcome = _send(email, server)
            sent += outcome == "sent"
            if outcome == "away":
                break
    finally:
        _close_connection(server)
    return sent


@transaction.atomic
def claim() -> OutgoingEmail | None:
    """The letter that is due longest, ours for five minutes. The try is counted at once."""
    now = timezone.now()
    free = Q(claimed_until=None) | Q(claimed_until__lt=now)
    due = OutgoingEmail.objects.filter(free, state=State.WAITING, not_before__lte=now)
    due = due.filter(is_for_digest=False).order_by("not_before", "id")
    email = due.select_for_update(skip_locked=True).first()
    if email:
        email.attempts += 1
        email.claimed_until = now + CLAIM_SECONDS
        email.save(update_fields=["attempts", "claimed_until"])
    return email


def _send(email: OutgoingEmail, server: BaseEmailBackend) -> str:
    """``sent``, ``dropped``, ``refused``, or ``away`` when the server itself does not answer."""
    if why := email_builder.why_not(email):
        set_state(email, State.DROPPED, reason=why)
        return "dropped"
    try:
        server.open()
        server.send_messages([email_builder.seal(email, server)])
    except REFUSED_CODES as error:
        _is_refused(email, error)
        return "refused"
    except OSError as error:
        _retry_later(email, error)
        log.warning("smtp_away", error=type(error).__name__)
        return "away"
    set_state(email, State.SENT)
    return "sent"


def _is_refused(email: OutgoingEmail, error: Exception) -> None:
    """For good (500 and above) ends it; for now is tried again."""
    codes = [getattr(error, "smtp_code", None)]
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = [code for code, _ in error.recipients.values()]
    is_final = isinstance(error, ValueError) or all((code or 0) >= 500 for code in codes)
    if is_final:
        set_state(email, State.FAILED, reason=_error_text(error))
    else:
        _retry_later(email, error)


def _retry_later(email: OutgoingEmail, error: Exception) -> None:
    """Later, each time twice as much later; after the last try it is given up."""
    if email.attempts >= MAX_ATTEMPTS:
        return set_state(email, State.FAILED, reason=_error_text(error))
    pause = min(timedelta(minutes=2 ** (email.attempts - 1)), MAX_PAUSE)
    set_state(email, State.WAITING, reason=_error_text(error), not_before=timezone.now() + pause)


def set_state(email: OutgoingEmail, state: str, reason: str = "", **more: object) -> None:
    """Write how it ended, unless the claim ran out and somebody else has it now."""
    if state == State.SENT:
        more["sent_at"] = timezone.now()
    OutgoingEmail.objects.filter(pk=email.pk, claimed_until=email.claimed_until).update(
        state=state, reason=reason[:300], claimed_until=None, **more
    )


def _error_text(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _close_connection(server: BaseEmailBackend) -> None:
    try:
        server.close()
    except OSError as error:
        log.info("smtp_hung_up", error=type(error).__name__)


KEEP_READ = timedelta(days=30)
KEEP_UNREAD = timedelta(days=180)
KEEP_MAIL = timedelta(days=30)
KEEP_WAITING = timedelta(days=3)  # older news helps nobody, and must not come as a flood


@transaction.atomic
def tidy() -> int:
    """Remove old notices and letters; what waited too long is not sent. How many rows went."""
    now = timezone.now()
    waiting = OutgoingEmail.objects.filter(state=State.WAITING, created_at__lt=now - KEEP_WAITING)
    waiting.exclude(kind="", is_digest=False).update(
        state=State.DROPPED, reason=_("Not sent within three days.")
    )
    old = Q(read_at__isnull=False, at__lt=now - KEEP_READ) | Q(at__lt=now - KEEP_UNREAD)
    gone, _rows = Notification.objects.filter(old).delete()
    emails = OutgoingEmail.objects.filter(created_at__lt=now - KEEP_MAIL)
    gone_too, _rows = emails.exclude(state=State.WAITING).delete()
    return gone + gone_too
