"""Who is to hear of an event, and why. Reads only; whoever may not see the ticket hears nothing."""

from collections.abc import Iterable
from dataclasses import dataclass

from appliance.accounts.models import Membership, Role, User
from appliance.notifications.models import Kind, Mail, Preference
from appliance.tickets.event_data import AssigneeData, EscalatedData, NotedData
from appliance.tickets.models import Event, Mention, Message, Status, Ticket

WRITTEN = (Event.Kind.REPLIED, Event.Kind.NOTED)
CHANGES = (
    Event.Kind.STATUS,
    Event.Kind.PRIORITY,
    Event.Kind.CATEGORY,
    Event.Kind.ASSIGNEE,
    Event.Kind.TEAM,
    Event.Kind.MERGED,
    Event.Kind.SPLIT,
    Event.Kind.LINKED,
    Event.Kind.RATED,
)
NOTIFY_CUSTOMER = (*WRITTEN, *CHANGES, Event.Kind.OPENED, Event.Kind.ESCALATED)


def find_recipients(event: Event) -> dict[User, Kind]:
    """Each person to tell with the weightiest reason; never the one who did it.

    Costs at most six queries, however many people.
    """
    reasons: dict[int, list[Kind]] = {}
    for user_id, kind in [*_agents(event), *_customer(event)]:
        if user_id and user_id != event.actor_id:
            reasons.setdefault(user_id, []).append(kind)
    if not reasons:
        return {}
    people = User.objects.filter(pk__in=reasons, is_active=True)
    people = people.select_related("notice_preference").order_by("pk")
    inside = _list_agents(event.ticket)
    return {
        person: highest_priority(reasons[person.pk])
        for person in people
        if inside is None or not person.is_agent or person.is_admin or person.pk in inside
    }


def _agents(event: Event) -> list[tuple[int | None, Kind]]:
    ticket = event.ticket
    pairs: list[tuple[int | None, Kind]] = []
    if event.kind == Event.Kind.ESCALATED:
        kind = Kind.WARNING if is_warning(event) else Kind.ESCALATED
        escalation: EscalatedData = event.data
        user_ids = escalation.get("notify") or _responsible_agents(ticket)
        pairs += [(user_id, kind) for user_id in user_ids]
    if event.kind == Event.Kind.ASSIGNEE:
        change: AssigneeData = event.data
        pairs += [(ticket.assignee_id, Kind.ASSIGNED), (change.get("from_id"), Kind.CHANGED)]
    if event.kind in WRITTEN:
        pairs += _list_participants(event)
    elif event.kind in CHANGES:
        pairs += [(ticket.assignee_id, Kind.CHANGED)]
    if is_unclaimed(event):
        pairs += [(user_id, Kind.TEAM) for user_id in _responsible_agents(ticket)]
    return pairs


def is_warning(event: Event) -> bool:
    """Of an escalation: whether the promise it is about can still be kept."""
    data: EscalatedData = event.data
    return bool(data.get("warning")) or data.get("minutes", 0) < 0


def is_unclaimed(event: Event) -> bool:
    """Whether those who could take the ticket should look: nobody has, and it is news."""
    ticket = event.ticket
    if ticket.assignee_id or ticket.status in (Status.SOLVED, Status.CLOSED):
        return False
    if event.kind in WRITTEN:
        return is_from_customer(event)
    return event.kind in (Event.Kind.OPENED, Event.Kind.TEAM, Event.Kind.ASSIGNEE)


def is_from_customer(event: Event) -> bool:
    """Of a message: whether somebody who asks wrote it, with a log-in or without."""
    message = find_message(event)
    return bool(message and message.is_from_customer)


def find_message(event: Event) -> Message | None:
    """What was said in the event; asked for once."""
    if not hasattr(event, "_message"):
        pk = event.data.get("message")
        event._message = Message.objects.filter(pk=pk).first() if pk else None
    return event._message


def _list_participants(event: Event) -> list[tuple[int | None, Kind]]:
    """The one in charge, whoever wrote before, and whoever is named with @."""
    message, ticket = find_message(event), event.ticket
    own = Kind.ANSWERED if is_from_customer(event) else Kind.CHANGED
    watchers = Message.objects.filter(ticket=ticket, author__role__in=[Role.AGENT, Role.ADMIN])
    mentioned = set(Mention.objects.filter(message=message).values_list("user", flat=True))
    data: NotedData = event.data  # a reply mentions nobody
    mentioned |= set(data.get("mentions") or [])
    return [
        (ticket.assignee_id, own),
        *((pk, Kind.WATCHED) for pk in watchers.values_list("author", flat=True).distinct()),
        *((pk, Kind.MENTIONED) for pk in mentioned),
    ]


def _responsible_agents(ticket: Ticket) -> list[int]:
    """Who could take the ticket: its assignee, else its team, else everybody who answers."""
    if ticket.assignee_id:
        return [ticket.assignee_id]
    agents = User.objects.filter(role__in=[Role.AGENT, Role.ADMIN], is_active=True)
    if ticket.team_id:
        agents = agents.filter(memberships__team=ticket.team_id)
    return list(agents.values_list("pk", flat=True))


def _customer(event: Event) -> list[tuple[int | None, Kind]]:
    """The customer with a log-in hears of answers and of the solution, of nothing else."""
    kind = None
    if event.kind == Event.Kind.REPLIED and not is_from_customer(event):
        kind = Kind.ANSWER
    if event.kind == Event.Kind.STATUS and event.ticket.status == Status.SOLVED:
        kind = Kind.SOLVED
    return [(event.ticket.customer.user_id, kind)] if kind else []


def _list_agents(ticket: Ticket) -> set[int] | None:
    """Who sees a ticket of a closed team besides admins; None when everybody does."""
    if not ticket.team_id or not ticket.team.is_closed:
        return None
    return set(Membership.objects.filter(team=ticket.team_id).values_list("user", flat=True))


AGENT_KINDS = (
    Kind.ESCALATED,
    Kind.WARNING,
    Kind.MENTIONED,
    Kind.ASSIGNED,
    Kind.ANSWERED,
    Kind.WATCHED,
    Kind.CHANGED,
    Kind.TEAM,
    Kind.REVIEW,
)
CUSTOMER_KINDS = (Kind.ANSWER, Kind.SOLVED)
BY_MAIL = {
    Kind.ESCALATED: Mail.AT_ONCE,
    Kind.WARNING: Mail.AT_ONCE,
    Kind.MENTIONED: Mail.AT_ONCE,
    Kind.ASSIGNED: Mail.AT_ONCE,
    Kind.ANSWERED: Mail.HOURLY,
    Kind.WATCHED: Mail.NEVER,
    Kind.CHANGED: Mail.NEVER,
    Kind.TEAM: Mail.NEVER,
    Kind.REVIEW: Mail.AT_ONCE,
    Kind.ANSWER: Mail.AT_ONCE,
    Kind.SOLVED: Mail.AT_ONCE,
}
KIND_PRIORITY = {kind: weight for weight, kind in enumerate(Kind)}


@dataclass(frozen=True)
class ChannelPreference:
    """How one person wants to be told of one kind."""

    in_window: bool
    by_mail: Mail


def kinds_of(user: User) -> tuple[Kind, ...]:
    """What can happen to somebody of this role, the weightiest first."""
    return AGENT_KINDS if user.is_agent else CUSTOMER_KINDS


def wish(user: User, kind: Kind, chosen: Preference | None) -> ChannelPreference:
    """What they chose, else the default of the role; no mail to an agent who is away."""
    in_window = bool(chosen.in_window.get(kind, True)) if chosen else True
    by_mail = chosen.by_mail.get(kind, BY_MAIL[kind]) if chosen else BY_MAIL[kind]
    is_quiet = chosen.is_quiet_when_away if chosen else True
    if user.is_away and is_quiet:
        by_mail = Mail.NEVER
    return ChannelPreference(in_window, Mail(by_mail))


def highest_priority(kinds: Iterable[Kind | str]) -> Kind:
    return max(map(Kind, kinds), key=KIND_PRIORITY.__getitem__)
