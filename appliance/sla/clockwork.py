"""How a clock moves: on a Clock and its Ticket in memory. Nothing here reads or writes rows."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from appliance.calendars.worktime import NoHoursError, add_working_time, working_seconds_between
from appliance.sla.models import Clock, Measure
from appliance.sla.rules import Planned, Rules, Terms
from appliance.tickets.models import Status, Ticket

RUNNING = (Status.NEW, Status.OPEN)
LATE = timedelta(hours=1)  # an alarm planned this long after its moment helps nobody any more


@dataclass(frozen=True)
class Moment:
    """When one escalation is to be done; ``is_over`` when it makes no sense any more."""

    planned: Planned
    at: datetime
    is_over: bool


def begin(ticket: Ticket) -> Clock:
    """A clock that has counted nothing yet."""
    return Clock(ticket=ticket, running_since=ticket.created_at if _runs(ticket) else None)


def advance(clock: Clock, ticket: Ticket, at: datetime, rules: Rules) -> Terms | None:
    """Bring the clock to ``at``; the ticket is as it is from then on. Returns what is promised.

    Time used so far keeps counting under another policy. A solved ticket keeps the policy it
    was solved under; one that was merged into another is promised nothing.
    """
    hours = rules.hours_of(clock.policy_id)
    if clock.running_since:
        clock.used_seconds += working_seconds_between(clock.running_since, at, hours)
        at = max(at, clock.running_since)
    clock.running_since = at if _runs(ticket) else None
    clock.is_open = ticket.solved_at is None and ticket.merged_into_id is None
    clock.answer_met_at, clock.solution_met_at = ticket.first_answered_at, ticket.solved_at
    clock.rules = rules.digest
    terms = None if ticket.merged_into_id else _terms(clock, ticket, rules)
    clock.policy_id = terms.policy_id if terms else None
    for measure in Measure:
        _set_due(clock, measure, terms, at)
    return terms


def next_due(clock: Clock) -> datetime | None:
    """When the next promise that still runs falls due."""
    if clock.running_since is None:
        return None
    dues = [clock.due_at(measure) for measure in Measure if not clock.met_at(measure)]
    return min((due for due in dues if due), default=None)


def list_moments(
    clock: Clock, terms: Terms | None, *, now: datetime, was_edited: bool
) -> list[Moment]:
    """When each escalation of a running clock is to be done.

    One whose moment was over long ago when it is planned is not done: history that is brought
    in, and a policy that was edited (``was_edited``), wake nobody up for what is past.
    """
    if terms is None or clock.running_since is None:
        return []
    return [
        _moment(clock, terms, planned, terms.seconds[planned.measure], now, was_edited)
        for planned in terms.escalations
        if planned.measure in terms.seconds and not clock.met_at(planned.measure)
    ]


def _runs(ticket: Ticket) -> bool:
    return ticket.status in RUNNING and ticket.merged_into_id is None


def _terms(clock: Clock, ticket: Ticket, rules: Rules) -> Terms | None:
    if clock.is_open or clock.policy_id is None:
        return rules.match(ticket)
    return rules.find(clock.policy_id)


def _set_due(clock: Clock, measure: str, terms: Terms | None, at: datetime) -> None:
    target = terms.seconds.get(str(measure)) if terms else None
    due = clock.due_at(measure)
    if target is None:
        due = None
    elif not clock.met_at(measure):
        left = target - clock.used_seconds
        due = min(due or at, at) if left <= 0 else _reach(clock, left, terms)
    elif due is None:  # met while the clock stood still
        due = _after(at, target - clock.used_seconds, terms)
    setattr(clock, f"{measure}_due_at", due)


def _reach(clock: Clock, seconds: float, terms: Terms) -> datetime | None:
    """Due after so much more work; nothing while the clock stands still."""
    return _after(clock.running_since, seconds, terms) if clock.running_since else None


def _after(start: datetime, seconds: float, terms: Terms) -> datetime | None:
    try:
        return add_working_time(start, seconds, terms.hours)
    except NoHoursError:  # years of holidays: it never comes due
        return None


def _moment(
    clock: Clock, terms: Terms, planned: Planned, target: int, now: datetime, was_edited: bool
) -> Moment:
    left = target - clock.used_seconds + planned.seconds
    at = _after(clock.running_since, left, terms) or now + timedelta(days=3660)
    is_warning = planned.seconds < 0
    is_over = at < now - LATE or (left <= 0 and (is_warning or was_edited))
    return Moment(planned, at, is_over)
