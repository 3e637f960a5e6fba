"""Letters about tickets: written, folded and withdrawn beside the notices."""

from collections.abc import Iterable
from datetime import timedelta
from itertools import groupby

from django.db import transaction
from django.db.models import Count
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from appliance.accounts.models import User
from appliance.core import queries as core_queries
from appliance.notifications import email_builder, texts
from appliance.notifications.models import Kind, Mail, OutgoingEmail
from appliance.notifications.recipients import highest_priority
from appliance.notifications.services.outbox import build_email
from appliance.tickets.models import Event, Ticket

State = OutgoingEmail.State
BATCH_DELAY = timedelta(minutes=2)  # what happens to one ticket within it is one letter
MAX_PER_HOUR = 12  # letters to one person; what comes beyond is gathered
MAX_EMAIL_CHARACTERS = 100_000  # characters; a letter that grows beyond is told in the window alone


def queue_emails(event: Event, kinds: dict[User, Kind], how: dict[User, Mail]) -> None:
    """A letter each, or a few lines more in the one that waits. Three queries at most."""
    waiting = _find_waiting(event.ticket, kinds)
    busy, language = _is_over_hourly_limit(kinds), core_queries.locale_defaults()[0]
    fresh = []
    for user, kind in kinds.items():
        is_digest = how[user] == Mail.HOURLY or user.pk in busy
        with translation.override(user.language or language):
            text = texts.describe(event, kind, for_customer=not user.is_agent)
        if email := waiting.get(user.pk):
            _queue_email(email, text, kind)
            if email.is_for_digest and not is_digest:  # this cannot wait for the hour
                _send_at(email, is_digest=False)
        else:
            email = _letter(event, user, kind, text)
            _send_at(email, is_digest=is_digest)
            fresh.append(email)
    changed = ["body", "kind", "is_for_digest", "not_before"]
    OutgoingEmail.objects.bulk_update(waiting.values(), changed)
    OutgoingEmail.objects.bulk_create(fresh, ignore_conflicts=True)


def _letter(event: Event, user: User, kind: Kind, text: str) -> OutgoingEmail:
    return build_email(
        key=f"event:{event.pk}:{user.pk}",
        to=user.email,
        user=user,
        subject=texts.subject(event.ticket),
        body=text,
        ticket=event.ticket,
        kind=kind,
    )


def _find_waiting(ticket: Ticket, kinds: dict[User, Kind]) -> dict[int, OutgoingEmail]:
    """Letters of this ticket that nobody has begun to send, by person."""
    emails = OutgoingEmail.objects.filter(
        user__in=kinds, ticket=ticket, state=State.WAITING, attempts=0, claimed_until=None
    ).exclude(kind="")
    return {
        email.user_id: email for email in emails.select_for_update(skip_locked=True).order_by("pk")
    }


def _is_over_hourly_limit(kinds: dict[User, Kind]) -> set[int]:
    """Who had as many letters within the hour as one can bear; the rest comes in a digest.

    Counted, not locked: two tickets at the same moment may both be the last one.
    """
    hour_ago = timezone.now() - timedelta(hours=1)
    emails = OutgoingEmail.objects.filter(
        user__in=kinds, created_at__gt=hour_ago, is_for_digest=False
    )
    counts = emails.values("user").order_by().annotate(n=Count("pk"))
    return {row["user"] for row in counts if row["n"] >= MAX_PER_HOUR}


def _queue_email(email: OutgoingEmail, text: str, kind: Kind) -> None:
    if len(email.body) + len(text) <= MAX_EMAIL_CHARACTERS:
        email.body = f"{email.body}\n\n{text}"
    email.kind = highest_priority([email.kind, kind])


def _send_at(email: OutgoingEmail, *, is_digest: bool) -> None:
    now = timezone.now()
    email.is_for_digest = is_digest
    if is_digest:  # the next full hour
        email.not_before = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    else:
        email.not_before = now + BATCH_DELAY


def withdraw_unassigned(ticket: Ticket) -> None:
    """Somebody took the ticket before the letter went: nobody else need read it."""
    OutgoingEmail.objects.filter(ticket=ticket, kind=Kind.TEAM, state=State.WAITING).update(
        state=State.DROPPED, reason=_("The ticket was assigned before this was sent.")
    )


def withdraw_read(*, user: User, ticket: Ticket) -> None:
    """An agent has read it on the desk: the letter would only tell it again."""
    if user.is_agent:
        emails = OutgoingEmail.objects.filter(user=user, ticket=ticket, state=State.WAITING)
        emails.filter(attempts=0).exclude(kind="").update(
            state=State.DROPPED, reason=_("Already read in Skerry.")
        )


MAX_DIGEST_TICKETS = 50  # of one digest; the next one has the rest


@transaction.atomic
def build_digests() -> int:
    """How many digests were made. Another worker that gathers at the same moment takes others."""
    due = OutgoingEmail.objects.filter(
        state=State.WAITING, is_for_digest=True, not_before__lte=timezone.now()
    )
    emails = due.select_related("user").select_for_update(of=["self"], skip_locked=True)
    by_person = groupby(emails.order_by("user", "id"), key=lambda email: email.user)
    return sum(_gather(user, list(group)[:MAX_DIGEST_TICKETS]) for user, group in by_person)


def _gather(user: User | None, emails: list[OutgoingEmail]) -> bool:
    pks = [email.pk for email in emails]
    if user is None or len(emails) == 1:  # nothing to gather: it goes as it is
        OutgoingEmail.objects.filter(pk__in=pks).update(is_for_digest=False)
        return False
    with translation.override(user.language or core_queries.site_settings().language):
        tickets = len({email.ticket_id for email in emails})
        subject = ngettext("Updates on %(n)d ticket", "Updates on %(n)d tickets", tickets)
        digest = build_email(
            key=f"digest:{pks[0]}:{user.pk}",
            to=user.email,
            user=user,
            ticket=None,
            subject=subject % {"n": tickets},
            body=compose(user, emails),
        )
        digest.is_digest = True
        digest.save()
        OutgoingEmail.objects.filter(pk__in=pks).update(
            state=State.FOLDED, folded_into=digest, reason=_("Included in a digest.")
        )
    return True


def compose(user: User, emails: Iterable[OutgoingEmail]) -> str:
    """The text of a digest: of each ticket what happened, without what they may not see now."""
    emails = list(emails)
    seen = Ticket.objects.visible_to(user).filter(pk__in=[email.ticket_id for email in emails])
    seen = set(seen.values_list("pk", flat=True))
    parts = [
        f"{email.subject}\n{email.body}\n{email_builder.to_ticket(email.ticket_id)}".rstrip()
        for email in emails
        if email.ticket_id in seen
    ]
    return "\n\n\n".join(parts)
