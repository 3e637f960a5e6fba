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

from appliance.notifications import envelope, queries
from appliance.notifications.models import OutgoingMail

log = structlog.get_logger(__name__)
State = OutgoingMail.State
HOLD = timedelta(minutes=5)  # how long a claim is believed
MOST_ATTEMPTS = 10  # with the pauses below: about a day
LONGEST_PAUSE = timedelta(hours=6)
# ValueError: no address, no header. Whatever else smtplib raises means the server: OSError.
REFUSED = (
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
        while time.monotonic() < until and (letter := claim()):
            outcome = _send(letter, server)
            sent += outcome == "sent"
            if outcome == "away":
                break
    finally:
        _hang_up(server)
    return sent


@transaction.atomic
def claim() -> OutgoingMail | None:
    """The letter that is due longest, ours for five minutes. The try is counted at once."""
    now = timezone.now()
    free = Q(claimed_until=None) | Q(claimed_until__lt=now)
    due = OutgoingMail.objects.filter(free, state=State.WAITING, not_before__lte=now)
    due = due.filter(is_for_digest=False).order_by("not_before", "id")
    letter = due.select_for_update(skip_locked=True).first()
    if letter:
        letter.attempts += 1
        letter.claimed_until = now + HOLD
        letter.save(update_fields=["attempts", "claimed_until"])
    return letter


def _send(letter: OutgoingMail, server: BaseEmailBackend) -> str:
    """``sent``, ``dropped``, ``refused``, or ``away`` when the server itself does not answer."""
    if why := envelope.why_not(letter):
        settle(letter, State.DROPPED, said=why)
        return "dropped"
    try:
        server.open()
        server.send_messages([envelope.seal(letter, server)])
    except REFUSED as error:
        _refused(letter, error)
        return "refused"
    except OSError as error:
        _again(letter, error)
        log.warning("smtp_away", error=type(error).__name__)
        return "away"
    settle(letter, State.SENT)
    return "sent"


def _refused(letter: OutgoingMail, error: Exception) -> None:
    """For good (500 and above) ends it; for now is tried again."""
    codes = [getattr(error, "smtp_code", None)]
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = [code for code, _ in error.recipients.values()]
    is_final = isinstance(error, ValueError) or all((code or 0) >= 500 for code in codes)
    if is_final:
        settle(letter, State.FAILED, said=_words(error))
    else:
        _again(letter, error)


def _again(letter: OutgoingMail, error: Exception) -> None:
    """Later, each time twice as much later; after the last try it is given up."""
    if letter.attempts >= MOST_ATTEMPTS:
        return settle(letter, State.FAILED, said=_words(error))
    pause = min(timedelta(minutes=2 ** (letter.attempts - 1)), LONGEST_PAUSE)
    settle(letter, State.WAITING, said=_words(error), not_before=timezone.now() + pause)


def settle(letter: OutgoingMail, state: str, said: str = "", **more: object) -> None:
    """Write how it ended, unless the claim ran out and somebody else has it now."""
    if state == State.SENT:
        more["sent_at"] = timezone.now()
    OutgoingMail.objects.filter(pk=letter.pk, claimed_until=letter.claimed_until).update(
        state=state, said=said[:300], claimed_until=None, **more
    )


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _hang_up(server: BaseEmailBackend) -> None:
    try:
        server.close()
    except OSError as error:
        log.info("smtp_hung_up", error=type(error).__name__)
