"""E-mails about tickets: queued beside the notifications, extended, withdrawn, put into digests."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby

from django.db import transaction
from django.db.models import Count, QuerySet
from django.db.models.functions import Upper
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from appliance.accounts.models import User
from appliance.core import queries as core_queries
from appliance.notifications import fragments, senders, texts
from appliance.notifications.fragments import NOTHING, Fragment
from appliance.notifications.models import EmailFrequency, Kind, OutgoingEmail, ThreadReference
from appliance.notifications.recipients import CUSTOMER_KINDS, customer_kind, highest_priority
from appliance.notifications.services.outbox import build_email
from appliance.tickets.models import Event, Message, Ticket
from appliance.tickets.queries import list_participants

State = OutgoingEmail.State
BATCH_DELAY = timedelta(minutes=2)  # what happens to one ticket within it is one e-mail
MAX_PER_HOUR = 12  # e-mails to one user; more of them become a digest
MAX_BODY_CHARACTERS = 100_000  # of what comes beyond, the e-mail only says that there is more
MAX_DIGEST_TICKETS = 50  # the next digest has the rest
MAX_MESSAGE_ID_CHARACTERS = 400
MESSAGE_ID = re.compile(r"<[^<>\s]+>")
EXTENDED_FIELDS = ["body", "html", "kind", "author_name", "is_for_digest", "not_before"]


@dataclass(frozen=True)
class Recipient:
    """Somebody without a log-in who gets an e-mail: the customer or a participant."""

    address: str
    name: str
    code: str  # as ReplyToken has it
    kind: Kind
    language: str


def queue_emails(
    event: Event,
    message: Message | None,
    kinds: dict[User, Kind],
    frequencies: dict[User, EmailFrequency],
) -> None:
    """Queue an e-mail to each user, or extend the one that waits. Four queries at most."""
    waiting = _find_waiting(event.ticket, kinds)
    over_limit = _users_over_hourly_limit(kinds)
    language = core_queries.locale_defaults()[0]
    new_emails, extended = [], []
    for user, kind in kinds.items():
        is_digest = frequencies[user] == EmailFrequency.HOURLY or user.pk in over_limit
        email = waiting.get(user.pk)
        with translation.override(user.language or language):
            fragment = texts.describe_event_for_email(
                event, message, kind, for_customer=not user.is_agent
            )
            if email:
                _extend(email, event, fragment, kind)
        if email:
            extended.append(email)
            if email.is_for_digest and not is_digest:  # this event cannot wait for the hour
                _schedule(email, is_digest=False)
        else:
            email = _build_ticket_email(event, user, kind, fragment)
            _schedule(email, is_digest=is_digest)
            new_emails.append(email)
    OutgoingEmail.objects.bulk_update(extended, EXTENDED_FIELDS)
    OutgoingEmail.objects.bulk_create(new_emails, ignore_conflicts=True)
    if message:
        _link_message(message, [*extended, *new_emails])


def queue_emails_to_addresses(
    event: Event, message: Message | None, recipients: Sequence[Recipient]
) -> None:
    """Queue an e-mail to each recipient without a log-in, or extend the one that waits.

    Nobody can choose fewer: there is no other way to tell them. Five queries at most.
    """
    waiting = _find_waiting_for_addresses(event.ticket, recipients)
    over_limit = _addresses_over_hourly_limit(recipients)
    new_emails, extended = [], []
    for recipient in recipients:
        email = waiting.get(recipient.code)
        with translation.override(recipient.language):
            fragment = texts.describe_event_for_email(
                event, message, recipient.kind, for_customer=True
            )
            if email:
                _extend(email, event, fragment, recipient.kind)
        if email:
            extended.append(email)
        else:
            email = _build_address_email(event, recipient, fragment)
            _schedule(email, is_digest=recipient.address.upper() in over_limit)
            new_emails.append(email)
    OutgoingEmail.objects.bulk_update(extended, EXTENDED_FIELDS)
    OutgoingEmail.objects.bulk_create(new_emails, ignore_conflicts=True)
    if message:
        _link_message(message, [*extended, *new_emails])


def queue_acknowledgement(event: Event) -> None:
    """Queue the acknowledgement of a new ticket, unless nobody should get one.

    Programs get none, nor does an address whose e-mails come back or that got some within the hour.
    """
    customer, settings = event.ticket.customer, senders.email_settings()
    address = customer.email
    if (
        not address
        or event.data.get("automatic")
        or event.ticket.channel not in settings.acknowledged_channels
        or customer.anonymised_at
        or customer.undeliverable_since
        or not senders.can_send(settings)
        or _count_acknowledgements(address) >= settings.max_acknowledgements_per_hour
    ):
        return
    user = customer.user if customer.user and customer.user.is_active else None
    email = build_email(
        key=f"received:{event.ticket_id}",
        to=address,
        user=user,
        ticket=event.ticket,
        kind=Kind.RECEIVED,
        recipient=f"c{customer.pk}",
        subject=texts.ticket_subject(event.ticket),
        body="",
    )
    OutgoingEmail.objects.bulk_create([email], ignore_conflicts=True)


def _count_acknowledgements(address: str) -> int:
    hour_ago = timezone.now() - timedelta(hours=1)
    emails = OutgoingEmail.objects.filter(to__iexact=address, created_at__gt=hour_ago)
    return emails.filter(kind=Kind.RECEIVED).count()


def list_address_recipients(event: Event, message: Message | None) -> list[Recipient]:
    """Return who has no log-in and is told of the event: the customer, and of replies participants.

    Nobody gets their own reply. An address gets one e-mail, whatever its roles.
    """
    ticket, language = event.ticket, core_queries.locale_defaults()[0]
    customer, recipients = ticket.customer, {}
    kind = customer_kind(event, message)
    if kind and customer.is_reached_by_email_alone:
        recipients[customer.email.lower()] = Recipient(
            customer.email,
            customer.first_name,
            f"c{customer.pk}",
            kind,
            customer.language or language,
        )
    if event.kind == Event.Kind.REPLIED and kind:
        author_id = event.data.get("participant")
        for participant in list_participants(ticket).exclude(pk=author_id):
            recipient = Recipient(
                participant.email, participant.name, f"p{participant.pk}", Kind.COPY, language
            )
            if participant.email.lower() != customer.contact_email.lower():
                recipients.setdefault(participant.email.lower(), recipient)
    return [*recipients.values()]


def record_received(*, ticket: Ticket, address: str, message_id: str) -> None:
    """Remember the Message-ID, in brackets, of an e-mail from an address about a ticket.

    The next e-mail to the address answers it, so that e-mail clients group the conversation.
    """
    if len(message_id) <= MAX_MESSAGE_ID_CHARACTERS and MESSAGE_ID.fullmatch(message_id):
        ThreadReference.objects.filter(ticket=ticket, address__iexact=address).delete()
        ThreadReference.objects.create(ticket=ticket, address=address, message_id=message_id)


def _build_ticket_email(event: Event, user: User, kind: Kind, fragment: Fragment) -> OutgoingEmail:
    is_customer = kind in CUSTOMER_KINDS
    return build_email(
        key=f"event:{event.pk}:{user.pk}",
        to=user.email,
        user=user,
        subject=texts.ticket_subject(event.ticket),
        body=fragment.text,
        html=fragment.html,
        ticket=event.ticket,
        kind=kind,
        recipient=f"c{event.ticket.customer_id}" if is_customer else "",
        author_name=_author_name(event) if is_customer else "",
    )


def _build_address_email(event: Event, recipient: Recipient, fragment: Fragment) -> OutgoingEmail:
    return build_email(
        key=f"event:{event.pk}:{recipient.code}",
        to=recipient.address,
        user=None,
        subject=texts.ticket_subject(event.ticket),
        body=fragment.text,
        html=fragment.html,
        ticket=event.ticket,
        kind=recipient.kind,
        recipient=recipient.code,
        recipient_name=recipient.name,
        author_name=_author_name(event),
    )


def _author_name(event: Event) -> str:
    """Return who wrote the reply of the event; nothing where no person wrote to the recipient."""
    return event.actor_name if event.kind == Event.Kind.REPLIED else ""


def _link_message(message: Message, emails: Sequence[OutgoingEmail]) -> None:
    """Link the message with the e-mails that bring it outside, for its files and its delivery."""
    keys = [email.key for email in emails if email.recipient[:1] in ("c", "p")]
    pks = OutgoingEmail.objects.filter(key__in=keys).values_list("pk", flat=True) if keys else []
    link = OutgoingEmail.messages.through
    link.objects.bulk_create(
        [link(outgoingemail_id=pk, message_id=message.pk) for pk in pks], ignore_conflicts=True
    )


def _find_waiting(ticket: Ticket, kinds: dict[User, Kind]) -> dict[int | None, OutgoingEmail]:
    """Return the e-mails of this ticket that nobody has begun to send, by the id of the user."""
    emails = _lock_waiting(ticket).filter(user__in=kinds)
    return {email.user_id: email for email in emails}


def _find_waiting_for_addresses(
    ticket: Ticket, recipients: Sequence[Recipient]
) -> dict[str, OutgoingEmail]:
    """Return the e-mails of this ticket that nobody has begun to send, by their recipient."""
    codes = [recipient.code for recipient in recipients]
    emails = _lock_waiting(ticket).filter(user=None, recipient__in=codes)
    return {email.recipient: email for email in emails}


def _lock_waiting(ticket: Ticket) -> QuerySet[OutgoingEmail]:
    emails = OutgoingEmail.objects.filter(
        ticket=ticket, state=State.WAITING, attempts=0, claimed_until=None
    ).exclude(kind__in=["", Kind.RECEIVED, Kind.FORWARD])
    return emails.select_for_update(skip_locked=True).order_by("pk")


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


def _addresses_over_hourly_limit(recipients: Sequence[Recipient]) -> set[str]:
    """Return the addresses, in capitals, that got MAX_PER_HOUR e-mails within the hour."""
    hour_ago = timezone.now() - timedelta(hours=1)
    addresses = [recipient.address.upper() for recipient in recipients]
    emails = OutgoingEmail.objects.annotate(address=Upper("to")).filter(
        address__in=addresses, created_at__gt=hour_ago, is_for_digest=False
    )
    counts = emails.values("address").order_by().annotate(n=Count("pk"))
    return {row["address"] for row in counts if row["n"] >= MAX_PER_HOUR}


def _extend(email: OutgoingEmail, event: Event, fragment: Fragment, kind: Kind) -> None:
    """Add what happened to an e-mail that waits; once it is full, a sentence in its place."""
    if len(email.body) + len(fragment.text) > MAX_BODY_CHARACTERS:
        more = texts.more_in_ticket()
        fragment = NOTHING if email.body.endswith(more) else fragments.of_line(more)
    happened = Fragment(email.body, texts.html_of(email)) + fragment
    email.body, email.html = happened.text, happened.html
    email.kind = highest_priority([email.kind, kind])
    if email.author_name or kind in CUSTOMER_KINDS or kind == Kind.COPY:
        email.author_name = _author_name(event) or email.author_name


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
    by_recipient = groupby(
        emails.order_by("user", Upper("to"), "id"),
        key=lambda email: (email.user_id, "" if email.user_id else email.to.upper()),
    )
    return sum(_build_digest(list(group)[:MAX_DIGEST_TICKETS]) for _key, group in by_recipient)


def _build_digest(emails: list[OutgoingEmail]) -> bool:
    """Return whether a digest was built; a single e-mail is sent as it is."""
    pks, user = [email.pk for email in emails], emails[0].user
    if len(emails) == 1:
        OutgoingEmail.objects.filter(pk__in=pks).update(is_for_digest=False)
        return False
    with translation.override((user and user.language) or core_queries.site_settings().language):
        ticket_count = len({email.ticket_id for email in emails})
        subject = ngettext("Updates on %(n)d ticket", "Updates on %(n)d tickets", ticket_count)
        digest = build_email(
            key=f"digest:{pks[0]}:{user.pk if user else 'address'}",
            to=user.email if user else emails[0].to,
            user=user,
            ticket=None,
            recipient_name=emails[0].recipient_name,
            subject=subject % {"n": ticket_count},
            body="\n\n".join(f"{email.subject}\n{email.body}" for email in emails),
        )
        digest.is_digest = True
        digest.save()
        OutgoingEmail.objects.filter(pk__in=pks).update(
            state=State.IN_DIGEST, digest=digest, reason=_("Included in a digest.")
        )
    return True
