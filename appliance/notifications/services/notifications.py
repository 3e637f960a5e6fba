"""Notifications: created in the transaction of a ticket's event, marked read by their user."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from appliance.accounts.models import User, Viewer
from appliance.core.errors import BadInputError
from appliance.core.sql_files import execute
from appliance.knowledge.models import Article
from appliance.notifications import badge, recipients
from appliance.notifications.models import EmailFrequency, Kind, Notification, Preference
from appliance.notifications.recipients import channels_for, highest_priority, kinds_of
from appliance.notifications.services import emails
from appliance.tickets.models import Event, Status, Ticket
from appliance.tickets.models.ticket import NEVER

MAX_EVENT_AGE = timedelta(hours=1)  # older events were imported and are news to nobody
MAX_TICKETS_AT_ONCE = 100  # of one change; nobody reads more, and queues have all of them
SINGLE_ACTION = timedelta(seconds=2)  # a reply and the status it leaves count as one event


def on_ticket_event(event: Event) -> None:
    """Create the notifications and queue the e-mails that follow from the event."""
    is_old = event.at < timezone.now() - MAX_EVENT_AGE
    if event.kind not in recipients.NOTIFYING_EVENTS or is_old:
        return
    message = recipients.find_message(event)
    kinds = recipients.find_recipients(event, message)
    channels = {user: channels_for(user, kind) for user, kind in kinds.items()}
    _withdraw(event)
    if in_window := {user: kind for user, kind in kinds.items() if channels[user].in_window}:
        create_notifications(event, in_window)
    frequencies: dict[User, EmailFrequency] = {
        user: channel.by_mail
        for user, channel in channels.items()
        if channel.by_mail != EmailFrequency.NEVER
    }
    if frequencies and not event.data.get("automatic"):
        by_mail = {user: kinds[user] for user in frequencies}
        emails.queue_emails(event, message, by_mail, frequencies)
    if event.kind == Event.Kind.OPENED:
        emails.queue_acknowledgement(event)
    if addresses := emails.list_address_recipients(event, message):
        emails.queue_emails_to_addresses(event, message, addresses)


def on_ticket_events(events: Sequence[Event]) -> None:
    """Notify of a change of many tickets, of the most urgent ones if there are very many."""
    for event in sorted(events, key=_urgency)[:MAX_TICKETS_AT_ONCE]:
        on_ticket_event(event)


def _urgency(event: Event) -> tuple[int, datetime, int]:
    ticket = event.ticket
    return -ticket.priority, ticket.due_at or NEVER, ticket.pk


def _withdraw(event: Event) -> None:
    """Withdraw calls for an assignee when the ticket is assigned, moved to a team or solved."""
    ticket = event.ticket
    is_assigned = event.kind == Event.Kind.ASSIGNEE and ticket.assignee_id
    is_over = event.kind == Event.Kind.STATUS and ticket.status in (Status.SOLVED, Status.CLOSED)
    if is_assigned or is_over or event.kind == Event.Kind.TEAM:
        withdraw_unassigned(ticket)
        emails.withdraw_unassigned(ticket)
    if event.kind == Event.Kind.TEAM:  # a closed team hides the ticket from some who were notified
        unread = ticket.notifications.filter(read_at=None)
        badge.invalidate(list(unread.values_list("user", flat=True)))


def create_notifications(event: Event, kinds: dict[User, Kind]) -> None:
    """Create a notification for each user, or count the event in their unread one.

    Three queries at most. The ticket must be locked, so that two of its events never count at once.
    """
    unread = {} if event.kind == Event.Kind.OPENED else _find_unread(event, kinds)
    kind_by_id = {user.pk: kind for user, kind in kinds.items()}
    for user_id, notification in unread.items():
        _count_event(notification, event, kind_by_id[user_id])
    if unread:
        columns = ["kind", "event", "actor_name", "count", "at"]
        Notification.objects.bulk_update(unread.values(), columns)
    _insert(event, {pk: kind for pk, kind in kind_by_id.items() if pk not in unread})
    badge.invalidate(list(kind_by_id))


def _insert(event: Event, kinds: dict[int, Kind]) -> None:
    """Insert by SQL: a new ticket notifies all agents, and objects would take longer than it."""
    execute(
        "notifications",
        "insert_notifications",
        user_ids=[*kinds],
        kinds=[kind.value for kind in kinds.values()],
        ticket_id=event.ticket_id,
        event_id=event.pk,
        actor_name=event.actor_name,
        at=event.at,
    )


def _find_unread(event: Event, kinds: dict[User, Kind]) -> dict[int, Notification]:
    """Return the unread notification of each user for this ticket, locked."""
    unread = Notification.objects.filter(ticket=event.ticket, user__in=kinds, read_at=None)
    locked = unread.select_related("event").select_for_update(of=["self"]).order_by("pk")
    return {notification.user_id: notification for notification in locked}


def _count_event(notification: Notification, event: Event, kind: Kind) -> None:
    is_same_actor = event.actor_name == notification.actor_name
    is_same_action = is_same_actor and event.at - notification.at <= SINGLE_ACTION
    if not is_same_action:
        notification.count += 1
    is_part_of_reply = (
        is_same_action
        and notification.event is not None
        and notification.event.kind in recipients.MESSAGE_EVENTS
        and notification.kind == kind
    )
    if highest_priority([kind, notification.kind]) == kind and not is_part_of_reply:
        notification.kind, notification.event = kind, event
        notification.actor_name = event.actor_name
    notification.at = max(notification.at, event.at)


def withdraw_unassigned(ticket: Ticket) -> None:
    """Delete unread calls for an assignee: somebody took the ticket, or it went elsewhere."""
    unread = Notification.objects.filter(ticket=ticket, kind=Kind.TEAM, read_at=None)
    if user_ids := list(unread.values_list("user", flat=True)):
        unread.delete()
        badge.invalidate(user_ids)


@transaction.atomic
def mark_ticket_read(*, user: User, ticket: Ticket) -> None:
    """Mark the notification of a ticket as read when it is opened. One query if there is none."""
    if _mark_read(user, ticket=ticket):
        emails.withdraw_read(user=user, ticket=ticket)


def mark_article_read(*, user: Viewer, article: Article) -> None:
    """Mark the notification of an article as read when an agent opens it."""
    if user.is_authenticated and user.is_agent:
        _mark_read(user, article=article)


@transaction.atomic
def mark_read(*, user: User, notification_id: int) -> None:
    """Mark one notification as read. Raises Http404 when it is not the user's."""
    if not Notification.objects.filter(user=user, pk=notification_id).exists():
        raise Http404
    _mark_read(user, pk=notification_id)


@transaction.atomic
def mark_all_read(*, user: User) -> None:
    """Mark all notifications as read, but for one that is being extended at this moment."""
    unread = Notification.objects.filter(user=user, read_at=None).select_for_update(
        skip_locked=True
    )
    _mark_read(user, pk__in=list(unread.values_list("pk", flat=True)))


def _mark_read(user: User, **filters: object) -> int:
    """Return how many were unread."""
    unread = Notification.objects.filter(user=user, read_at=None, **filters)
    if count := unread.update(read_at=timezone.now()):
        badge.invalidate([user.pk])
    return count


@transaction.atomic
def set_preferences(
    *, user: User, in_window: dict[str, bool], by_mail: dict[str, str], is_quiet_when_away: bool
) -> None:
    """Save the channels of each kind. Raises BadInputError for kinds the user cannot have."""
    kinds = set(kinds_of(user))
    frequencies = set(by_mail.values())
    if not {*in_window, *by_mail} <= kinds or not frequencies <= set(EmailFrequency.values):
        raise BadInputError(_("This page is out of date. Reload it and choose again."))
    Preference.objects.update_or_create(
        user=user,
        defaults={
            "in_window": in_window,
            "by_mail": by_mail,
            "is_quiet_when_away": is_quiet_when_away,
        },
    )
