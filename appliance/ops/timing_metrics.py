"""How long the models took: counted in the cache by five minutes, in buckets by duration.

A bucket is a quarter wider than the one before, so a median read from them is right to a tenth.
Buckets add up: over processes, over time, and over what a sample holds.
"""

import math
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.core.cache import cache

from appliance.inference.bundle import ROLES

SLOT_SECONDS = 300
KEEP_SECONDS = 3600  # in the cache; the worker takes them into a sample long before
FIRST_MS, GROWTH, BUCKETS = 0.5, 1.25, 52  # 0.5 ms to 44 s
Readings = dict[str, dict[str, int]]  # role → bucket → how many


@dataclass(frozen=True)
class Taken:
    """What one model did in a span of time."""

    role: str
    count: int
    median_ms: float | None
    slow_ms: float | None  # 95 of 100 took no longer


def note(role: str, seconds: float) -> None:
    """One reading. One step of the cache; a dead cache forgets it."""
    key = _key(current_slot(), role, bucket_of(seconds))
    try:
        cache.incr(key)
    except ValueError:  # the first of its bucket
        if not cache.add(key, 1, KEEP_SECONDS):
            cache.incr(key)


def current_slot() -> int:
    return int(time.time()) // SLOT_SECONDS


def readings_of(slots: Iterable[int]) -> Readings:
    """What was noted in these slots."""
    keys = {
        _key(slot, role, bucket): (role, str(bucket))
        for slot in slots
        for role in ROLES
        for bucket in range(BUCKETS)
    }
    values: Readings = {}
    for key, count in cache.get_many(keys).items():
        role, bucket = keys[key]
        counts = values.setdefault(role, {})
        counts[bucket] = counts.get(bucket, 0) + count
    return values


def added(first: Readings, second: Readings) -> Readings:
    """Return the counts of both."""
    return {
        role: dict(Counter(first.get(role, {})) + Counter(second.get(role, {})))
        for role in first.keys() | second.keys()
    }


def without(later: Readings, earlier: Readings) -> Readings:
    """What came between two counts."""
    return {role: dict(Counter(later[role]) - Counter(earlier.get(role, {}))) for role in later}


def summed(rows: Readings) -> list[Taken]:
    """Each model, in the order the desk names them."""
    return [
        Taken(
            role,
            sum(rows.get(role, {}).values()),
            quantile(rows.get(role, {}), 0.5),
            quantile(rows.get(role, {}), 0.95),
        )
        for role in ROLES
    ]


def bucket_of(seconds: float) -> int:
    """The first whose upper end is not passed; the last holds all that is slower."""
    ms = max(seconds * 1000, FIRST_MS)
    return min(BUCKETS - 1, math.ceil(math.log(ms / FIRST_MS, GROWTH)))


def quantile(counts: Mapping[str, int], share: float) -> float | None:
    """Milliseconds that this share took no longer than; the middle of a bucket."""
    expected = share * sum(counts.values())
    seen = 0
    for bucket in sorted(counts, key=int):
        seen += counts[bucket]
        if counts[bucket] and seen >= expected:
            return FIRST_MS * GROWTH ** (int(bucket) - 0.5)
    return None


def _key(slot: int, role: str, bucket: int) -> str:
    return f"reading:{slot}:{role}:{bucket}"
