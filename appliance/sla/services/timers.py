"""SLA timers are updated after ticket events and when policies or business hours change."""

import time
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from appliance.core import cache
from appliance.sla import timers
from appliance.sla.models import SlaTimer
from appliance.sla.policies import PolicySet, load_policies
from appliance.sla.services import escalations
from appliance.tickets import services as tickets_services
from appliance.tickets.filters import SOON
from appliance.tickets.models import Event, Ticket
from appliance.tickets.models.ticket import NEVER

TIMER_EVENTS = {
    Event.Kind.OPENED,
    Event.Kind.REPLIED,
    Event.Kind.STATUS,
    Event.Kind.PRIORITY,
    Event.Kind.CATEGORY,
    Event.Kind.CLASSIFIED,
    Event.Kind.MERGED,
}
BATCH_SIZE = 100
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
    """Recompute timers of earlier policies, and make those that open tickets lack.

    Stops after ``seconds``; returns whether there may be more to do.
    """
    until, policies = time.monotonic() + seconds, load_policies()
    while time.monotonic() < until:
        rows = [*_list_outdated(policies)[:BATCH_SIZE]] or [
            *_list_tickets_without_timer()[:BATCH_SIZE]
        ]
        for ticket_id in rows:
            _recompute(ticket_id, policies)
        if not rows:
            return False
    return True


def notify_newly_overdue() -> bool:
    """Invalidate cached lists when a ticket has just become overdue or due soon."""
    now = timezone.now()
    is_crossed = any(_newly_past(line).exists() for line in (now, now + SOON))
    if is_crossed:
        cache.invalidate(cache.TICKETS)
    return is_crossed


def _newly_past(line: datetime) -> QuerySet:
    """Return the open tickets whose due time passed ``line`` since the last check."""
    due = Ticket.objects.open().annotate(due_order=Coalesce("due_at", Value(NEVER)))
    since = line - timedelta(seconds=CHECK_INTERVAL_SECONDS + 10)
    return due.filter(due_order__gt=since, due_order__lte=line)


def _is_first_response(timer: SlaTimer, ticket: Ticket) -> bool:
    return timer.first_response_met_at is None and ticket.first_response_at is not None


def _update_timer(
    timer: SlaTimer, ticket: Ticket, at: datetime, policies: PolicySet, *, was_edited: bool = False
) -> None:
    terms = timers.advance_timer(timer, ticket, at, policies)
    is_new = timer._state.adding
    timer.save(force_insert=is_new)
    tickets_services.set_due(ticket=ticket, due_at=timers.next_due_at(timer))
    escalations.plan_escalations(timer, terms, is_new=is_new, was_edited=was_edited)


def _list_outdated(policies: PolicySet) -> QuerySet:
    # not equal, as two ranges that the index can serve
    others = Q(policies_digest__lt=policies.digest) | Q(policies_digest__gt=policies.digest)
    return SlaTimer.objects.filter(others, is_open=True).values_list("pk", flat=True)


def _list_tickets_without_timer() -> QuerySet:
    return Ticket.objects.open().filter(timer=None).values_list("pk", flat=True)


@transaction.atomic
def _recompute(ticket_id: int, policies: PolicySet) -> None:
    """Recompute one timer under the current policies, without escalating the past."""
    ticket = Ticket.objects.select_for_update(of=["self"]).get(pk=ticket_id)
    timer = SlaTimer.objects.filter(pk=ticket_id).first() or timers.new_timer(ticket)
    _update_timer(timer, ticket, timezone.now(), policies, was_edited=True)
