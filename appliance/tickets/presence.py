"""Who looks at a ticket or writes on it now. Only in the cache: losing it loses nothing.

A page says every few seconds that it is still there. Two that say so in the same instant may
overwrite each other; the next time puts it right.
"""

import time
from dataclasses import dataclass

from django.core.cache import cache

from appliance.accounts.models import User
from appliance.tickets.models import Ticket

PRESENCE_SECONDS = 30  # without a word, somebody is gone


@dataclass(frozen=True)
class Present:
    name: str
    is_writing: bool


def mark_present(viewer: User, ticket: Ticket, *, is_writing: bool = False) -> None:
    """The viewer, an agent, has the ticket open now."""
    if viewer.is_agent:
        _store(ticket, _present(ticket) | {viewer.pk: (str(viewer), is_writing, time.time())})


def mark_absent(viewer: User, ticket: Ticket) -> None:
    here = _present(ticket)
    if here.pop(viewer.pk, None):
        _store(ticket, here)


def list_others(viewer: User, ticket: Ticket) -> list[Present]:
    """Other agents with the ticket open, by name. One cache read; for agents."""
    if not viewer.is_agent:
        return []
    others = [who for pk, who in _present(ticket).items() if pk != viewer.pk]
    return [Present(name, is_writing) for name, is_writing, _ in sorted(others)]


def _present(ticket: Ticket) -> dict[int, tuple[str, bool, float]]:
    since = time.time() - PRESENCE_SECONDS
    known = cache.get(_key(ticket)) or {}
    return {pk: who for pk, who in known.items() if who[2] > since}


def _store(ticket: Ticket, here: dict) -> None:
    cache.set(_key(ticket), here, PRESENCE_SECONDS)


def _key(ticket: Ticket) -> str:
    return f"presence:{ticket.pk}"
