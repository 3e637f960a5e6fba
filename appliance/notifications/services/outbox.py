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
from appliance.notifications.models import Notice, OutgoingMail
from appliance.notifications.subjects import changed_for
from appliance.tickets.models import Ticket

State = OutgoingMail.State
ID_HOST = "skerry.invalid"  # the right of a message id; a name nobody can own


@transaction.atomic
def queue_mail(
    *,
    to: str,
    subject: str,
    body: str,
    key: str,
    user: User | None = None,
    ticket: Ticket | None = None,
    not_before: datetime | None = None,
) -> OutgoingMail:
    """A letter of its own. The same ``key`` again gives the letter queued the first time."""
    letter = new_letter(to=to, subject=subject, body=body, key=key, user=user, ticket=ticket)
    letter.not_before = not_before or letter.not_before
    OutgoingMail.objects.bulk_create([letter], ignore_conflicts=True)
    return OutgoingMail.objects.get(key=letter.key)


def new_letter(*, key: str, subject: str, ticket: Ticket | None, **more: object) -> OutgoingMail:
    """Unsaved. Its message id follows from the key and the desk's own secret: whoever receives a
    repeat knows it, and no other desk makes the same one.
    """
    digest = salted_hmac("notifications.letter", key, algorithm="sha256").hexdigest()[:32]
    return OutgoingMail(
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
def retry_mail(*, mail_id: int, by: User) -> None:
    """Try again, now, with all tries before it. Only what was given up or not sent."""
    letter = _own(mail_id, by)
    if letter.state not in (State.FAILED, State.DROPPED):
        raise BadInputError(_("Only an e-mail that failed or was not sent can be retried."))
    if not letter.to:
        raise BadInputError(_("The content of this e-mail was deleted when its recipient was anonymised. It "
            "cannot be sent."))
    letter.state, letter.attempts, letter.said = State.WAITING, 0, ""
    letter.not_before, letter.claimed_until = timezone.now(), None
    letter.save(update_fields=["state", "attempts", "said", "not_before", "claimed_until"])
    audit.record_change(by=by, verb="tried again", subject=letter)


@transaction.atomic
def drop_mail(*, mail_id: int, by: User) -> None:
    """Keep a waiting letter from being sent."""
    letter = _own(mail_id, by)
    if letter.state != State.WAITING:
        raise BadInputError(_("This e-mail is no longer waiting. Reload the page."))
    letter.state, letter.said = State.DROPPED, _("Cancelled by %(who)s.") % {"who": by}
    letter.save(update_fields=["state", "said"])
    audit.record_change(by=by, verb="stopped", subject=letter)


def _own(mail_id: int, by: User) -> OutgoingMail:
    if not by.is_admin:
        raise ForbiddenError(_("Only an administrator can change the outbox."))
    letter = OutgoingMail.objects.select_for_update().filter(pk=mail_id).first()
    if letter is None:
        raise Http404
    return letter


@transaction.atomic
def forget_addresses(*, emails: Iterable[str] = (), users: Iterable[int] = ()) -> None:
    """Somebody becomes anonymous: their letters are blanked, what waits is not sent, notices go."""
    theirs = Q(user__in=list(users))
    for email in emails:
        theirs |= Q(to__iexact=email)
    letters = OutgoingMail.objects.filter(theirs)
    letters.update(said="")  # a server that refuses an address repeats it
    letters.filter(state=State.WAITING).update(
        state=State.DROPPED, said=_("The recipient was anonymised.")
    )
    letters.update(to="", subject="", body="", user=None)
    Notice.objects.filter(user__in=list(users)).delete()
    changed_for(list(users))
