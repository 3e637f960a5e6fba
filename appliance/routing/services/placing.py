"""New tickets go where a rule says. What a person decided, no rule touches.

A ticket is placed in the transaction of the event it follows from. If it may yet be sorted, or
nobody of the team works now, a ``Waiting`` row remembers it and a job looks every minute.
"""

from datetime import timedelta
from functools import partial

import structlog
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from appliance.core.errors import SkerryError
from appliance.core.surviving import survives
from appliance.routing.choosing import list_working, match, next_assignee
from appliance.routing.models import AssignmentRule, Waiting
from appliance.tickets import services as tickets_services
from appliance.tickets.models import OPEN_STATUSES, Event, Ticket

log = structlog.get_logger(__name__)
Kind, Way = Event.Kind, AssignmentRule.Way
HISTORY = timedelta(hours=1)  # what is brought in from longer ago was dealt with elsewhere
PATIENCE = timedelta(minutes=2)  # the models may be away: then it goes by what is known
MAX_ASSIGNMENTS_PER_RUN = 200


def follow(event: Event) -> None:
    """Place a ticket when it is opened, and when its category becomes another while it is free.

    Registered as a listener: the ticket is locked.
    """
    ticket = event.ticket
    if event.kind in (Kind.ASSIGNEE, Kind.TEAM) and event.actor_id:
        _stop_waiting(ticket)
    elif event.kind == Kind.OPENED and _is_recent(event) and not _is_placed(ticket):
        _try_to_place(ticket, may_be_sorted=True)
    elif event.kind in (Kind.SORTED, Kind.CATEGORY) and _is_recent(event) and _is_ours(ticket):
        _try_to_place(ticket, may_be_sorted=False)


def place_waiting() -> int:
    """Tickets that waited long enough to be sorted, or whose team has begun to work.

    Returns how many somebody got.
    """
    now = timezone.now()
    ready = list(_ids(Waiting.objects.filter(rule=None, since__lte=now - PATIENCE)))
    for rule in AssignmentRule.objects.filter(waiting__isnull=False).distinct():
        if rule.way == Way.HAND or list_working(rule.team, now):
            ready += _ids(rule.waiting.all())
    return sum(survives("place", partial(_place_waiting, pk), ticket=pk) for pk in ready)


def _ids(rows: QuerySet[Waiting]) -> QuerySet:
    return rows.order_by("since").values_list("pk", flat=True)[:MAX_ASSIGNMENTS_PER_RUN]


@transaction.atomic
def _place_waiting(ticket_id: int) -> bool:
    ticket = Ticket.objects.select_for_update(of=["self"]).get(pk=ticket_id)
    if not Waiting.objects.filter(pk=ticket_id).exists():
        return False  # somebody took it in the meantime
    if _is_ours(ticket):
        _try_to_place(ticket, may_be_sorted=False)
    else:
        _stop_waiting(ticket)
    return ticket.assignee_id is not None


def _is_recent(event: Event) -> bool:
    return event.at > timezone.now() - HISTORY


def _is_placed(ticket: Ticket) -> bool:
    return bool(ticket.assignee_id or ticket.team_id) or ticket.status not in OPEN_STATUSES


def _is_ours(ticket: Ticket) -> bool:
    """Open, unassigned, and where no person has put it."""
    if ticket.assignee_id or ticket.status not in OPEN_STATUSES:
        return False
    last = ticket.events.filter(kind__in=[Kind.TEAM, Kind.ASSIGNEE]).last()
    return last.actor_id is None if last else ticket.team_id is None


def _try_to_place(ticket: Ticket, *, may_be_sorted: bool) -> None:
    """A rule that cannot be followed must not keep the ticket from being opened."""
    try:
        with transaction.atomic():
            _place(ticket, may_be_sorted=may_be_sorted)
    except SkerryError as error:
        log.warning("rule_not_followed", ticket=ticket.pk, why=str(error))
        ticket.refresh_from_db()


def _place(ticket: Ticket, *, may_be_sorted: bool) -> None:
    found = match(ticket, may_be_sorted=may_be_sorted)
    if found.must_be_sorted:
        _wait(ticket, None)
    elif found.rule is None:
        _stop_waiting(ticket)
    else:
        tickets_services.set_team(ticket=ticket, team=found.rule.team, by=None)
        _hand_out(ticket, found.rule)


def _hand_out(ticket: Ticket, rule: AssignmentRule) -> None:
    """To whoever is next. The rule is locked, so two tickets at once never get the same turn."""
    if rule.way == Way.HAND:
        _stop_waiting(ticket)
        return
    rule = AssignmentRule.objects.select_for_update(of=["self"]).get(pk=rule.pk)
    person = next_assignee(rule, ticket)
    if person is None:
        _wait(ticket, rule)
        return
    rule.last_assignee = person
    rule.save(update_fields=["last_assignee"])
    _stop_waiting(ticket)
    tickets_services.assign(ticket=ticket, assignee=person, by=None)


def _wait(ticket: Ticket, rule: AssignmentRule | None) -> None:
    Waiting.objects.update_or_create(ticket=ticket, defaults={"rule": rule})


def _stop_waiting(ticket: Ticket) -> None:
    Waiting.objects.filter(pk=ticket.pk).delete()
