"""What the box does to tickets when their time has come."""

from datetime import timedelta
from functools import partial

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from appliance.core import queries as core_queries
from appliance.core.logs import run_or_log
from appliance.tickets.models import Status, Ticket
from appliance.tickets.services.properties import change_status

BATCH_SIZE = 200


def resume_held_tickets() -> int:
    """Open what was on hold until now. How many."""
    due = Ticket.objects.filter(status=Status.HOLD, resume_at__lte=timezone.now())
    return _for_each(due.order_by("resume_at"), Status.OPEN, why="held")


def close_solved_tickets() -> int:
    """Close what stayed solved for as long as the desk says; nothing when it says nothing."""
    days = core_queries.site_settings().close_solved_after_days
    if days is None:
        return 0
    before = timezone.now() - timedelta(days=days)
    due = Ticket.objects.filter(status=Status.SOLVED, solved_at__lte=before)
    return _for_each(due.order_by("solved_at"), Status.CLOSED, why="solved", days=days)


def _for_each(due: QuerySet[Ticket], status: Status, **event_data: object) -> int:
    """One transaction a ticket: what a person holds or changes now comes next time."""
    changed, failed = 0, set()
    while ids := list(due.exclude(pk__in=failed).values_list("pk", flat=True)[:BATCH_SIZE]):
        for pk in ids:
            if run_or_log("wake", partial(_apply, due, pk, status, event_data), ticket=pk):
                changed += 1
            else:
                failed.add(pk)
    return changed


@transaction.atomic
def _apply(due: QuerySet[Ticket], pk: int, status: Status, event_data: dict) -> bool:
    ticket = due.select_for_update(of=["self"], skip_locked=True).filter(pk=pk).first()
    if ticket is None:
        return False
    change_status(ticket, status, None, **event_data)
    return True
