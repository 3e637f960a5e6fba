"""Escalations are scheduled as rows and carried out exactly once.

A worker locks the ticket, claims the row by setting ``done_at`` where it is null, and acts, all in
one transaction. If it is killed, nothing has happened and the next run repeats it; a second worker
waits for the ticket lock and then finds the row claimed.
"""

from functools import partial

from django.db import transaction
from django.utils import timezone

from appliance.accounts import queries as accounts_queries
from appliance.accounts.models import Role, User
from appliance.core.errors import SkerryError
from appliance.core.logs import run_or_log
from appliance.sla import timers
from appliance.sla.models import Escalation, ScheduledEscalation, SlaTimer
from appliance.sla.policies import PolicyTerms
from appliance.tickets import services as tickets_services
from appliance.tickets.event_data import EscalatedData
from appliance.tickets.models import Priority, Ticket

MAX_ESCALATIONS_PER_RUN = 200
Action, Recipient = Escalation.Action, Escalation.Recipient


def plan_escalations(
    timer: SlaTimer, terms: PolicyTerms | None, *, is_new: bool = False, was_edited: bool = False
) -> None:
    """Reschedule the pending escalations of this timer; completed ones stay as they are."""
    now = timezone.now()
    moments = timers.list_escalation_times(timer, terms, now=now, was_edited=was_edited)
    known = (
        {scheduled.escalation_id: scheduled for scheduled in timer.scheduled_escalations.all()}
        if not is_new
        else {}
    )
    pending = {pk for pk, scheduled in known.items() if scheduled.done_at is None}
    times = {m.rule.escalation_id: m for m in moments}
    if obsolete := pending - times.keys():
        timer.scheduled_escalations.filter(escalation__in=obsolete, done_at=None).delete()
    rows = [
        ScheduledEscalation(
            timer=timer,
            escalation_id=pk,
            at=m.at,
            done_at=now if m.is_over else None,
            was_skipped=m.is_over,
        )
        for pk, m in times.items()
        if pk not in known or (pk in pending and known[pk].at > now and known[pk].at != m.at)
    ]
    if rows:
        ScheduledEscalation.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["timer", "escalation"],
            update_fields=["at", "done_at", "was_skipped"],
        )


def escalate_due() -> int:
    """Carry out the escalations that are due and return their number."""
    due = ScheduledEscalation.objects.filter(done_at=None, at__lte=timezone.now()).order_by("at")
    rows = list(due.values_list("pk", "timer_id")[:MAX_ESCALATIONS_PER_RUN])
    return sum(
        run_or_log("escalate", partial(_escalate_once, pk, timer_id), ticket=timer_id)
        for pk, timer_id in rows
    )


@transaction.atomic
def _escalate_once(alarm_id: int, ticket_id: int) -> bool:
    ticket = Ticket.objects.select_for_update(of=["self"]).get(pk=ticket_id)
    now = timezone.now()
    mine = ScheduledEscalation.objects.filter(pk=alarm_id, done_at=None, at__lte=now).update(
        done_at=now
    )
    if mine:
        scheduled = ScheduledEscalation.objects.select_related("escalation__policy", "timer").get(
            pk=alarm_id
        )
        _escalate(ticket, scheduled.timer, scheduled.escalation)
    return bool(mine)


def _escalate(ticket: Ticket, timer: SlaTimer, escalation: Escalation) -> None:
    due_at = timer.due_at(escalation.metric)
    failed = _apply_action(ticket, escalation)
    data: EscalatedData = {
        "policy": escalation.policy.name,
        "metric": escalation.metric,
        "minutes": escalation.minutes,
        "warning": escalation.minutes < 0,
        "due_at": due_at.isoformat() if due_at else "",
        "action": escalation.action,
        "notify": _list_recipients(ticket, escalation),
    }
    if failed:
        data["failed"] = failed
    tickets_services.record_escalation(ticket=ticket, data=data)


def _apply_action(ticket: Ticket, escalation: Escalation) -> str:
    """Apply the escalation's action to the ticket; return the error text, empty on success."""
    try:
        with transaction.atomic():
            if escalation.action == Action.PRIORITY and ticket.priority < escalation.priority:
                tickets_services.set_priority(
                    ticket=ticket, priority=Priority(escalation.priority), by=None
                )
            if escalation.action == Action.REASSIGN:
                _reassign(ticket, escalation)
    except SkerryError as error:
        ticket.refresh_from_db()
        return str(error)
    return ""


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
