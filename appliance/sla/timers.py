"""SLA timer arithmetic on a SlaTimer and its Ticket in memory: reads and writes no rows."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from appliance.sla.models import SlaMetric, SlaTimer
from appliance.sla.policies import EscalationRule, PolicySet, PolicyTerms
from appliance.sla.working_time import NoHoursError, add_working_time, working_seconds_between
from appliance.tickets.models import Status, Ticket

RUNNING = (Status.NEW, Status.OPEN)
MAX_DELAY = timedelta(hours=1)  # an escalation scheduled later than this is skipped


@dataclass(frozen=True)
class EscalationTime:
    """When an escalation is due; ``is_over`` if it is too late to carry it out."""

    rule: EscalationRule
    at: datetime
    is_over: bool


def new_timer(ticket: Ticket) -> SlaTimer:
    """Return an unsaved timer that has counted no time."""
    return SlaTimer(ticket=ticket, running_since=ticket.created_at if _is_running(ticket) else None)


def advance_timer(
    timer: SlaTimer, ticket: Ticket, at: datetime, policies: PolicySet
) -> PolicyTerms | None:
    """Bring the timer to ``at``, after a change of its ticket, and return the policy that applies.

    Time used so far keeps counting under another policy. A solved ticket keeps the policy it
    was solved under; a merged ticket has none.
    """
    hours = policies.working_hours_of(timer.policy_id)
    if timer.running_since:
        timer.used_seconds += working_seconds_between(timer.running_since, at, hours)
        at = max(at, timer.running_since)
    timer.running_since = at if _is_running(ticket) else None
    timer.is_open = ticket.solved_at is None and ticket.merged_into_id is None
    timer.first_response_met_at, timer.resolution_met_at = (
        ticket.first_response_at,
        ticket.solved_at,
    )
    timer.policies_digest = policies.digest
    terms = None if ticket.merged_into_id else _terms(timer, ticket, policies)
    timer.policy_id = terms.policy_id if terms else None
    for metric in SlaMetric:
        _set_due(timer, metric, terms, at)
    return terms


def next_due_at(timer: SlaTimer) -> datetime | None:
    """Return the earliest due time of the targets that are still open."""
    if timer.running_since is None:
        return None
    due_times = [timer.due_at(metric) for metric in SlaMetric if not timer.met_at(metric)]
    return min((due for due in due_times if due), default=None)


def list_escalation_times(
    timer: SlaTimer, terms: PolicyTerms | None, *, now: datetime, was_edited: bool
) -> list[EscalationTime]:
    """Return when each escalation of a running timer is due.

    Escalations whose time had long passed are marked ``is_over``: neither imported history nor an
    edited policy (``was_edited``) notifies anybody about the past.
    """
    if terms is None or timer.running_since is None:
        return []
    return [
        _escalation_time(timer, terms, rule, terms.seconds[rule.metric], now, was_edited)
        for rule in terms.escalations
        if rule.metric in terms.seconds and not timer.met_at(rule.metric)
    ]


def _is_running(ticket: Ticket) -> bool:
    return ticket.status in RUNNING and ticket.merged_into_id is None


def _terms(timer: SlaTimer, ticket: Ticket, policies: PolicySet) -> PolicyTerms | None:
    if timer.is_open or timer.policy_id is None:
        return policies.match(ticket)
    return policies.find(timer.policy_id)


def _set_due(timer: SlaTimer, metric: str, terms: PolicyTerms | None, at: datetime) -> None:
    due = timer.due_at(metric)
    if terms is None or str(metric) not in terms.seconds:
        due = None
    elif not timer.met_at(metric):
        seconds_left = terms.seconds[str(metric)] - timer.used_seconds
        due = (
            min(due or at, at)
            if seconds_left <= 0
            else _add_time(timer.running_since, seconds_left, terms)
        )
    elif due is None:  # met while the timer was paused
        due = _add_time(at, terms.seconds[str(metric)] - timer.used_seconds, terms)
    setattr(timer, f"{metric}_due_at", due)


def _add_time(start: datetime | None, seconds: float, terms: PolicyTerms) -> datetime | None:
    """Return when the business time has passed; None without a start, or if it never will."""
    try:
        return add_working_time(start, seconds, terms.hours) if start else None
    except NoHoursError:  # years of holidays
        return None


def _escalation_time(
    timer: SlaTimer,
    terms: PolicyTerms,
    rule: EscalationRule,
    target: int,
    now: datetime,
    was_edited: bool,
) -> EscalationTime:
    seconds_left = target - timer.used_seconds + rule.seconds
    at = _add_time(timer.running_since, seconds_left, terms) or now + timedelta(days=3660)
    is_warning = rule.seconds < 0
    is_over = at < now - MAX_DELAY or (seconds_left <= 0 and (is_warning or was_edited))
    return EscalationTime(rule, at, is_over)
