"""Inference times: counted in the cache per slot of five minutes, in buckets by duration.

Each bucket is a quarter wider than the one before, so a median read from them is accurate to a
tenth. Counts can be added up over processes, slots and samples.
"""

import math
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.core.cache import cache

from appliance.inference.bundle import ROLES

SLOT_SECONDS = 300
KEEP_SECONDS = 3600  # in the cache; the worker moves the counts into a sample long before
FIRST_MS, GROWTH, BUCKETS = 0.5, 1.25, 52  # 0.5 ms to 44 s
Timings = Mapping[str, Mapping[str, int]]  # role → bucket → count


@dataclass(frozen=True)
class Summary:
    """Inference times of one role over a time range; None without any."""

    role: str
    count: int
    median_ms: float | None
    p95_ms: float | None


def record(role: str, seconds: float) -> None:
    """Count one inference. Does nothing while the cache is dead."""
    key = _key(current_slot(), role, bucket_of(seconds))
    try:
        cache.incr(key)
    except ValueError:  # the first of its bucket
        if not cache.add(key, 1, KEEP_SECONDS):
            cache.incr(key)


def current_slot() -> int:
    return int(time.time()) // SLOT_SECONDS


def slots_since(slot: int, *, until: int) -> range:
    """Return the slots after ``slot`` and before ``until`` that the cache still holds."""
    return range(max(slot + 1, current_slot() - KEEP_SECONDS // SLOT_SECONDS), until)


def read_timings(slots: Iterable[int]) -> Timings:
    """Return the counts of these slots. One read of the cache."""
    keys = {
        _key(slot, role, bucket): (role, str(bucket))
        for slot in slots
        for role in ROLES
        for bucket in range(BUCKETS)
    }
    timings: dict[str, dict[str, int]] = {}
    for key, count in cache.get_many(keys).items():
        role, bucket = keys[key]
        counts = timings.setdefault(role, {})
        counts[bucket] = counts.get(bucket, 0) + count
    return timings


def add(first: Timings, second: Timings) -> Timings:
    """Return the sum of both counts."""
    return {
        role: dict(Counter(first.get(role, {})) + Counter(second.get(role, {})))
        for role in first.keys() | second.keys()
    }


def subtract(later: Timings, earlier: Timings) -> Timings:
    """Return what was counted between the two."""
    return {role: dict(Counter(later[role]) - Counter(earlier.get(role, {}))) for role in later}


def summarise(timings: Timings) -> list[Summary]:
    """Return one summary for each role, in the order of ROLES."""
    return [
        Summary(
            role,
            count=sum(timings.get(role, {}).values()),
            median_ms=quantile(timings.get(role, {}), 0.5),
            p95_ms=quantile(timings.get(role, {}), 0.95),
        )
        for role in ROLES
    ]


def bucket_of(seconds: float) -> int:
    """Return the first bucket whose upper end is not exceeded; the last holds all slower ones."""
    ms = max(seconds * 1000, FIRST_MS)
    return min(BUCKETS - 1, math.ceil(math.log(ms / FIRST_MS, GROWTH)))


def quantile(counts: Mapping[str, int], share: float) -> float | None:
    """Return the milliseconds that this share did not exceed: the middle of a bucket."""
    target = share * sum(counts.values())
    cumulated = 0
    for bucket in sorted(counts, key=int):
        cumulated += counts[bucket]
        if counts[bucket] and cumulated >= target:
            return FIRST_MS * GROWTH ** (int(bucket) - 0.5)
    return None


def _key(slot: int, role: str, bucket: int) -> str:
    return f"timing:{slot}:{role}:{bucket}"
