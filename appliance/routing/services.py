"""Apply assignment rules to tickets, and let admins edit the rules (``by=None`` is the system).

Rules never override a person's choice. A ticket is assigned in the transaction of the event that
caused it. If its category is pending, or no agent of the team is available, a PendingAssignment row
is stored, which a job retries every minute.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from functools import partial
from typing import TypedDict, Unpack

import structlog
from django.db import IntegrityError, transaction
from django.db.models import Max, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from appliance.accounts.models import Team, User
from appliance.core import audit
from appliance.core.errors import BadInputError, ForbiddenError, SkerryError
from appliance.core.logs import run_or_log
from appliance.routing import queries
from appliance.routing.models import AssignmentRule, PendingAssignment
from appliance.tickets import services as tickets_services
from appliance.tickets.models import OPEN_STATUSES, Event, Ticket, TicketCategory

log = structlog.get_logger(__name__)
Kind, Strategy = Event.Kind, AssignmentRule.Strategy
MAX_AGE = timedelta(hours=1)  # older events are imported history
MAX_CATEGORY_WAIT = timedelta(minutes=2)  # then the rules apply without a category
MAX_ASSIGNMENTS_PER_RUN = 200


class RuleConditions(TypedDict, total=False):
    """The tickets a rule applies to; what is absent matches any ticket."""

    categories: Iterable[TicketCategory]
    priorities: Iterable[int]
    is_premium: bool | None


def on_ticket_event(event: Event) -> None:
    """Apply the rules to a new ticket, and to an unassigned one whose category changes.

    Called with the ticket row locked.
    """
    ticket = event.ticket
    if event.kind in (Kind.ASSIGNEE, Kind.TEAM) and event.actor_id:
        _clear_pending(ticket)
    elif event.kind == Kind.OPENED and _is_recent(event) and not _is_assigned(ticket):
        _try_to_assign(ticket, is_category_pending=True)
    elif (
        event.kind in (Kind.CLASSIFIED, Kind.CATEGORY)
        and _is_recent(event)
        and _is_open_to_rules(ticket)
    ):
        _try_to_assign(ticket, is_category_pending=False)


def on_ticket_events(events: Sequence[Event]) -> None:
    """Stop assigning the tickets that a person gave to another team or agent."""
    is_by_person = [event.ticket_id for event in events if event.actor_id]
    PendingAssignment.objects.filter(pk__in=is_by_person).delete()


def assign_pending() -> int:
    """Assign tickets whose category is overdue or whose team now has an agent available.

    Returns the number of tickets assigned.
    """
    now = timezone.now()
    ready = list(
        _ticket_ids(PendingAssignment.objects.filter(rule=None, since__lte=now - MAX_CATEGORY_WAIT))
    )
    for rule in AssignmentRule.objects.filter(pending_assignments__isnull=False).distinct():
        if rule.strategy == Strategy.MANUAL or queries.list_available_agents(rule.team, now):
            ready += _ticket_ids(rule.pending_assignments.all())
    return sum(
        run_or_log("assign_pending", partial(_assign_pending_ticket, pk), ticket=pk) for pk in ready
    )


def _ticket_ids(pending: QuerySet[PendingAssignment]) -> QuerySet[PendingAssignment, int]:
    return pending.order_by("since").values_list("pk", flat=True)[:MAX_ASSIGNMENTS_PER_RUN]


@transaction.atomic
def _assign_pending_ticket(ticket_id: int) -> bool:
    ticket = Ticket.objects.select_for_update(of=["self"]).get(pk=ticket_id)
    if not PendingAssignment.objects.filter(pk=ticket_id).exists():
        return False  # assigned by somebody in the meantime
    if _is_open_to_rules(ticket):
        _try_to_assign(ticket, is_category_pending=False)
    else:
        _clear_pending(ticket)
    return ticket.assignee_id is not None


def _is_recent(event: Event) -> bool:
    return event.at > timezone.now() - MAX_AGE


def _is_assigned(ticket: Ticket) -> bool:
    return bool(ticket.assignee_id or ticket.team_id) or ticket.status not in OPEN_STATUSES


def _is_open_to_rules(ticket: Ticket) -> bool:
    """Return whether the ticket is open, unassigned and not routed by a person."""
    if ticket.assignee_id or ticket.status not in OPEN_STATUSES:
        return False
    last = ticket.events.filter(kind__in=[Kind.TEAM, Kind.ASSIGNEE]).last()
    return last.actor_id is None if last else ticket.team_id is None


def _try_to_assign(ticket: Ticket, *, is_category_pending: bool) -> None:
    """Apply the rules; a rule that fails does not keep the ticket from being opened."""
    try:
        with transaction.atomic():
            _apply_rules(ticket, is_category_pending=is_category_pending)
    except SkerryError as error:
        log.warning("rule_failed", ticket=ticket.pk, error=type(error).__name__)
        ticket.refresh_from_db()


def _apply_rules(ticket: Ticket, *, is_category_pending: bool) -> None:
    match = queries.match_rule(ticket, is_category_pending=is_category_pending)
    if match.needs_category:
        _defer(ticket, None)
    elif match.rule is None:
        _clear_pending(ticket)
    else:
        tickets_services.set_team(ticket=ticket, team=match.rule.team, by=None)
        _assign_next(ticket, match.rule)


def _assign_next(ticket: Ticket, rule: AssignmentRule) -> None:
    """Assign the next agent, under a lock on the rule so that concurrent tickets take turns."""
    if rule.strategy == Strategy.MANUAL:
        _clear_pending(ticket)
        return
    rule = AssignmentRule.objects.select_for_update(of=["self"]).get(pk=rule.pk)
    assignee = queries.next_assignee(rule, ticket)
    if assignee is None:
        _defer(ticket, rule)
        return
    rule.last_assignee = assignee
    rule.save(update_fields=["last_assignee"])
    _clear_pending(ticket)
    tickets_services.assign(ticket=ticket, assignee=assignee, by=None)


def _defer(ticket: Ticket, rule: AssignmentRule | None) -> None:
    PendingAssignment.objects.update_or_create(ticket=ticket, defaults={"rule": rule})


def _clear_pending(ticket: Ticket) -> None:
    PendingAssignment.objects.filter(pk=ticket.pk).delete()


@transaction.atomic
def add_rule(
    *,
    by: User | None,
    name: str,
    team: Team,
    strategy: AssignmentRule.Strategy,
    **conditions: Unpack[RuleConditions],
) -> AssignmentRule:
    """Add a rule at the end of the order."""
    _admins_only(by)
    last = AssignmentRule.objects.aggregate(last=Max("position"))["last"]
    rule = AssignmentRule(position=(last or 0) + 1)
    _write(rule, name=name, team=team, strategy=strategy, **conditions)
    audit.record_change(by=by, verb="added", subject=rule, data=_audit_data(rule))
    return rule


@transaction.atomic
def change_rule(
    *,
    rule: AssignmentRule,
    by: User | None,
    name: str,
    team: Team,
    strategy: AssignmentRule.Strategy,
    **conditions: Unpack[RuleConditions],
) -> None:
    """Replace name, team, strategy and all conditions."""
    _admins_only(by)
    rule = AssignmentRule.objects.select_for_update(of=["self"]).get(pk=rule.pk)
    before = _audit_data(rule)
    _write(rule, name=name, team=team, strategy=strategy, **conditions)
    after = _audit_data(rule)
    if changes := {key: [before[key], after[key]] for key in after if before[key] != after[key]}:
        audit.record_change(by=by, verb="changed", subject=rule, data=changes)


@transaction.atomic
def remove_rule(*, rule: AssignmentRule, by: User | None) -> None:
    """Delete a rule; the tickets it assigned stay assigned."""
    _admins_only(by)
    audit.record_change(by=by, verb="removed", subject=rule, data=_audit_data(rule))
    rule.delete()


@transaction.atomic
def move_rule(*, rule: AssignmentRule, by: User | None, up: bool) -> None:
    """Move the rule one place up or down; a no-op at the end of the order."""
    _admins_only(by)
    order = list(AssignmentRule.objects.select_for_update().values_list("pk", flat=True))
    old = order.index(rule.pk) if rule.pk in order else -1
    new = old - 1 if up else old + 1
    if old < 0 or not 0 <= new < len(order):
        return
    order[old], order[new] = order[new], order[old]
    for position, pk in enumerate(order, start=1):
        AssignmentRule.objects.filter(pk=pk).update(position=position)
    audit.record_change(by=by, verb="moved", subject=rule, data={"position": [old + 1, new + 1]})


def _admins_only(by: User | None) -> None:
    if by is not None and not by.is_admin:
        raise ForbiddenError(_("Only administrators can change assignment rules."))


def _write(
    rule: AssignmentRule,
    *,
    name: str,
    team: Team,
    strategy: AssignmentRule.Strategy,
    categories: Iterable[TicketCategory] = (),
    priorities: Iterable[int] = (),
    is_premium: bool | None = None,
) -> None:
    if not team.is_active:
        raise BadInputError(
            _("The team %(name)s is inactive. Choose another one.") % {"name": team}, field="team"
        )
    rule.name, rule.team, rule.strategy, rule.is_premium = name, team, strategy, is_premium
    rule.priorities = sorted({int(value) for value in priorities})
    try:
        with transaction.atomic():
            rule.save()
    except IntegrityError as error:
        raise BadInputError(
            _("A rule with this name already exists. Choose another name."), field="name"
        ) from error
    rule.categories.set(categories)


def _audit_data(rule: AssignmentRule) -> dict[str, object]:
    return {
        "name": rule.name,
        "team": str(rule.team),
        "strategy": rule.strategy,
        "categories": [str(category) for category in rule.categories.all()],
        "priorities": rule.priorities,
        "is_premium": rule.is_premium,
    }
