"""The outbox: a letter is queued in the transaction it follows from, then sent, kept or dropped."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.http import Http404
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from appliance.accounts.models import User
from appliance.core import audit
from appliance.core.errors import BadInputError, ForbiddenError
from appliance.notifications.models import Notification, OutgoingEmail
from appliance.notifications.texts import changed_for
from appliance.tickets.models import Ticket

State = OutgoingEmail.State
ID_HOST = "skerry.invalid"  # the right of a message id; a name nobody can own


@transaction.atomic
def queue_email(
    *,
    to: str,
    subject: str,
    body: str,
    key: str,
    user: User | None = None,
    ticket: Ticket | None = None,
    not_before: datetime | None = None,
) -> OutgoingEmail:
    """A letter of its own. The same ``key`` again gives the letter queued the first time."""
    email = build_email(to=to, subject=subject, body=body, key=key, user=user, ticket=ticket)
    email.not_before = not_before or email.not_before
    OutgoingEmail.objects.bulk_create([email], ignore_conflicts=True)
    return OutgoingEmail.objects.get(key=email.key)


def build_email(*, key: str, subject: str, ticket: Ticket | None, **more: object) -> OutgoingEmail:
    """Unsaved. Its message id follows from the key and the desk's own secret: whoever receives a
    repeat knows it, and no other desk makes the same one.
    """
    digest = salted_hmac("notifications.email", key, algorithm="sha256").hexdigest()[:32]
    return OutgoingEmail(
        key=key[:120],
        subject=" ".join(subject.split())[:250],
        ticket=ticket,
        message_id=f"<{digest}@{ID_HOST}>",
        thread=thread_of(ticket) if ticket else "",
        **more,
    )


def thread_of(ticket: Ticket) -> str:
    """All letters of a ticket refer to this one, so that mail programs keep them together."""
    return f"<ticket-{ticket.pk}-{ticket.idempotency_key.hex[:12]}@{ID_HOST}>"


@transaction.atomic
def retry_email(*, mail_id: int, by: User) -> None:
    """Try again, now, with all tries before it. Only what was given up or not sent."""
    email = _own_domain(mail_id, by)
    if email.state not in (State.FAILED, State.DROPPED):
        raise BadInputError(_("Only an e-mail that failed or was not sent can be retried."))
    if not email.to:
        raise BadInputError(
            _(
                "The content of this e-mail was deleted when its recipient was anonymised. It "
                "cannot be sent."
            )
        )
    email.state, email.attempts, email.reason = State.WAITING, 0, ""
    email.not_before, email.claimed_until = timezone.now(), None
    email.save(update_fields=["state", "attempts", "reason", "not_before", "claimed_until"])
    audit.record_change(by=by, verb="tried again", subject=email)


@transaction.atomic
def drop_email(*, mail_id: int, by: User) -> None:
    """Keep a waiting letter from being sent."""
    email = _own_domain(mail_id, by)
    if email.state != State.WAITING:
        raise BadInputError(_("This e-mail is no longer waiting. Reload the page."))
    email.state, email.reason = State.DROPPED, _("Cancelled by %(who)s.") % {"who": by}
    email.save(update_fields=["state", "reason"])
    audit.record_change(by=by, verb="stopped", subject=email)


def _own_domain(mail_id: int, by: User) -> OutgoingEmail:
    if not by.is_admin:
        raise ForbiddenError(_("Only an administrator can change the outbox."))
    email = OutgoingEmail.objects.select_for_update().filter(pk=mail_id).first()
    if email is None:
        raise Http404
    return email


@transaction.atomic
def erase_addresses(*, emails: Iterable[str] = (), users: Iterable[int] = ()) -> None:
    """Somebody becomes anonymous: their letters are blanked, what waits is not sent, notices go."""
    theirs = Q(user__in=list(users))
    for email in emails:
        theirs |= Q(to__iexact=email)
    emails = OutgoingEmail.objects.filter(theirs)
    emails.update(reason="")  # a server that refuses an address repeats it
    emails.filter(state=State.WAITING).update(
        state=State.DROPPED, reason=_("The recipient was anonymised.")
    )
    emails.update(to="", subject="", body="", user=None)
    Notification.objects.filter(user__in=list(users)).delete()
    changed_for(list(users))
