"""What the box does to tickets when their time has come."""

from datetime import timedelta
from functools import partial
from typing import Literal

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
    return _change_each(due.order_by("resume_at"), Status.OPEN, why="held")


def close_solved_tickets() -> int:
    """Close what stayed solved for as long as the desk says; nothing when it says nothing."""
    days = core_queries.site_settings().close_solved_after_days
    if days is None:
        return 0
    before = timezone.now() - timedelta(days=days)
    due = Ticket.objects.filter(status=Status.SOLVED, solved_at__lte=before)
    return _change_each(due.order_by("solved_at"), Status.CLOSED, why="solved", days=days)


def _change_each(
    due: QuerySet[Ticket],
    status: Status,
    *,
    why: Literal["held", "solved"],
    days: int | None = None,
) -> int:
    """Change the tickets, one transaction each, and return their number.

    A ticket that is locked or changed at the moment is left for the next run.
    """
    changed, failed_ids = 0, set[int]()
    while ids := list(due.exclude(pk__in=failed_ids).values_list("pk", flat=True)[:BATCH_SIZE]):
        for pk in ids:
            change = partial(_change_one, due, pk, status, why=why, days=days)
            if run_or_log("wake", change, ticket=pk):
                changed += 1
            else:
                failed_ids.add(pk)
    return changed


@transaction.atomic
def _change_one(
    due: QuerySet[Ticket],
    pk: int,
    status: Status,
    *,
    why: Literal["held", "solved"],
    days: int | None,
) -> bool:
    ticket = due.select_for_update(of=["self"], skip_locked=True).filter(pk=pk).first()
    if ticket is None:
        return False
    change_status(ticket, status, None, why=why, days=days)
    return True
