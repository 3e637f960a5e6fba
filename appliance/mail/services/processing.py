"""The second of two transactions: a received e-mail becomes a ticket, a message, or is set aside.

``claim`` commits the attempt, so that an e-mail that kills the worker is not tried for ever. All
that follows from the e-mail is one transaction with its new state: whatever is killed, it is
processed once.
"""

import time
from datetime import timedelta

import structlog
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from appliance.core.errors import SkerryError
from appliance.files import queries as files_queries
from appliance.files import services as files_services
from appliance.mail.models import InboundEmail
from appliance.mail.services.intake import take_in

log = structlog.get_logger(__name__)
State = InboundEmail.State
MAX_ATTEMPTS = 6  # with the pauses below: within half an hour


def process_received(*, seconds: float = 20) -> int:
    """Process the e-mails that are due, for about so long; return how many."""
    deadline, count = time.monotonic() + seconds, 0
    while time.monotonic() < deadline and (email := claim()):
        count += 1
        try:
            process(email)
        except Exception as error:  # whatever an e-mail from outside may bring about
            log.exception("email_failed", email=email.pk, attempt=email.attempts)
            _postpone(email, error)
    return count


@transaction.atomic
def claim() -> InboundEmail | None:
    """Return the e-mail that is due longest, with the next attempt after a growing pause."""
    now = timezone.now()
    due = InboundEmail.objects.filter(state=State.RECEIVED, not_before__lte=now)
    email = due.select_for_update(skip_locked=True).order_by("not_before", "id").first()
    if email:
        email.attempts += 1
        email.not_before = now + timedelta(minutes=2 ** (email.attempts - 1))
        email.save(update_fields=["attempts", "not_before"])
    return email


def process(email: InboundEmail) -> None:
    """Do what follows from a received e-mail, in one transaction with its new state."""
    with files_services.atomic():
        locked = InboundEmail.objects.select_for_update(of=["self"]).filter(
            pk=email.pk, state=State.RECEIVED
        )
        current = locked.select_related("mailbox", "source").first()
        if current is None:  # another worker has done it
            return
        assert current.source is not None  # erased with a ticket only, which it does not have yet
        with files_queries.open_file(current.source) as stream:
            take_in(current, stream.read())
        current.processed_at = timezone.now()
        current.save()


def _postpone(email: InboundEmail, error: Exception) -> None:
    """Say what went wrong; after the last attempt the e-mail waits for an admin."""
    is_known = isinstance(error, SkerryError)
    reason = str(error) if is_known else _("Unexpected error: %s") % type(error).__name__
    is_last = email.attempts >= MAX_ATTEMPTS
    InboundEmail.objects.filter(pk=email.pk, state=State.RECEIVED).update(
        state=State.FAILED if is_last else State.RECEIVED, reason=reason[:500]
    )
