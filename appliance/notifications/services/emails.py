"""E-mails about tickets: queued beside the notifications, extended, withdrawn, put into digests."""

from datetime import timedelta
from itertools import groupby

from django.db import transaction
from django.db.models import Count
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from appliance.accounts.models import User
from appliance.core import queries as core_queries
from appliance.notifications import texts
from appliance.notifications.models import EmailFrequency, Kind, OutgoingEmail
from appliance.notifications.recipients import highest_priority
from appliance.notifications.services.outbox import build_email
from appliance.tickets.models import Event, Message, Ticket

State = OutgoingEmail.State
BATCH_DELAY = timedelta(minutes=2)  # what happens to one ticket within it is one e-mail
MAX_PER_HOUR = 12  # e-mails to one user; more of them become a digest
MAX_BODY_CHARACTERS = 100_000  # of what comes beyond, the e-mail only says that there is more
MAX_DIGEST_TICKETS = 50  # the next digest has the rest


def queue_emails(
    event: Event,
    message: Message | None,
    kinds: dict[User, Kind],
    frequencies: dict[User, EmailFrequency],
) -> None:
    """Queue an e-mail to each user, or extend the one that waits. Three queries at most."""
    waiting = _find_waiting(event.ticket, kinds)
    over_limit = _users_over_hourly_limit(kinds)
    language = core_queries.locale_defaults()[0]
    new_emails = []
    for user, kind in kinds.items():
        is_digest = frequencies[user] == EmailFrequency.HOURLY or user.pk in over_limit
        with translation.override(user.language or language):
            text = texts.describe_event_for_email(
                event, message, kind, for_customer=not user.is_agent
            )
            if earlier := waiting.get(user.pk):
                text = _fitting_text(earlier, text)
        if email := waiting.get(user.pk):
            _extend(email, text, kind)
            if email.is_for_digest and not is_digest:  # this event cannot wait for the hour
                _schedule(email, is_digest=False)
        else:
            email = _build_ticket_email(event, user, kind, text)
            _schedule(email, is_digest=is_digest)
            new_emails.append(email)
    changed = ["body", "kind", "is_for_digest", "not_before"]
    OutgoingEmail.objects.bulk_update(waiting.values(), changed)
    OutgoingEmail.objects.bulk_create(new_emails, ignore_conflicts=True)


def queue_email_to_customer(event: Event, message: Message | None, kind: Kind) -> None:
    """Queue an e-mail to a customer without a log-in, or extend the one that waits.

    Nobody can choose fewer: there is no other way to tell them.
    """
    with translation.override(core_queries.locale_defaults()[0]):
        text = texts.describe_event_for_email(event, message, kind, for_customer=True)
    address = event.ticket.customer.email
    waiting = OutgoingEmail.objects.filter(
        to=address, user=None, ticket=event.ticket, state=State.WAITING, attempts=0
    )
    waiting = waiting.filter(claimed_until=None).exclude(kind="").order_by("pk")
    if email := waiting.select_for_update(skip_locked=True).first():
        _extend(email, text, kind)
        email.save(update_fields=["body", "kind"])
        return
    email = build_email(
        key=f"event:{event.pk}:customer",
        to=address,
        user=None,
        subject=texts.ticket_subject(event.ticket),
        body=text,
        ticket=event.ticket,
        kind=kind,
    )
    _schedule(email, is_digest=False)
    OutgoingEmail.objects.bulk_create([email], ignore_conflicts=True)


def _build_ticket_email(event: Event, user: User, kind: Kind, text: str) -> OutgoingEmail:
    return build_email(
        key=f"event:{event.pk}:{user.pk}",
        to=user.email,
        user=user,
        subject=texts.ticket_subject(event.ticket),
        body=text,
        ticket=event.ticket,
        kind=kind,
    )


def _find_waiting(ticket: Ticket, kinds: dict[User, Kind]) -> dict[int | None, OutgoingEmail]:
    """Return the e-mails of this ticket that nobody has begun to send, by the id of the user."""
    emails = OutgoingEmail.objects.filter(
        user__in=kinds, ticket=ticket, state=State.WAITING, attempts=0, claimed_until=None
    ).exclude(kind="")
    return {
        email.user_id: email for email in emails.select_for_update(skip_locked=True).order_by("pk")
    }


def _users_over_hourly_limit(kinds: dict[User, Kind]) -> set[int]:
    """Return the ids of users who got MAX_PER_HOUR e-mails within the hour.

    Counted, not locked: events of two tickets at the same moment may exceed the limit by one.
    """
    hour_ago = timezone.now() - timedelta(hours=1)
    emails = OutgoingEmail.objects.filter(
        user__in=kinds, created_at__gt=hour_ago, is_for_digest=False
    )
    counts = emails.values("user").order_by().annotate(n=Count("pk"))
    return {row["user"] for row in counts if row["n"] >= MAX_PER_HOUR}


def _fitting_text(email: OutgoingEmail, text: str) -> str:
    """Return the text, or once a sentence in its place when the e-mail is full."""
    if len(email.body) + len(text) <= MAX_BODY_CHARACTERS:
        return text
    more = texts.more_in_ticket()
    return "" if email.body.endswith(more) else more


def _extend(email: OutgoingEmail, text: str, kind: Kind) -> None:
    if text:
        email.body = f"{email.body}\n\n{text}"
    email.kind = highest_priority([email.kind, kind])


def _schedule(email: OutgoingEmail, *, is_digest: bool) -> None:
    now = timezone.now()
    email.is_for_digest = is_digest
    if is_digest:  # the next full hour
        email.not_before = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    else:
        email.not_before = now + BATCH_DELAY


def withdraw_unassigned(ticket: Ticket) -> None:
    """Drop waiting e-mails that ask for an assignee: somebody has taken the ticket."""
    OutgoingEmail.objects.filter(ticket=ticket, kind=Kind.TEAM, state=State.WAITING).update(
        state=State.DROPPED, reason=_("The ticket was assigned before this was sent.")
    )


def withdraw_read(*, user: User, ticket: Ticket) -> None:
    """Drop waiting e-mails about a ticket that an agent has just read."""
    if user.is_agent:
        emails = OutgoingEmail.objects.filter(user=user, ticket=ticket, state=State.WAITING)
        emails.filter(attempts=0).exclude(kind="").update(
            state=State.DROPPED, reason=_("Already read in Skerry.")
        )


@transaction.atomic
def build_digests() -> int:
    """Put the e-mails whose hour is over into one digest a user; return how many digests.

    Two workers at the same moment take different e-mails.
    """
    due = OutgoingEmail.objects.filter(
        state=State.WAITING, is_for_digest=True, not_before__lte=timezone.now()
    )
    emails = due.select_related("user").select_for_update(of=["self"], skip_locked=True)
    by_user = groupby(emails.order_by("user", "id"), key=lambda email: email.user)
    return sum(_build_digest(user, list(group)[:MAX_DIGEST_TICKETS]) for user, group in by_user)


def _build_digest(user: User | None, emails: list[OutgoingEmail]) -> bool:
    """Return whether a digest was built; a single e-mail is sent as it is."""
    pks = [email.pk for email in emails]
    if user is None or len(emails) == 1:
        OutgoingEmail.objects.filter(pk__in=pks).update(is_for_digest=False)
        return False
    with translation.override(user.language or core_queries.site_settings().language):
        ticket_count = len({email.ticket_id for email in emails})
        subject = ngettext("Updates on %(n)d ticket", "Updates on %(n)d tickets", ticket_count)
        digest = build_email(
            key=f"digest:{pks[0]}:{user.pk}",
            to=user.email,
            user=user,
            ticket=None,
            subject=subject % {"n": ticket_count},
            body=texts.digest_body(user, emails),
        )
        digest.is_digest = True
        digest.save()
        OutgoingEmail.objects.filter(pk__in=pks).update(
            state=State.IN_DIGEST, digest=digest, reason=_("Included in a digest.")
        )
    return True
