"""What people do with received e-mails that became no ticket by themselves."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from appliance.accounts.models import User
from appliance.accounts.permissions import require_admin
from appliance.core import audit
from appliance.core.errors import BadInputError, ForbiddenError
from appliance.files import services as files_services
from appliance.mail import queries
from appliance.mail.models import InboundEmail
from appliance.mail.services.mailboxes import add_blocked_sender
from appliance.mail.services.receiving import wake_worker

State = InboundEmail.State
ACCEPTABLE = (State.HELD, State.IGNORED, State.REFUSED)


@transaction.atomic
def accept_email(*, email: InboundEmail, by: User) -> None:
    """Let the worker make a ticket of an e-mail that was held, ignored or refused."""
    locked = _lock(email, by, ACCEPTABLE)
    _queue(locked, accepted_by=by)
    audit.record_change(by=by, verb="accepted", subject=locked)


@transaction.atomic
def retry_email(*, email: InboundEmail, by: User) -> None:
    """Process an e-mail that failed once more, with all attempts."""
    require_admin(by)
    _queue(_lock(email, by, (State.FAILED,)), accepted_by=email.accepted_by)


@transaction.atomic
def delete_email(*, email: InboundEmail, by: User) -> None:
    """Delete an e-mail that became no ticket, with its source."""
    locked = _lock(email, by, (*ACCEPTABLE, State.FAILED))
    audit.record_change(by=by, verb="removed", subject=locked)
    source = locked.source
    locked.delete()
    if source:
        files_services.remove(stored_file=source)


@transaction.atomic
def block_sender(*, email: InboundEmail, by: User) -> None:
    """Ignore the sender from now on, and delete this e-mail."""
    locked = _lock(email, by, (*ACCEPTABLE, State.FAILED))
    if not locked.sender:
        raise BadInputError(_("The e-mail has no address of a sender."))
    if not queries.is_blocked(locked.sender):
        add_blocked_sender(by=by, pattern=locked.sender, note=locked.subject[:200])
    delete_email(email=locked, by=by)


def _lock(email: InboundEmail, by: User, states: tuple[State, ...]) -> InboundEmail:
    """Return the e-mail, locked. Raises BadInputError if somebody was faster."""
    if not by.is_agent:
        raise ForbiddenError(_("This page is for agents only."))
    locked = InboundEmail.objects.select_for_update(of=["self"]).filter(pk=email.pk).first()
    if locked is None or locked.state not in states:
        raise BadInputError(_("Somebody else has dealt with this e-mail meanwhile."))
    return locked


def _queue(email: InboundEmail, *, accepted_by: User | None) -> None:
    email.state, email.reason, email.attempts = State.RECEIVED, "", 0
    email.not_before, email.accepted_by = timezone.now(), accepted_by
    email.save()
    wake_worker()
