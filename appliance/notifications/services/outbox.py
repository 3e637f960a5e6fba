"""The outbox: an e-mail is queued in the transaction it follows from, then sent or dropped."""

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
from appliance.notifications import badge, senders
from appliance.notifications.models import (
    Forward,
    Kind,
    Notification,
    OutgoingEmail,
    ThreadReference,
)
from appliance.tickets import reply_tokens
from appliance.tickets.models import Ticket

State = OutgoingEmail.State
# what somebody waits for goes before the e-mails that a bulk change leaves behind
URGENT_KINDS = ("", Kind.RECEIVED, Kind.FORWARD, Kind.COPY, Kind.ANSWER)
ERASED_ADDRESS = "anonymous@invalid"  # takes the place of an address
RANDOM_CHARACTERS = 16  # of a message id, behind the token


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
    """Queue an e-mail. The same ``key`` again returns the e-mail queued the first time."""
    email = build_email(to=to, subject=subject, body=body, key=key, user=user, ticket=ticket)
    email.not_before = not_before or email.not_before
    OutgoingEmail.objects.bulk_create([email], ignore_conflicts=True)
    return OutgoingEmail.objects.get(key=email.key)


def build_email(
    *,
    key: str,
    to: str,
    subject: str,
    body: str,
    user: User | None,
    ticket: Ticket | None,
    kind: Kind | None = None,
    recipient: str = "",
    recipient_name: str = "",
    author_name: str = "",
    html: str = "",
) -> OutgoingEmail:
    """Return an unsaved e-mail.

    Its message id follows from the key and the secret of this installation: e-mail clients
    recognise a repeat, and no other installation creates the same one. With ``recipient`` it
    starts with the token by which an answer finds the ticket.
    """
    if user and ticket and not recipient:
        recipient = f"u{user.pk}"
    return OutgoingEmail(
        key=key[:120],
        to=to,
        user=user,
        ticket=ticket,
        kind=kind or "",
        priority=0 if (kind or "") in URGENT_KINDS else 1,
        subject=" ".join(subject.split())[:250],
        body=body,
        recipient=recipient,
        recipient_name=recipient_name[:170],
        author_name=author_name[:170],
        html=html,
        message_id=_message_id(key, ticket, recipient),
        thread=_thread_of(ticket) if ticket else "",
    )


def _message_id(key: str, ticket: Ticket | None, recipient: str) -> str:
    digest = salted_hmac("notifications.email", key, algorithm="sha256").hexdigest()
    sender = senders.find_sender(ticket)
    domain = sender.domain if sender else senders.FALLBACK_DOMAIN
    if ticket is None or not recipient:
        return f"<{digest[: 2 * RANDOM_CHARACTERS]}@{domain}>"
    token = reply_tokens.make_token(ticket.pk, recipient)
    return f"<{token}.{digest[:RANDOM_CHARACTERS]}@{domain}>"


def _thread_of(ticket: Ticket) -> str:
    """Return the message id that all e-mails of a ticket refer to, so that clients group them."""
    return f"<ticket-{ticket.pk}-{ticket.idempotency_key.hex[:12]}@{senders.FALLBACK_DOMAIN}>"


@transaction.atomic
def retry_email(*, email_id: int, by: User) -> None:
    """Send an e-mail that failed or was dropped again, now and with all attempts."""
    email = _lock_email(email_id, by)
    if email.state not in (State.FAILED, State.DROPPED, State.BOUNCED):
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
def cancel_email(*, email_id: int, by: User) -> None:
    """Keep a waiting e-mail from being sent."""
    email = _lock_email(email_id, by)
    if email.state != State.WAITING:
        raise BadInputError(_("This e-mail is no longer waiting. Reload the page."))
    email.state, email.reason = State.DROPPED, _("Cancelled by %(who)s.") % {"who": by}
    email.save(update_fields=["state", "reason"])
    audit.record_change(by=by, verb="stopped", subject=email)


def _lock_email(email_id: int, by: User) -> OutgoingEmail:
    """Return the e-mail, locked, to an admin. Raises Http404 when it does not exist."""
    if not by.is_admin:
        raise ForbiddenError(_("Only an administrator can change the outbox."))
    email = OutgoingEmail.objects.select_for_update().filter(pk=email_id).first()
    if email is None:
        raise Http404
    return email


@transaction.atomic
def erase_addresses(*, addresses: Iterable[str] = (), user_ids: Iterable[int] = ()) -> None:
    """Blank the e-mails of people who are anonymised, drop what waits, delete notifications."""
    user_ids, addresses = list(user_ids), list(addresses)
    recipient = Q(user__in=user_ids)
    for address in addresses:
        recipient |= Q(to__iexact=address)
    emails = OutgoingEmail.objects.filter(recipient)
    emails.update(reason="")  # a server that refuses an address repeats it
    emails.filter(state=State.WAITING).update(
        state=State.DROPPED, reason=_("The recipient was anonymised.")
    )
    erased = dict.fromkeys(["to", "subject", "body", "html", "recipient_name"], "")
    emails.update(**erased, user=None)
    for address in addresses:
        ThreadReference.objects.filter(address__iexact=address).delete()
        Forward.objects.filter(address__iexact=address).update(address=ERASED_ADDRESS)
    Notification.objects.filter(user__in=user_ids).delete()
    badge.invalidate(user_ids)
