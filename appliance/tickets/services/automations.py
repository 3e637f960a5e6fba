"""Services that change the status of tickets automatically after some time."""

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
    """Open the tickets that were on hold until now and return their number."""
    tickets = Ticket.objects.filter(status=Status.HOLD, resume_at__lte=timezone.now())
    return _change_each(tickets.order_by("resume_at"), Status.OPEN, why="held")


def close_solved_tickets() -> int:
    """Close tickets that are solved for as long as the site settings say; return their number."""
    days = core_queries.site_settings().close_solved_after_days
    if days is None:
        return 0
    before = timezone.now() - timedelta(days=days)
    tickets = Ticket.objects.filter(status=Status.SOLVED, solved_at__lte=before)
    return _change_each(tickets.order_by("solved_at"), Status.CLOSED, why="solved", days=days)


def _change_each(
    tickets: QuerySet[Ticket],
    status: Status,
    *,
    why: Literal["held", "solved"],
    days: int | None = None,
) -> int:
    """Change the tickets, one transaction each, and return their number.

    A ticket that is locked or changed at the moment is left for the next run.
    """
    changed = 0
    failed_ids: set[int] = set()
    while ids := list(tickets.exclude(pk__in=failed_ids).values_list("pk", flat=True)[:BATCH_SIZE]):
        for pk in ids:
            change = partial(_change_status, tickets, pk, status, why=why, days=days)
            if run_or_log("change_status", change, ticket=pk):
                changed += 1
            else:
                failed_ids.add(pk)
    return changed


@transaction.atomic
def _change_status(
    tickets: QuerySet[Ticket],
    pk: int,
    status: Status,
    *,
    why: Literal["held", "solved"],
    days: int | None,
) -> bool:
    ticket = tickets.select_for_update(of=["self"], skip_locked=True).filter(pk=pk).first()
    if ticket is None:
        return False
    change_status(ticket, status, None, why=why, days=days)
    return True
