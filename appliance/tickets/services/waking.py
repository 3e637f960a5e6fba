"""What the box does to tickets when their time has come."""

from datetime import timedelta
from functools import partial

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from appliance.core import queries as core_queries
from appliance.core.logs import run_or_log
from appliance.tickets.models import Status, Ticket
from appliance.tickets.services.status import change_status

BATCH = 200


def wake_held_tickets() -> int:
    """Open what was on hold until now. How many."""
    due = Ticket.objects.filter(status=Status.HOLD, held_until__lte=timezone.now())
    return _each(due.order_by("held_until"), Status.OPEN, why="held")


def close_solved_tickets() -> int:
    """Close what stayed solved for as long as the desk says; nothing when it says nothing."""
    days = core_queries.site_settings().close_solved_after_days
    if days is None:
        return 0
    before = timezone.now() - timedelta(days=days)
    due = Ticket.objects.filter(status=Status.SOLVED, solved_at__lte=before)
    return _each(due.order_by("solved_at"), Status.CLOSED, why="solved", days=days)


def _each(due: QuerySet[Ticket], status: Status, **said: object) -> int:
    """One transaction a ticket: what a person holds or changes now comes next time."""
    changed, failed = 0, set()
    while ids := list(due.exclude(pk__in=failed).values_list("pk", flat=True)[:BATCH]):
        for pk in ids:
            if run_or_log("wake", partial(_change, due, pk, status, said), ticket=pk):
                changed += 1
            else:
                failed.add(pk)
    return changed


@transaction.atomic
def _change(due: QuerySet[Ticket], pk: int, status: Status, said: dict) -> bool:
    found = due.select_for_update(of=["self"], skip_locked=True).filter(pk=pk).first()
    if found is None:
        return False
    change_status(found, status, None, **said)
    return True
