"""What Valkey holds, and how it stays true.

A value is stored under a name, the generations of the data it was computed from, and the
parts that make it particular. Whoever changes data says so with ``changed``; the old values
are then never asked for again and expire. A dead or flushed cache costs only speed: every
read falls back to computing, and a generation that was lost starts at a new random number.
Hits and misses are counted in the cache itself, per name.
"""

import hashlib
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from django.core.cache import cache
from django.db import transaction

T = TypeVar("T")
TICKETS, ARTICLES, CATEGORIES = "tickets", "articles", "categories"
TEAMS, DESK, VIEWS = "teams", "desk", "views"
# A write that could not reach the cache (a Redis of the site's, cut off for a moment) is seen
# at the latest when the value expires.
LIFETIME_SECONDS = 60
GENERATION_LIFETIME_SECONDS = 30 * 24 * 3600
_MISSING = "\0missing"  # a value nobody stores; None is a value
_together: ContextVar[set[str] | None] = ContextVar("together", default=None)


def generation(subject: str) -> int | None:
    """A number that changes whenever ``subject`` changes; None while the cache is dead."""
    key = f"generation:{subject}"
    value = cache.get(key)
    if value is None:
        cache.add(key, secrets.randbits(48), GENERATION_LIFETIME_SECONDS)
        value = cache.get(key)
    return value


def changed(subject: str) -> None:
    """Make values computed from ``subject`` unreachable once the transaction commits."""
    if (waiting := _together.get()) is not None:
        waiting.add(subject)
    else:
        transaction.on_commit(lambda: _bump(subject))


@contextmanager
def together() -> Iterator[None]:
    """However often what is done inside changes a subject, it is said once, at the end.

    Until then other people may be shown what was; use it inside one transaction.
    """
    waiting: set[str] = set()
    token = _together.set(waiting)
    try:
        yield
    finally:
        _together.reset(token)
        for subject in waiting:
            changed(subject)


def _bump(subject: str) -> None:
    cache.set(f"generation:{subject}", secrets.randbits(48), GENERATION_LIFETIME_SECONDS)


def remember(
    name: str,
    parts: Iterable[object],
    compute: Callable[[], T],
    *,
    depends_on: Iterable[str] = (),
    seconds: int = LIFETIME_SECONDS,
) -> T:
    """The stored value for ``name`` and ``parts``, computed and stored when it is not there."""
    generations = [generation(subject) for subject in depends_on]
    if None in generations:
        return compute()
    exact = "\x1f".join(str(part) for part in [*generations, *parts])
    key = f"{name}:{hashlib.sha256(exact.encode(errors='replace')).hexdigest()}"
    value = cache.get(key, _MISSING)
    hit = not (isinstance(value, str) and value == _MISSING)
    _count(name, "hits" if hit else "misses")
    if not hit:
        value = compute()
        cache.set(key, value, seconds)
    return value


def keep(name: str, parts: Iterable[object], value: object, *, seconds: int) -> None:
    """For ``recall``, whatever changes in the meantime: for what may be a little old."""
    cache.set(_kept_key(name, parts), value, seconds)


def recall(name: str, parts: Iterable[object]) -> object | None:
    """What was kept; None when it is gone."""
    return cache.get(_kept_key(name, parts))


def _kept_key(name: str, parts: Iterable[object]) -> str:
    exact = "\x1f".join(map(str, parts))
    return f"kept:{name}:{hashlib.sha256(exact.encode(errors='replace')).hexdigest()}"


def _count(name: str, what: str) -> None:
    key = f"count:{what}:{name}"
    try:
        cache.incr(key)
    except ValueError:  # the first since the cache was started
        cache.add(key, 1, None)


NAMES = (
    "category_names",
    "closed_teams",
    "custom_fields",
    "dashboard_counts",
    "help_shelves",
    "hidden_teams",
    "list_counts",
    "manners",
    "offered_assignees",
    "offered_categories",
    "offered_teams",
    "portal_counts",
    "query_vector",
    "related_articles",
    "rights",
    "suggestions",
    "teams_of",
    "unread_notices",
)


def counts() -> dict[str, dict[str, int]]:
    """Hits and misses of each name since the cache was last started."""
    return {
        name: {what: cache.get(f"count:{what}:{name}", 0) or 0 for what in ("hits", "misses")}
        for name in NAMES
    }
