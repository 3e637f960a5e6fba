"""What Valkey holds, and how it stays true.

A value is stored under a name, the generations of the data it was computed from, and the
parts that make it particular. Whoever changes data says so with ``changed``; the old values
are then never asked for again and expire. A dead or flushed cache costs only speed: every
read falls back to computing, and a generation that was lost starts at a new random number.
While a page is only read (``one_look``), each generation and each value is asked for once.
Hits and misses are counted in the cache itself, per name, some at a time.
"""

import hashlib
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TypeVar

from django.core.cache import cache
from django.db import transaction

T = TypeVar("T")
TICKETS, ARTICLES, CATEGORIES = "tickets", "articles", "categories"
TEAMS, DESK, VIEWS = "teams", "desk", "views"
EVERYWHERE = (TICKETS, CATEGORIES, TEAMS, DESK, VIEWS)
# A write that could not reach the cache (a Redis of the site's, cut off for a moment) is seen
# at the latest when the value expires.
LIFETIME_SECONDS = 60
GENERATION_LIFETIME_SECONDS = 30 * 24 * 3600
COUNTS_EVERY_SECONDS = 1
_MISSING = "\0missing"  # a value nobody stores; None is a value
_together: ContextVar[set[str] | None] = ContextVar("together", default=None)


@dataclass
class _Look:
    """What one request has read so far."""

    generations: dict[str, int | None] = field(default_factory=dict)
    values: dict[str, object] = field(default_factory=dict)
    counted: Counter[tuple[str, str]] = field(default_factory=Counter)


_look: ContextVar[_Look | None] = ContextVar("look", default=None)


@contextmanager
def one_look() -> Iterator[None]:
    """Inside, what was read is not asked for again: a page shows the desk as it was at one moment.

    For requests that change nothing. What is changed inside all the same is seen.
    """
    token = _look.set(look := _Look())
    try:
        yield
    finally:
        _look.reset(token)
        _tally.add(look.counted)


def generation(subject: str) -> int | None:
    """A number that changes whenever ``subject`` changes; None while the cache is dead."""
    return generations([subject])[0]


def generations(subjects: Iterable[str]) -> list[int | None]:
    """Of each; all that this look does not know yet with one read."""
    look, subjects = _look.get(), list(subjects)
    if look is None:
        known = _read(subjects)
    else:
        known = look.generations
        if missing := [subject for subject in subjects if subject not in known]:
            # with the first, those that nearly every page asks for
            known.update(_read(missing if known else {*missing, *EVERYWHERE}))
    return [known[subject] for subject in subjects]


def _read(subjects: Iterable[str]) -> dict[str, int | None]:
    keys = {f"generation:{subject}": subject for subject in subjects}
    found = cache.get_many(keys)
    for key in keys.keys() - found.keys():
        if cache.add(key, secrets.randbits(48), GENERATION_LIFETIME_SECONDS) is None:
            return dict.fromkeys(subjects)  # nobody listens
        found[key] = cache.get(key)
    return {subject: found[key] for key, subject in keys.items()}


def changed(*subjects: str) -> None:
    """Make values computed from any of ``subjects`` unreachable once the transaction commits."""
    if (waiting := _together.get()) is not None:
        waiting.update(subjects)
    else:
        transaction.on_commit(lambda: _bump(*subjects))


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
        if waiting:
            changed(*waiting)


def _bump(*subjects: str) -> None:
    if look := _look.get():
        look.generations.clear()
    fresh = {f"generation:{subject}": secrets.randbits(48) for subject in subjects}
    cache.set_many(fresh, GENERATION_LIFETIME_SECONDS)


def remember(
    name: str,
    parts: Iterable[object],
    compute: Callable[[], T],
    *,
    depends_on: Iterable[str] = (),
    seconds: int = LIFETIME_SECONDS,
) -> T:
    """The stored value for ``name`` and ``parts``, computed and stored when it is not there."""
    stamps = generations(depends_on)
    if None in stamps:
        return compute()
    exact = "\x1f".join(str(part) for part in [*stamps, *parts])
    key = f"{name}:{hashlib.sha256(exact.encode(errors='replace')).hexdigest()}"
    seen = look.values if (look := _look.get()) else {}
    value = seen[key] if key in seen else cache.get(key, _MISSING)
    hit = not (isinstance(value, str) and value == _MISSING)
    _count(name, "hits" if hit else "misses")
    if not hit:
        value = compute()
        cache.set(key, value, seconds)
    seen[key] = value
    return value


def keep(name: str, parts: Iterable[object], value: object, *, seconds: int) -> None:
    """For ``recall``, whatever changes in the meantime: for what may be a little old."""
    cache.set(_kept_key(name, parts), value, seconds)


def recall(name: str, parts: Iterable[object]) -> object | None:
    """What was kept; None when it is gone."""
    return cache.get(_kept_key(name, parts))


def claim(name: str, parts: Iterable[object], *, seconds: int) -> bool:
    """Whether this is the first to say so: what one does for all is not done by all at once."""
    return bool(cache.add(f"claim:{_kept_key(name, parts)}", 1, seconds))


def _kept_key(name: str, parts: Iterable[object]) -> str:
    exact = "\x1f".join(map(str, parts))
    return f"kept:{name}:{hashlib.sha256(exact.encode(errors='replace')).hexdigest()}"


def _count(name: str, what: str) -> None:
    if look := _look.get():
        look.counted[name, what] += 1
    else:
        _write_counts({(name, what): 1})


def _write_counts(counted: Mapping[tuple[str, str], int]) -> None:
    for (name, what), times in counted.items():
        key = f"count:{what}:{name}"
        try:
            cache.incr(key, times)
        except ValueError:  # the first since the cache was started
            cache.add(key, times, None)


class _Tally:
    """What the looks of this process counted, written once a second: a page asks the cache ten
    times and should not write to it as often.
    """

    def __init__(self) -> None:
        self._lock, self._due = threading.Lock(), 0.0
        self._waiting: Counter[tuple[str, str]] = Counter()

    def add(self, counted: Counter[tuple[str, str]]) -> None:
        with self._lock:
            self._waiting += counted
            if time.monotonic() < self._due:
                return
            self._due = time.monotonic() + COUNTS_EVERY_SECONDS
            due, self._waiting = self._waiting, Counter()
        _write_counts(due)


_tally = _Tally()
NAMES = (
    "category_names",
    "closed_teams",
    "custom_fields",
    "dashboard_counts",
    "help_shelves",
    "hidden_teams",
    "labels",
    "list_counts",
    "manners",
    "offered_agents",
    "offered_assignees",
    "offered_categories",
    "offered_slugs",
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
