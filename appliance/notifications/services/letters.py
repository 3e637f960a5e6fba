"""Letters about tickets: written, folded and withdrawn beside the notices."""

from datetime import timedelta

from django.db.models import Count
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from appliance.accounts.models import User
from appliance.core import queries as core_queries
from appliance.notifications import words
from appliance.notifications.defaults import weightiest
from appliance.notifications.models import Kind, Mail, OutgoingMail
from appliance.notifications.services.outbox import new_letter
from appliance.tickets.models import Event, Ticket

State = OutgoingMail.State
GATHER = timedelta(minutes=2)  # what happens to one ticket within it is one letter
MOST_AN_HOUR = 12  # letters to one person; what comes beyond is gathered
LETTER_LIMIT = 100_000  # characters; a letter that grows beyond is told in the window alone


def write_letters(event: Event, told: dict[User, Kind], how: dict[User, Mail]) -> None:
    """A letter each, or a few lines more in the one that waits. Three queries at most."""
    waiting = _waiting(event.ticket, told)
    busy, language = _had_their_share(told), core_queries.locale_defaults()[0]
    fresh = []
    for user, kind in told.items():
        is_digest = how[user] == Mail.HOURLY or user.pk in busy
        with translation.override(user.language or language):
            text = words.describe(event, kind, for_customer=not user.is_agent)
        if letter := waiting.get(user.pk):
            _add(letter, text, kind)
            if letter.is_for_digest and not is_digest:  # this cannot wait for the hour
                _when(letter, is_digest=False)
        else:
            letter = _letter(event, user, kind, text)
            _when(letter, is_digest=is_digest)
            fresh.append(letter)
    changed = ["body", "kind", "is_for_digest", "not_before"]
    OutgoingMail.objects.bulk_update(waiting.values(), changed)
    OutgoingMail.objects.bulk_create(fresh, ignore_conflicts=True)


def _letter(event: Event, user: User, kind: Kind, text: str) -> OutgoingMail:
    return new_letter(
        key=f"event:{event.pk}:{user.pk}",
        to=user.email,
        user=user,
        subject=words.subject(event.ticket),
        body=text,
        ticket=event.ticket,
        kind=kind,
    )


def _waiting(ticket: Ticket, told: dict[User, Kind]) -> dict[int, OutgoingMail]:
    """Letters of this ticket that nobody has begun to send, by person."""
    letters = OutgoingMail.objects.filter(
        user__in=told, ticket=ticket, state=State.WAITING, attempts=0, claimed_until=None
    ).exclude(kind="")
    return {one.user_id: one for one in letters.select_for_update(skip_locked=True).order_by("pk")}


def _had_their_share(told: dict[User, Kind]) -> set[int]:
    """Who had as many letters within the hour as one can bear; the rest comes in a digest.

    Counted, not locked: two tickets at the same moment may both be the last one.
    """
    hour_ago = timezone.now() - timedelta(hours=1)
    letters = OutgoingMail.objects.filter(
        user__in=told, created_at__gt=hour_ago, is_for_digest=False
    )
    counts = letters.values("user").order_by().annotate(n=Count("pk"))
    return {row["user"] for row in counts if row["n"] >= MOST_AN_HOUR}


def _add(letter: OutgoingMail, text: str, kind: Kind) -> None:
    if len(letter.body) + len(text) <= LETTER_LIMIT:
        letter.body = f"{letter.body}\n\n{text}"
    letter.kind = weightiest([letter.kind, kind])


def _when(letter: OutgoingMail, *, is_digest: bool) -> None:
    now = timezone.now()
    letter.is_for_digest = is_digest
    if is_digest:  # the next full hour
        letter.not_before = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    else:
        letter.not_before = now + GATHER


def withdraw_unclaimed(ticket: Ticket) -> None:
    """Somebody took the ticket before the letter went: nobody else need read it."""
    OutgoingMail.objects.filter(ticket=ticket, kind=Kind.TEAM, state=State.WAITING).update(
        state=State.DROPPED, said=_("The ticket was assigned before this was sent.")
    )


def withdraw_read(*, user: User, ticket: Ticket) -> None:
    """An agent has read it on the desk: the letter would only tell it again."""
    if user.is_agent:
        letters = OutgoingMail.objects.filter(user=user, ticket=ticket, state=State.WAITING)
        letters.filter(attempts=0).exclude(kind="").update(
            state=State.DROPPED, said=_("Already read in Skerry.")
        )
