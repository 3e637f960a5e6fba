"""Notices are written, folded and read."""

from collections.abc import Iterable
from datetime import timedelta

from django.db import connection, transaction
from django.http import Http404
from django.utils import timezone

from appliance.accounts.models import User
from appliance.knowledge.models import Article
from appliance.notifications.defaults import weightiest
from appliance.notifications.models import Kind, Notice
from appliance.notifications.services import letters
from appliance.notifications.subjects import changed_for
from appliance.tickets.models import Event, Ticket

# A new ticket is told to everybody who answers: forty objects would take longer than the ticket.
TELL = """
INSERT INTO notifications_notice (user_id, ticket_id, kind, actor_name, count, since, at)
SELECT told.user_id, %(ticket)s, told.kind, %(actor_name)s, 1, %(at)s, %(at)s
FROM unnest(%(users)s::bigint[], %(kinds)s::text[]) AS told (user_id, kind)
"""
ONE_ACT = timedelta(seconds=2)  # an answer and the status it leaves behind are told as one


def write_notices(event: Event, told: dict[User, Kind]) -> None:
    """A notice each, or one more in the notice they have not read yet. Three queries at most.

    The ticket must be locked, so that two events of it never fold at once.
    """
    unread = {} if event.kind == Event.Kind.OPENED else _unread(event, told)
    for row in unread.values():
        _fold(row, event, next(kind for user, kind in told.items() if user.pk == row.user_id))
    if unread:
        Notice.objects.bulk_update(unread.values(), ["kind", "actor_name", "count", "at"])
    _insert(event, {user.pk: kind for user, kind in told.items() if user.pk not in unread})
    changed_for([user.pk for user in told])


def _insert(event: Event, told: dict[int, Kind]) -> None:
    values = {
        "users": [*told],
        "kinds": [kind.value for kind in told.values()],
        "ticket": event.ticket_id,
        "actor_name": event.actor_name,
        "at": event.at,
    }
    with connection.cursor() as cursor:
        cursor.execute(TELL, values)


def _unread(event: Event, told: dict[User, Kind]) -> dict[int, Notice]:
    rows = Notice.objects.filter(ticket=event.ticket, user__in=told, read_at=None)
    return {row.user_id: row for row in rows.select_for_update().order_by("pk")}


def _fold(row: Notice, event: Event, kind: Kind) -> None:
    if event.actor_name != row.actor_name or event.at - row.at > ONE_ACT:
        row.count += 1
    heavier = weightiest([kind, row.kind])
    if heavier == kind:  # a lighter one that comes later does not take the name away
        row.kind, row.actor_name = kind, event.actor_name
    row.at = max(row.at, event.at)


def withdraw_unclaimed(ticket: Ticket, keep: Iterable[int]) -> None:
    """Somebody took the ticket or it went elsewhere: nobody else need look any more."""
    gone = Notice.objects.filter(ticket=ticket, kind=Kind.TEAM, read_at=None)
    gone = gone.exclude(user__in=list(keep))
    if users := list(gone.values_list("user", flat=True)):
        gone.delete()
        changed_for(users)


@transaction.atomic
def mark_seen(*, user: User, ticket: Ticket) -> None:
    """They opened the ticket: what they were told of it is read. One query when there is none."""
    if _read(user, ticket=ticket):
        letters.withdraw_read(user=user, ticket=ticket)


def mark_article_seen(*, user: User, article: Article) -> None:
    """They opened the article: that its review is due, they know. One query when they did.

    Strangers open public articles, too, and are told of nothing.
    """
    if user.is_authenticated and user.is_agent:
        _read(user, article=article)


@transaction.atomic
def mark_read(*, user: User, notice_id: int) -> None:
    """Raises Http404 when it is not theirs. Twice is once."""
    if not Notice.objects.filter(user=user, pk=notice_id).exists():
        raise Http404
    _read(user, pk=notice_id)


@transaction.atomic
def mark_all_read(*, user: User) -> None:
    """All of theirs, but for one to which something is being added at this moment."""
    unread = Notice.objects.filter(user=user, read_at=None).select_for_update(skip_locked=True)
    _read(user, pk__in=list(unread.values_list("pk", flat=True)))


def _read(user: User, **which: object) -> int:
    """How many were unread."""
    unread = Notice.objects.filter(user=user, read_at=None, **which)
    if count := unread.update(read_at=timezone.now()):
        changed_for([user.pk])
    return count
