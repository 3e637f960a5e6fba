"""Cached values in Valkey, invalidated by generation numbers.

A value is stored under its name, the generations of the subjects it was computed from, and the
parts that make it particular (usually the viewer's id). ``invalidate`` gives a subject a new
generation: the values of the old one are no longer read and expire. A dead or flushed cache costs
only speed: every read then computes, and a lost generation starts at a new random number.
Inside ``request_cache`` each generation and each value is read from Valkey once.
Hits and misses are counted per name in the cache itself.
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
from typing import TypeVar, cast

from django.core.cache import cache
from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

T = TypeVar("T")
TICKETS, ARTICLES, CATEGORIES = "tickets", "articles", "categories"
TEAMS, SITE_SETTINGS, VIEWS, INCIDENTS = "teams", "site_settings", "views", "incidents"
# Read together with the first generation of a request, because nearly every page needs them.
COMMON_SUBJECTS = (TICKETS, CATEGORIES, TEAMS, SITE_SETTINGS, VIEWS, INCIDENTS)
# An invalidation that could not reach the cache (a connection cut off for a moment) takes effect
# at the latest when the value expires.
LIFETIME_SECONDS = 60
GENERATION_LIFETIME_SECONDS = 30 * 24 * 3600
COUNTER_FLUSH_SECONDS = 1
_MISSING = "\0missing"  # None is a value that can be stored


@dataclass
class _RequestCache:
    """What one request has read so far."""

    generations: dict[str, int | None] = field(default_factory=dict)
    values: dict[str, object] = field(default_factory=dict)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)


_request_cache: ContextVar[_RequestCache | None] = ContextVar("request_cache", default=None)
_invalidation_batch: ContextVar[set[str] | None] = ContextVar("invalidation_batch", default=None)


@contextmanager
def request_cache() -> Iterator[None]:
    """Read each generation and value at most once inside the block.

    For requests that change nothing: a page shows the data of one moment. A subject invalidated
    inside the block is read again all the same.
    """
    token = _request_cache.set(request := _RequestCache())
    try:
        yield
    finally:
        _request_cache.reset(token)
        _counter_buffer.add(request.counts)


def generation(subject: str) -> int | None:
    """Return a number that changes whenever ``subject`` changes; None while the cache is dead."""
    return generations([subject])[0]


def generations(subjects: Iterable[str]) -> list[int | None]:
    """Return the generation of each subject, with at most one read of the cache."""
    request, subjects = _request_cache.get(), list(subjects)
    if request is None:
        numbers = _read_generations(subjects)
    else:
        numbers = request.generations
        if missing := [subject for subject in subjects if subject not in numbers]:
            numbers.update(_read_generations(missing if numbers else {*missing, *COMMON_SUBJECTS}))
    return [numbers[subject] for subject in subjects]


def _read_generations(subjects: Iterable[str]) -> dict[str, int | None]:
    keys = {f"generation:{subject}": subject for subject in subjects}
    numbers = cache.get_many(keys)
    for key in keys.keys() - numbers.keys():
        # add() returns None when the server does not answer
        if cache.add(key, secrets.randbits(48), GENERATION_LIFETIME_SECONDS) is None:
            return dict.fromkeys(keys.values())
        numbers[key] = cache.get(key)
    return {subject: numbers[key] for key, subject in keys.items()}


def invalidate(*subjects: str) -> None:
    """Make values computed from any of ``subjects`` unreachable once the transaction commits."""
    if (batch := _invalidation_batch.get()) is not None:
        batch.update(subjects)
    else:
        transaction.on_commit(lambda: _renew_generations(*subjects))


@contextmanager
def batched_invalidation() -> Iterator[None]:
    """Collect the invalidations of the block and apply each subject once, at its end.

    Use it inside one transaction: until the end other requests may read old values.
    """
    batch: set[str] = set()
    token = _invalidation_batch.set(batch)
    try:
        yield
    finally:
        _invalidation_batch.reset(token)
        if batch:
            invalidate(*batch)


def _renew_generations(*subjects: str) -> None:
    if request := _request_cache.get():
        request.generations.clear()
    numbers = {f"generation:{subject}": secrets.randbits(48) for subject in subjects}
    cache.set_many(numbers, GENERATION_LIFETIME_SECONDS)


def get_or_compute(
    name: str,
    parts: Iterable[object],
    compute: Callable[[], T],
    *,
    depends_on: Iterable[str] = (),
    seconds: int = LIFETIME_SECONDS,
) -> T:
    """Return the value stored for ``name`` and ``parts``; compute and store it when missing."""
    stamps = generations(depends_on)
    if None in stamps:
        return compute()
    key = f"{name}:{_digest([*stamps, *parts])}"
    values = request.values if (request := _request_cache.get()) else {}
    value = values[key] if key in values else cache.get(key, _MISSING)
    is_hit = not (isinstance(value, str) and value == _MISSING)
    _count(name, "hits" if is_hit else "misses")
    if not is_hit:
        value = compute()
        cache.set(key, value, seconds)
    values[key] = value
    return cast(T, value)


def set_value(name: str, parts: Iterable[object], value: object, *, seconds: int) -> None:
    """Store a value that no invalidation removes, for data that may be a little old."""
    cache.set(_value_key(name, parts), value, seconds)


def get_value(name: str, parts: Iterable[object]) -> object | None:
    """Return what ``set_value`` stored; None when it has expired."""
    return cache.get(_value_key(name, parts))


def claim(name: str, parts: Iterable[object], *, seconds: int) -> bool:
    """Return True for the first caller within ``seconds``, so that one process does the work."""
    return bool(cache.add(f"claim:{_value_key(name, parts)}", 1, seconds))


def _value_key(name: str, parts: Iterable[object]) -> str:
    return f"value:{name}:{_digest(parts)}"


def _digest(parts: Iterable[object]) -> str:
    text = "\x1f".join(str(part) for part in parts)
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()


def _count(name: str, outcome: str) -> None:
    if request := _request_cache.get():
        request.counts[name, outcome] += 1
    else:
        _write_counts({(name, outcome): 1})


def _write_counts(counts: Mapping[tuple[str, str], int]) -> None:
    for (name, outcome), times in counts.items():
        key = f"count:{outcome}:{name}"
        try:
            cache.incr(key, times)
        except ValueError:  # the first count since the cache was started
            cache.add(key, times, None)


class _CounterBuffer:
    """Hits and misses of this process's requests, written once a second.

    A page reads the cache about ten times and should not write to it as often.
    """

    def __init__(self) -> None:
        self._lock, self._due_at = threading.Lock(), 0.0
        self._pending: Counter[tuple[str, str]] = Counter()

    def add(self, counts: Counter[tuple[str, str]]) -> None:
        with self._lock:
            self._pending += counts
            if time.monotonic() < self._due_at:
                return
            self._due_at = time.monotonic() + COUNTER_FLUSH_SECONDS
            due, self._pending = self._pending, Counter()
        _write_counts(due)


_counter_buffer = _CounterBuffer()
# What each value is, on the status page; a test compares the names with those in use.
VALUE_LABELS: dict[str, str | Promise] = {
    "article_facts": _("Languages and translations of articles"),
    "category_names": _("Names of categories"),
    "certificate": _("TLS certificate"),
    "closed_team_ids": _("Restricted teams"),
    "custom_fields": _("Custom fields"),
    "help_centre": _("Help centre"),
    "held_emails": _("Counts of held e-mails"),
    "hidden_team_ids": _("Teams that a user may not see"),
    "idle_minutes": _("Inactivity before sign-out"),
    "labels": _("Categories of the classifier"),
    "list_counts": _("Counts of filtered ticket lists"),
    "locale_defaults": _("Language and time zone of the help desk"),
    "desk_languages": _("Languages of tickets"),
    "directory_problems": _("Problems with directories"),
    "mail_problems": _("Problems with e-mail"),
    "offered_agents": _("Choices: agents"),
    "proposed_incidents": _("Proposed incidents"),
    "offered_assignees": _("Choices: assignees"),
    "offered_categories": _("Choices: categories"),
    "offered_fields": _("Choices: custom fields in filters"),
    "offered_slugs": _("Choices: categories in filters"),
    "offered_teams": _("Choices: teams"),
    "open_counts": _("Counts of open tickets"),
    "portal_counts": _("Counts of a customer's tickets"),
    "query_vector": _("Embeddings of search terms"),
    "related_articles": _("Related articles"),
    "report": _("Reports"),
    "rights": _("Permissions"),
    "suggestions": _("Suggested articles"),
    "team_ids_of": _("Teams of a user"),
    "unread_notifications": _("Unread notifications"),
}


def hit_counts() -> dict[str, dict[str, int]]:
    """Return hits and misses of each name since the cache was last started."""
    return {
        name: {
            outcome: cache.get(f"count:{outcome}:{name}", 0) or 0 for outcome in ("hits", "misses")
        }
        for name in VALUE_LABELS
    }
