"""What the room does when something happens to a ticket; runs in the transaction of the event."""

from collections.abc import Iterable
from datetime import timedelta

from django.db import connection, transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from appliance.accounts.models import User
from appliance.core.errors import BadInputError
from appliance.knowledge.models import Article
from appliance.notifications import recipients
from appliance.notifications.models import Kind, Mail, Notification, Preference
from appliance.notifications.recipients import highest_priority, kinds_of, wish
from appliance.notifications.services import emails
from appliance.notifications.texts import changed_for
from appliance.tickets.models import Event, Status, Ticket

MAX_EVENT_AGE = timedelta(hours=1)  # what is older was brought in and is news to nobody


def on_ticket_event(event: Event) -> None:
    """Write the notices and letters that follow from the event."""
    if event.kind not in recipients.NOTIFY_CUSTOMER or event.at < timezone.now() - MAX_EVENT_AGE:
        return
    kinds = recipients.find_recipients(event)
    wishes = {user: wish(user, kind, _apply_preferences(user)) for user, kind in kinds.items()}
    _withdraw(event)
    in_window = {user: kind for user, kind in kinds.items() if wishes[user].in_window}
    if in_window:
        create_notifications(event, in_window)
    by_mail = {user: kind for user, kind in kinds.items() if wishes[user].by_mail != Mail.NEVER}
    if by_mail and not event.data.get("automatic"):
        emails.queue_emails(event, by_mail, {user: wishes[user].by_mail for user in by_mail})


def _apply_preferences(user: User) -> Preference | None:
    return getattr(user, "notice_preference", None)


def _withdraw(event: Event) -> None:
    """An assignment, another team or an end takes back what was told to those who could help."""
    ticket = event.ticket
    taken = event.kind == Event.Kind.ASSIGNEE and ticket.assignee_id
    ended = event.kind == Event.Kind.STATUS and ticket.status in (Status.SOLVED, Status.CLOSED)
    if taken or ended or event.kind == Event.Kind.TEAM:
        withdraw_unassigned(ticket, keep=[])
        emails.withdraw_unassigned(ticket)
    if event.kind == Event.Kind.TEAM:  # a closed team hides the ticket from some who know of it
        changed_for(list(ticket.notifications.filter(read_at=None).values_list("user", flat=True)))


# A new ticket is told to everybody who answers: forty objects would take longer than the ticket.
NOTIFY_KINDS = """
INSERT INTO notifications_notification (user_id, ticket_id, kind, actor_name, count, since, at)
SELECT told.user_id, %(ticket)s, told.kind, %(actor_name)s, 1, %(at)s, %(at)s
FROM unnest(%(users)s::bigint[], %(kinds)s::text[]) AS told (user_id, kind)
"""
SINGLE_ACTION = timedelta(seconds=2)  # an answer and the status it leaves behind are told as one


def create_notifications(event: Event, kinds: dict[User, Kind]) -> None:
    """A notice each, or one more in the notice they have not read yet. Three queries at most.

    The ticket must be locked, so that two events of it never fold at once.
    """
    unread = {} if event.kind == Event.Kind.OPENED else _find_unread(event, kinds)
    for row in unread.values():
        _merge_into_unread(
            row, event, next(kind for user, kind in kinds.items() if user.pk == row.user_id)
        )
    if unread:
        Notification.objects.bulk_update(unread.values(), ["kind", "actor_name", "count", "at"])
    _insert_notifications(
        event, {user.pk: kind for user, kind in kinds.items() if user.pk not in unread}
    )
    changed_for([user.pk for user in kinds])


def _insert_notifications(event: Event, kinds: dict[int, Kind]) -> None:
    values = {
        "users": [*kinds],
        "kinds": [kind.value for kind in kinds.values()],
        "ticket": event.ticket_id,
        "actor_name": event.actor_name,
        "at": event.at,
    }
    with connection.cursor() as cursor:
        cursor.execute(NOTIFY_KINDS, values)


def _find_unread(event: Event, kinds: dict[User, Kind]) -> dict[int, Notification]:
    rows = Notification.objects.filter(ticket=event.ticket, user__in=kinds, read_at=None)
    return {row.user_id: row for row in rows.select_for_update().order_by("pk")}


def _merge_into_unread(row: Notification, event: Event, kind: Kind) -> None:
    if event.actor_name != row.actor_name or event.at - row.at > SINGLE_ACTION:
        row.count += 1
    heavier = highest_priority([kind, row.kind])
    if heavier == kind:  # a lighter one that comes later does not take the name away
        row.kind, row.actor_name = kind, event.actor_name
    row.at = max(row.at, event.at)


def withdraw_unassigned(ticket: Ticket, keep: Iterable[int]) -> None:
    """Somebody took the ticket or it went elsewhere: nobody else need look any more."""
    gone = Notification.objects.filter(ticket=ticket, kind=Kind.TEAM, read_at=None)
    gone = gone.exclude(user__in=list(keep))
    if users := list(gone.values_list("user", flat=True)):
        gone.delete()
        changed_for(users)


@transaction.atomic
def mark_seen(*, user: User, ticket: Ticket) -> None:
    """They opened the ticket: what they were told of it is read. One query when there is none."""
    if _read(user, ticket=ticket):
        emails.withdraw_read(user=user, ticket=ticket)


def mark_article_seen(*, user: User, article: Article) -> None:
    """They opened the article: that its review is due, they know. One query when they did.

    Strangers open public articles, too, and are told of nothing.
    """
    if user.is_authenticated and user.is_agent:
        _read(user, article=article)


@transaction.atomic
def mark_read(*, user: User, notice_id: int) -> None:
    """Raises Http404 when it is not theirs. Twice is once."""
    if not Notification.objects.filter(user=user, pk=notice_id).exists():
        raise Http404
    _read(user, pk=notice_id)


@transaction.atomic
def mark_all_read(*, user: User) -> None:
    """All of theirs, but for one to which something is being added at this moment."""
    unread = Notification.objects.filter(user=user, read_at=None).select_for_update(
        skip_locked=True
    )
    _read(user, pk__in=list(unread.values_list("pk", flat=True)))


def _read(user: User, **which: object) -> int:
    """How many were unread."""
    unread = Notification.objects.filter(user=user, read_at=None, **which)
    if count := unread.update(read_at=timezone.now()):
        changed_for([user.pk])
    return count


@transaction.atomic
def set_preferences(
    *, user: User, in_window: dict[str, bool], by_mail: dict[str, str], is_quiet_when_away: bool
) -> None:
    """Their own choice for each kind that can happen to them; other keys are refused."""
    kinds = set(kinds_of(user))
    if not {*in_window, *by_mail} <= kinds or not set(by_mail.values()) <= set(Mail.values):
        raise BadInputError(_("This page is out of date. Reload it and choose again."))
    Preference.objects.update_or_create(
        user=user,
        defaults={
            "in_window": in_window,
            "by_mail": by_mail,
            "is_quiet_when_away": is_quiet_when_away,
        },
    )
