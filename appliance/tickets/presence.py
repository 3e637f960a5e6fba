"""Which agents have a ticket open now. Stored in the cache only: losing it does no harm.

Pages report every few seconds. Two reports at the same instant may overwrite each other; the next
one corrects that.
"""

import time
from dataclasses import dataclass

from django.core.cache import cache

from appliance.accounts.models import User
from appliance.tickets.models import Ticket

PRESENCE_SECONDS = 30  # without a report, an agent counts as gone
Report = tuple[str, bool, float]  # name, is writing, time


@dataclass(frozen=True)
class PresentAgent:
    name: str
    is_writing: bool


def mark_present(viewer: User, ticket: Ticket, *, is_writing: bool = False) -> None:
    """Report that the viewer, if an agent, has the ticket open now."""
    if viewer.is_agent:
        report = (str(viewer), is_writing, time.time())
        _store(ticket, _load(ticket) | {viewer.pk: report})


def mark_absent(viewer: User, ticket: Ticket) -> None:
    reports = _load(ticket)
    if reports.pop(viewer.pk, None):
        _store(ticket, reports)


def list_others(viewer: User, ticket: Ticket) -> list[PresentAgent]:
    """Return other agents with the ticket open, by name; none for customers. One cache read."""
    if not viewer.is_agent:
        return []
    others = [report for pk, report in _load(ticket).items() if pk != viewer.pk]
    return [PresentAgent(name, is_writing) for name, is_writing, _time in sorted(others)]


def _load(ticket: Ticket) -> dict[int, Report]:
    since = time.time() - PRESENCE_SECONDS
    reports: dict[int, Report] = cache.get(_key(ticket)) or {}
    return {pk: report for pk, report in reports.items() if report[2] > since}


def _store(ticket: Ticket, reports: dict[int, Report]) -> None:
    cache.set(_key(ticket), reports, PRESENCE_SECONDS)


def _key(ticket: Ticket) -> str:
    return f"presence:{ticket.pk}"
