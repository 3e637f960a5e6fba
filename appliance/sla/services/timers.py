"""SLA timers follow their tickets and policies; their escalations are carried out exactly once.

Escalations are scheduled as rows. A worker locks the ticket, claims the row by setting ``done_at``
where it is null, and acts, all in one transaction. If it is killed, nothing has happened and the
next run repeats it; a second worker waits for the ticket lock and then finds the row claimed.
"""

import time
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction
from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from appliance.accounts import queries as accounts_queries
from appliance.accounts.models import Role, User
from appliance.core import cache
from appliance.core.errors import SkerryError
from appliance.core.logs import run_or_log
from appliance.sla import timers
from appliance.sla.models import Escalation, ScheduledEscalation, SlaTimer
from appliance.sla.policies import PolicySet, PolicyTerms, load_policies
from appliance.tickets import services as tickets_services
from appliance.tickets.event_data import EscalatedData
from appliance.tickets.filters import DUE_SOON
from appliance.tickets.models import Event, Priority, Ticket
from appliance.tickets.models.ticket import NEVER

Action, Recipient = Escalation.Action, Escalation.Recipient
TIMER_EVENTS = {
    Event.Kind.OPENED,
    Event.Kind.REPLIED,
    Event.Kind.STATUS,
    Event.Kind.PRIORITY,
    Event.Kind.CATEGORY,
    Event.Kind.CLASSIFIED,
    Event.Kind.REQUESTER,
    Event.Kind.MERGED,
}
BATCH_SIZE = 100
MAX_ESCALATIONS_PER_RUN = 200
CHECK_INTERVAL_SECONDS = 60  # the interval of the job that calls notify_newly_overdue


def on_ticket_event(event: Event) -> None:
    """Update the timer of the ticket. Called with the ticket row locked."""
    if event.kind not in TIMER_EVENTS:
        return
    ticket = event.ticket
    timer = SlaTimer.objects.filter(pk=ticket.pk).first()
    if event.kind == Event.Kind.REPLIED and timer and not _is_first_response(timer, ticket):
        return
    _update_timer(timer or timers.new_timer(ticket), ticket, event.at, load_policies())


def recompute_outdated_timers(*, seconds: float) -> bool:
    """Recompute timers of earlier policies, and create those that open tickets lack.

    Stops after ``seconds``; returns whether there may be more to do.
    """
    until, policies = time.monotonic() + seconds, load_policies()
    while time.monotonic() < until:
        ticket_ids = [*_list_outdated(policies)[:BATCH_SIZE]] or [
            *_list_tickets_without_timer()[:BATCH_SIZE]
        ]
        for ticket_id in ticket_ids:
            _recompute_timer(ticket_id, policies)
        if not ticket_ids:
            return False
    return True


def notify_newly_overdue() -> bool:
    """Invalidate cached lists when a ticket has just become overdue or due soon."""
    now = timezone.now()
    is_newly_due = any(_list_newly_past(limit).exists() for limit in (now, now + DUE_SOON))
    if is_newly_due:
        cache.invalidate(cache.TICKETS)
    return is_newly_due


def escalate_due() -> int:
    """Carry out the escalations that are due and return their number."""
    due = ScheduledEscalation.objects.filter(done_at=None, at__lte=timezone.now()).order_by("at")
    due_ids = list(due.values_list("pk", "timer_id")[:MAX_ESCALATIONS_PER_RUN])
    return sum(
        run_or_log("escalate", partial(_escalate_once, pk, ticket_id), ticket=ticket_id)
        for pk, ticket_id in due_ids
    )


def _is_first_response(timer: SlaTimer, ticket: Ticket) -> bool:
    return timer.first_response_met_at is None and ticket.first_response_at is not None


def _update_timer(
    timer: SlaTimer, ticket: Ticket, at: datetime, policies: PolicySet, *, was_edited: bool = False
) -> None:
    terms = timers.advance_timer(timer, ticket, at, policies)
    is_new = timer._state.adding
    timer.save(force_insert=is_new)
    tickets_services.set_due(ticket=ticket, due_at=timers.next_due_at(timer))
    _schedule_escalations(timer, terms, is_new=is_new, was_edited=was_edited)


@transaction.atomic
def _recompute_timer(ticket_id: int, policies: PolicySet) -> None:
    """Recompute one timer under the current policies, without escalating the past."""
    ticket = Ticket.objects.select_for_update(of=["self"]).get(pk=ticket_id)
    timer = SlaTimer.objects.filter(pk=ticket_id).first() or timers.new_timer(ticket)
    _update_timer(timer, ticket, timezone.now(), policies, was_edited=True)


def _list_outdated(policies: PolicySet) -> QuerySet[SlaTimer, int]:
    # not equal, as two ranges that the index can serve
    others = Q(policies_digest__lt=policies.digest) | Q(policies_digest__gt=policies.digest)
    return SlaTimer.objects.filter(others, is_open=True).values_list("pk", flat=True)


def _list_tickets_without_timer() -> QuerySet[Ticket, int]:
    return Ticket.objects.open().filter(timer=None).values_list("pk", flat=True)


def _list_newly_past(limit: datetime) -> QuerySet[Ticket]:
    """Return the open tickets whose due time passed ``limit`` since the last check."""
    since = limit - timedelta(seconds=CHECK_INTERVAL_SECONDS + 10)
    tickets = Ticket.objects.open().annotate(due_order=Coalesce("due_at", Value(NEVER)))
    return tickets.filter(due_order__gt=since, due_order__lte=limit)


def _schedule_escalations(
    timer: SlaTimer, terms: PolicyTerms | None, *, is_new: bool, was_edited: bool
) -> None:
    """Reschedule the pending escalations of this timer; completed ones stay as they are."""
    now = timezone.now()
    known = (
        {}
        if is_new
        else {scheduled.escalation_id: scheduled for scheduled in timer.scheduled_escalations.all()}
    )
    pending = {pk for pk, scheduled in known.items() if scheduled.done_at is None}
    times = {
        planned.rule.escalation_id: planned
        for planned in timers.list_escalation_times(timer, terms, now=now, was_edited=was_edited)
    }
    if obsolete := pending - times.keys():
        timer.scheduled_escalations.filter(escalation__in=obsolete, done_at=None).delete()
    changed = [
        ScheduledEscalation(
            timer=timer,
            escalation_id=pk,
            at=planned.at,
            done_at=now if planned.is_over else None,
            was_skipped=planned.is_over,
        )
        for pk, planned in times.items()
        if pk not in known or (pk in pending and known[pk].at > now and known[pk].at != planned.at)
    ]
    if changed:
        ScheduledEscalation.objects.bulk_create(
            changed,
            update_conflicts=True,
            unique_fields=["timer", "escalation"],
            update_fields=["at", "done_at", "was_skipped"],
        )


@transaction.atomic
def _escalate_once(scheduled_id: int, ticket_id: int) -> bool:
    ticket = Ticket.objects.select_for_update(of=["self"]).get(pk=ticket_id)
    now = timezone.now()
    pending = ScheduledEscalation.objects.filter(pk=scheduled_id, done_at=None, at__lte=now)
    if not pending.update(done_at=now):
        return False
    scheduled = ScheduledEscalation.objects.select_related("escalation__policy", "timer").get(
        pk=scheduled_id
    )
    _escalate(ticket, scheduled.timer, scheduled.escalation)
    return True


def _escalate(ticket: Ticket, timer: SlaTimer, escalation: Escalation) -> None:
    due_at = timer.due_at(escalation.metric)
    error = _apply_action(ticket, escalation)
    data: EscalatedData = {
        "policy": escalation.policy.name,
        "metric": escalation.metric,
        "minutes": escalation.minutes,
        "warning": escalation.minutes < 0,
        "due_at": due_at.isoformat() if due_at else "",
        "action": escalation.action,
        "notify": _list_recipients(ticket, escalation),
    }
    if error:
        data["failed"] = error
    tickets_services.record_escalation(ticket=ticket, data=data)


def _apply_action(ticket: Ticket, escalation: Escalation) -> str:
    """Apply the escalation's action to the ticket; return the error text, empty on success."""
    try:
        with transaction.atomic():
            if escalation.action == Action.PRIORITY:
                _raise_priority(ticket, escalation)
            if escalation.action == Action.REASSIGN:
                _reassign(ticket, escalation)
    except SkerryError as error:
        ticket.refresh_from_db()
        return str(error)
    return ""


def _raise_priority(ticket: Ticket, escalation: Escalation) -> None:
    if escalation.priority is not None and ticket.priority < escalation.priority:
        tickets_services.set_priority(
            ticket=ticket, priority=Priority(escalation.priority), by=None
        )


def _reassign(ticket: Ticket, escalation: Escalation) -> None:
    if escalation.team:
        tickets_services.set_team(ticket=ticket, team=escalation.team, by=None)
    if escalation.assignee or escalation.team:
        tickets_services.assign(ticket=ticket, assignee=escalation.assignee, by=None)


def _list_recipients(ticket: Ticket, escalation: Escalation) -> list[int]:
    """Return the ids of the agents to notify; an unassigned ticket falls back to its team."""
    people: set[int] = set()
    agents = accounts_queries.list_agents()
    recipients = set(escalation.recipients)
    if Recipient.ASSIGNEE in recipients and ticket.assignee_id:
        people |= set(agents.filter(pk=ticket.assignee_id).values_list("pk", flat=True))
    if Recipient.TEAM in recipients or (
        Recipient.ASSIGNEE in recipients and not ticket.assignee_id
    ):
        team = (
            agents.filter(memberships__team=ticket.team_id)
            if ticket.team_id
            else User.objects.none()
        )
        people |= set(team.values_list("pk", flat=True))
    if Recipient.ADMINS in recipients:
        people |= set(agents.filter(role=Role.ADMIN).values_list("pk", flat=True))
    return sorted(people)
