"""Escalations are planned as rows and done once each, whoever dies in between.

A worker locks the ticket, takes the row by setting ``done_at`` where it is still empty, and
acts, all in one transaction. Killed half-way, nothing of it has happened and the next look does
it; a second worker waits for the ticket and then finds the row taken.
"""

from functools import partial

from django.db import transaction
from django.utils import timezone

from appliance.accounts import queries as accounts_queries
from appliance.accounts.models import Role, User
from appliance.core.errors import SkerryError
from appliance.core.surviving import survives
from appliance.sla import clockwork
from appliance.sla.models import Alarm, Clock, Escalation
from appliance.sla.rules import Terms
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Priority, Ticket

MOST_AT_ONCE = 200
Action, Told = Escalation.Action, Escalation.Told


def plan(
    clock: Clock, terms: Terms | None, *, is_new: bool = False, was_edited: bool = False
) -> None:
    """Bring what is pending for this clock in line with it; what was done stays done."""
    now = timezone.now()
    moments = clockwork.list_moments(clock, terms, now=now, was_edited=was_edited)
    known = {alarm.escalation_id: alarm for alarm in clock.alarms.all()} if not is_new else {}
    pending = {pk for pk, alarm in known.items() if alarm.done_at is None}
    wanted = {m.planned.escalation_id: m for m in moments}
    if gone := pending - wanted.keys():
        clock.alarms.filter(escalation__in=gone, done_at=None).delete()
    rows = [
        Alarm(
            clock=clock,
            escalation_id=pk,
            at=m.at,
            done_at=now if m.is_over else None,
            was_skipped=m.is_over,
        )
        for pk, m in wanted.items()
        if pk not in known or (pk in pending and known[pk].at > now and known[pk].at != m.at)
    ]
    if rows:
        Alarm.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["clock", "escalation"],
            update_fields=["at", "done_at", "was_skipped"],
        )


def escalate_due() -> int:
    """Do what is due now; returns how much was done."""
    due = Alarm.objects.filter(done_at=None, at__lte=timezone.now()).order_by("at")
    rows = list(due.values_list("pk", "clock_id")[:MOST_AT_ONCE])
    return sum(
        survives("escalate", partial(_do_once, pk, clock_id), ticket=clock_id)
        for pk, clock_id in rows
    )


@transaction.atomic
def _do_once(alarm_id: int, ticket_id: int) -> bool:
    ticket = Ticket.objects.select_for_update(of=["self"]).get(pk=ticket_id)
    now = timezone.now()
    mine = Alarm.objects.filter(pk=alarm_id, done_at=None, at__lte=now).update(done_at=now)
    if mine:
        alarm = Alarm.objects.select_related("escalation__policy", "clock").get(pk=alarm_id)
        _escalate(ticket, alarm.clock, alarm.escalation)
    return bool(mine)


def _escalate(ticket: Ticket, clock: Clock, escalation: Escalation) -> None:
    due_at = clock.due_at(escalation.measure)
    failed = _act(ticket, escalation)
    tickets_services.record_escalation(
        ticket=ticket,
        policy=escalation.policy.name,
        measure=escalation.measure,
        minutes=escalation.minutes,
        warning=escalation.minutes < 0,
        due_at=due_at.isoformat() if due_at else "",
        action=escalation.action,
        notify=_list_told(ticket, escalation),
        **({"failed": failed} if failed else {}),
    )


def _act(ticket: Ticket, escalation: Escalation) -> str:
    """Change the ticket as the escalation says. Returns why that could not be, if it could not."""
    try:
        with transaction.atomic():
            if escalation.action == Action.PRIORITY and ticket.priority < escalation.priority:
                tickets_services.set_priority(
                    ticket=ticket, priority=Priority(escalation.priority), by=None
                )
            if escalation.action == Action.REASSIGN:
                _hand_over(ticket, escalation)
    except SkerryError as error:
        ticket.refresh_from_db()
        return str(error)
    return ""


def _hand_over(ticket: Ticket, escalation: Escalation) -> None:
    if escalation.team:
        tickets_services.set_team(ticket=ticket, team=escalation.team, by=None)
    if escalation.assignee or escalation.team:
        tickets_services.assign(ticket=ticket, assignee=escalation.assignee, by=None)


def _list_told(ticket: Ticket, escalation: Escalation) -> list[int]:
    """Ids of the active people to tell; an unassigned ticket's assignee is its team."""
    people: set[int] = set()
    agents = accounts_queries.list_agents()
    tells = set(escalation.tells)
    if Told.ASSIGNEE in tells and ticket.assignee_id:
        people |= set(agents.filter(pk=ticket.assignee_id).values_list("pk", flat=True))
    if Told.TEAM in tells or (Told.ASSIGNEE in tells and not ticket.assignee_id):
        team = (
            agents.filter(memberships__team=ticket.team_id)
            if ticket.team_id
            else User.objects.none()
        )
        people |= set(team.values_list("pk", flat=True))
    if Told.ADMINS in tells:
        people |= set(agents.filter(role=Role.ADMIN).values_list("pk", flat=True))
    return sorted(people)
