"""Clocks follow what happens to their tickets, and what admins promise."""

import time
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from appliance.core import cache
from appliance.sla import clockwork
from appliance.sla.models import Clock
from appliance.sla.rules import Rules, load_rules
from appliance.sla.services import alarms
from appliance.tickets import services as tickets_services
from appliance.tickets.filters import SOON
from appliance.tickets.models import Event, Ticket
from appliance.tickets.models.ticket import NEVER

MOVES = {
    Event.Kind.OPENED,
    Event.Kind.REPLIED,
    Event.Kind.STATUS,
    Event.Kind.PRIORITY,
    Event.Kind.CATEGORY,
    Event.Kind.SORTED,
    Event.Kind.MERGED,
}
SLICE = 100
LOOK_SECONDS = 60  # how often lines crossed are looked for


def follow(event: Event) -> None:
    """Move the clock of the ticket with it. Registered as a listener: the ticket is locked."""
    if event.kind not in MOVES:
        return
    ticket = event.ticket
    clock = Clock.objects.filter(pk=ticket.pk).first()
    if event.kind == Event.Kind.REPLIED and clock and not _is_first_answer(clock, ticket):
        return
    _move(clock or clockwork.begin(ticket), ticket, event.at, load_rules())


def catch_up(*, seconds: float) -> bool:
    """Clocks that came from other rules than today's, and open tickets without one.

    Works for so long at most; returns whether there may be more.
    """
    until, rules = time.monotonic() + seconds, load_rules()
    while time.monotonic() < until:
        found = [*_stale(rules)[:SLICE]] or [*_missing()[:SLICE]]
        for ticket_id in found:
            _recompute(ticket_id, rules)
        if not found:
            return False
    return True


def tell_of_lines_crossed() -> bool:
    """Open lists look again when a ticket has just become overdue or due soon."""
    now = timezone.now()
    is_crossed = any(_just_crossed(line).exists() for line in (now, now + SOON))
    if is_crossed:
        cache.changed(cache.TICKETS)
    return is_crossed


def _just_crossed(line: datetime) -> QuerySet:
    """Open tickets that fell due since the last look, were ``line`` the present."""
    due = Ticket.objects.open().annotate(due_order=Coalesce("due_at", Value(NEVER)))
    since = line - timedelta(seconds=LOOK_SECONDS + 10)
    return due.filter(due_order__gt=since, due_order__lte=line)


def _is_first_answer(clock: Clock, ticket: Ticket) -> bool:
    return clock.answer_met_at is None and ticket.first_answered_at is not None


def _move(
    clock: Clock, ticket: Ticket, at: datetime, rules: Rules, *, was_edited: bool = False
) -> None:
    terms = clockwork.advance(clock, ticket, at, rules)
    is_new = clock._state.adding
    clock.save(force_insert=is_new)
    tickets_services.set_due(ticket=ticket, due_at=clockwork.next_due(clock))
    alarms.plan(clock, terms, is_new=is_new, was_edited=was_edited)


def _stale(rules: Rules) -> QuerySet:
    others = Q(rules__lt=rules.digest) | Q(rules__gt=rules.digest)  # two ranges of the index
    return Clock.objects.filter(others, is_open=True).values_list("pk", flat=True)


def _missing() -> QuerySet:
    return Ticket.objects.open().filter(clock=None).values_list("pk", flat=True)


@transaction.atomic
def _recompute(ticket_id: int, rules: Rules) -> None:
    """The due times from what is promised today; nobody is woken up for what is past."""
    ticket = Ticket.objects.select_for_update(of=["self"]).get(pk=ticket_id)
    clock = Clock.objects.filter(pk=ticket_id).first() or clockwork.begin(ticket)
    _move(clock, ticket, timezone.now(), rules, was_edited=True)
