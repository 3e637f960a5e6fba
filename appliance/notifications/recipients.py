"""Which users are notified of an event, why, and by which channels.

Reads only. Whoever may not see the ticket is not notified.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q

from appliance.accounts import queries as accounts_queries
from appliance.accounts.models import Role, User
from appliance.notifications.models import EmailFrequency, Kind, Preference
from appliance.tickets.event_data import AssigneeData, EscalatedData, NotedData
from appliance.tickets.models import Event, Mention, Message, Status, Ticket

COMPLETED_STATUSES = (Status.SOLVED, Status.CLOSED)
MESSAGE_EVENTS = (Event.Kind.REPLIED, Event.Kind.NOTED)
CHANGE_EVENTS = (
    Event.Kind.STATUS,
    Event.Kind.PRIORITY,
    Event.Kind.CATEGORY,
    Event.Kind.ASSIGNEE,
    Event.Kind.TEAM,
    Event.Kind.MERGED,
    Event.Kind.SPLIT,
    Event.Kind.LINKED,
    Event.Kind.RATED,
    Event.Kind.UNDELIVERED,
)
NOTIFYING_EVENTS = (
    *MESSAGE_EVENTS,
    *CHANGE_EVENTS,
    Event.Kind.OPENED,
    Event.Kind.ESCALATED,
    Event.Kind.INCIDENT,
)
AGENT_KINDS = (
    Kind.ESCALATED,
    Kind.WARNING,
    Kind.INCIDENT,
    Kind.MENTIONED,
    Kind.ASSIGNED,
    Kind.ANSWERED,
    Kind.WATCHED,
    Kind.CHANGED,
    Kind.TEAM,
    Kind.REVIEW,
)
ADMIN_KINDS = (*AGENT_KINDS, Kind.QUALITY)
CUSTOMER_KINDS = (Kind.ANSWER, Kind.SOLVED)
DEFAULT_EMAIL_FREQUENCIES = {
    Kind.ESCALATED: EmailFrequency.AT_ONCE,
    Kind.WARNING: EmailFrequency.AT_ONCE,
    Kind.INCIDENT: EmailFrequency.NEVER,
    Kind.MENTIONED: EmailFrequency.AT_ONCE,
    Kind.ASSIGNED: EmailFrequency.AT_ONCE,
    Kind.ANSWERED: EmailFrequency.HOURLY,
    Kind.WATCHED: EmailFrequency.NEVER,
    Kind.CHANGED: EmailFrequency.NEVER,
    Kind.TEAM: EmailFrequency.NEVER,
    Kind.REVIEW: EmailFrequency.AT_ONCE,
    Kind.QUALITY: EmailFrequency.AT_ONCE,
    Kind.ANSWER: EmailFrequency.AT_ONCE,
    Kind.SOLVED: EmailFrequency.AT_ONCE,
}
KIND_PRIORITY = {kind: priority for priority, kind in enumerate(Kind)}
Reason = tuple[int | None, Kind]  # the id of a user, None where there is none, and why


def find_message(event: Event) -> Message | None:
    """Return the message that was written in the event."""
    pk = event.data.get("message")
    return Message.objects.filter(pk=pk).first() if pk else None


def find_recipients(event: Event, message: Message | None) -> dict[User, Kind]:
    """Return each user to notify with the reason of highest priority; never the one who acted.

    Closing what was solved long ago is news to nobody.

    ``message`` is that of the event. Costs at most six queries, however many users.
    """
    if event.kind == Event.Kind.STATUS and event.data.get("why") == "solved":
        return {}
    reasons: dict[int, list[Kind]] = {}
    for user_id, kind in [*_agent_reasons(event, message), *_customer_reasons(event, message)]:
        if user_id and user_id != event.actor_id:
            reasons.setdefault(user_id, []).append(kind)
    if not reasons:
        return {}
    agents = accounts_queries.list_agents_with_access(event.ticket.team_id).order_by()
    is_agent = Q(pk__in=agents.values("pk"))
    is_customer = Q(pk=event.ticket.customer.user_id, role=Role.CUSTOMER, is_active=True)
    users = User.objects.filter(is_agent | is_customer, pk__in=reasons)
    users = users.select_related("notification_preference").order_by("pk")
    return {user: highest_priority(reasons[user.pk]) for user in users}


def _agent_reasons(event: Event, message: Message | None) -> list[Reason]:
    ticket = event.ticket
    reasons: list[Reason] = []
    if event.kind == Event.Kind.ESCALATED:
        kind = Kind.WARNING if is_warning(event) else Kind.ESCALATED
        escalation: EscalatedData = event.data
        user_ids = escalation.get("notify") or _responsible_agents(ticket)
        reasons += [(user_id, kind) for user_id in user_ids]
    if event.kind == Event.Kind.INCIDENT and not event.data.get("is_dismissed"):
        reasons += [(user_id, Kind.INCIDENT) for user_id in _team_agents(ticket)]
    if event.kind == Event.Kind.ASSIGNEE:
        change: AssigneeData = event.data
        reasons += [(ticket.assignee_id, Kind.ASSIGNED), (change.get("from_id"), Kind.CHANGED)]
    if event.kind in MESSAGE_EVENTS:
        reasons += _participant_reasons(event, message)
    elif event.kind in CHANGE_EVENTS:
        reasons += [(ticket.assignee_id, Kind.CHANGED)]
    if _is_unclaimed(event, message):
        reasons += [(user_id, Kind.TEAM) for user_id in _responsible_agents(ticket)]
    return reasons


def is_warning(event: Event) -> bool:
    """Return whether an escalation is before its target, which can still be met."""
    data: EscalatedData = event.data
    return bool(data.get("warning")) or data.get("minutes", 0) < 0


def _is_unclaimed(event: Event, message: Message | None) -> bool:
    """Return whether those who could take the ticket are notified: nobody has, and it is news."""
    ticket = event.ticket
    if ticket.assignee_id:
        return False
    if event.kind in MESSAGE_EVENTS:
        return _is_from_customer(message)  # which also opens a solved ticket again
    if ticket.status in COMPLETED_STATUSES:
        return False
    if event.kind == Event.Kind.STATUS:
        return event.data.get("from") in COMPLETED_STATUSES  # opened again
    return event.kind in (Event.Kind.OPENED, Event.Kind.TEAM, Event.Kind.ASSIGNEE)


def _is_from_customer(message: Message | None) -> bool:
    return message is not None and message.is_from_customer


def _participant_reasons(event: Event, message: Message | None) -> list[Reason]:
    """Return the assignee, the agents who wrote before, and those mentioned with @."""
    ticket = event.ticket
    assignee_kind = Kind.ANSWERED if _is_from_customer(message) else Kind.CHANGED
    earlier = Message.objects.filter(ticket=ticket, author__role__in=[Role.AGENT, Role.ADMIN])
    mentions = set(Mention.objects.filter(message=message).values_list("user", flat=True))
    data: NotedData = event.data  # a reply mentions nobody
    mentions |= set(data.get("mentions") or [])
    return [
        (ticket.assignee_id, assignee_kind),
        *((pk, Kind.WATCHED) for pk in earlier.values_list("author", flat=True).distinct()),
        *((pk, Kind.MENTIONED) for pk in mentions),
    ]


def _responsible_agents(ticket: Ticket) -> list[int]:
    """Return who could take the ticket: its assignee, else its team, else all who can act on it."""
    return [ticket.assignee_id] if ticket.assignee_id else _team_agents(ticket)


def _team_agents(ticket: Ticket) -> list[int]:
    """Return the agents of its team, else all who can act on it."""
    agents = accounts_queries.list_agents_with_access(ticket.team_id).order_by()
    agent_ids = agents.values_list("pk", flat=True)
    team = agent_ids.filter(memberships__team=ticket.team_id) if ticket.team_id else agent_ids
    return list(team) or list(agent_ids)


def _customer_reasons(event: Event, message: Message | None) -> list[Reason]:
    kind = customer_kind(event, message)
    return [(event.ticket.customer.user_id, kind)] if kind else []


def customer_kind(event: Event, message: Message | None) -> Kind | None:
    """Return of what the customer is notified: of replies and the solution, of nothing else."""
    is_from_participant = bool(event.data.get("participant"))
    if event.kind == Event.Kind.REPLIED and (is_from_participant or not _is_from_customer(message)):
        return Kind.ANSWER
    if event.kind == Event.Kind.STATUS and event.ticket.status == Status.SOLVED:
        return Kind.SOLVED
    return None


@dataclass(frozen=True)
class Channels:
    """How one user is notified of one kind."""

    in_window: bool
    by_mail: EmailFrequency


def kinds_of(user: User) -> tuple[Kind, ...]:
    """Return the kinds that can happen to a user of this role, highest priority first."""
    if user.is_admin:
        return ADMIN_KINDS
    return AGENT_KINDS if user.is_agent else CUSTOMER_KINDS


def chosen_channels(kind: Kind, preference: Preference | None) -> Channels:
    """Return what the user has chosen for the kind, else the default."""
    default = DEFAULT_EMAIL_FREQUENCIES[kind]
    if preference is None:
        return Channels(True, default)
    frequency = EmailFrequency(preference.by_mail.get(kind, default))
    return Channels(bool(preference.in_window.get(kind, True)), frequency)


def channels_for(user: User, kind: Kind) -> Channels:
    """Return the channels of a notification now; none by e-mail to an agent who is away.

    Costs no query for users loaded with their ``notification_preference``.
    """
    preference: Preference | None = getattr(user, "notification_preference", None)
    channels = chosen_channels(kind, preference)
    is_quiet = preference.is_quiet_when_away if preference else True
    if user.is_away and is_quiet:
        return Channels(channels.in_window, EmailFrequency.NEVER)
    return channels


def highest_priority(kinds: Iterable[Kind | str]) -> Kind:
    return max(map(Kind, kinds), key=KIND_PRIORITY.__getitem__)
