"""Find bursts: many texts that say nearly the same, from several people. Pure.

The thresholds of the whole feature are here. They were chosen with encoder 2 on the four incidents
in ``tests/data/incidents.json`` (62 texts) among 300 texts of the demo desk, and on 14 days of that
desk with mornings full of forgotten passwords; ``tests/test_incidents.py`` measures that again, and
fails when another encoder needs other values.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from appliance.triage.clusters import cluster

WINDOW = timedelta(hours=1)
MIN_CUSTOMERS = 5  # who write nearly the same within the window
# Two tickets of a seed. Paraphrases of different people are often no nearer to each other; of
# unrelated pairs 0.4 % are. What a seed collects wrongly falls out when the centre is known.
MIN_SEED_COSINE = 0.5  # at 0.45, two seeds in four collected other topics
MIN_SEED_SIZE = 4
# Of the people who wrote within the window: where 300 do, seven about one program are routine.
MIN_SHARE_OF_WINDOW = 1 / 30
MIN_CENTRE_COSINE = 0.55  # of a member to the centre, however loose the burst
# A tight burst is strict: a member is this near, relative to the median of the members.
MIN_CENTRE_SHARE = 0.88
ROUNDS = 3  # of moving the centre and choosing the members again
# Two bursts, or a burst and a dismissed one, are about the same thing.
MIN_SAME_THEME_COSINE = 0.75
# More than this times the busiest hour of the last weeks is not routine.
MIN_RATIO_TO_USUAL = 2


@dataclass(frozen=True)
class Burst:
    """Row numbers, the most typical first, and the centre: float32 (dims,) of unit length."""

    rows: list[int]
    cosines: list[float]  # of each row to the centre
    centre: np.ndarray


def find_bursts(vectors: np.ndarray, customers: Sequence[Hashable]) -> list[Burst]:
    """Return the bursts with enough people, the largest first; no row is in two of them.

    ``vectors`` is (n, dims), of unit length; ``customers`` says who wrote each.
    """
    bursts: list[Burst] = []
    min_customers = max(MIN_CUSTOMERS, MIN_SHARE_OF_WINDOW * len(set(customers)))
    free = np.ones(len(vectors), dtype=bool)
    for seed in cluster(vectors, min_cosine=MIN_SEED_COSINE, min_size=MIN_SEED_SIZE):
        seed = [row for row in seed if free[row]]
        if len(seed) < MIN_SEED_SIZE:
            continue
        burst = _grow(vectors, seed, free)
        if len({customers[row] for row in burst.rows}) >= min_customers:
            bursts.append(burst)
            free[burst.rows] = False
    return sorted(bursts, key=lambda burst: len(burst.rows), reverse=True)


def centre_of(vectors: np.ndarray) -> np.ndarray:
    """Return the direction of the mean, float32 (dims,) of unit length."""
    mean = vectors.mean(axis=0)
    centre: np.ndarray = mean / max(float(np.linalg.norm(mean)), 1e-9)
    return centre


def min_cosine_of(cosines: np.ndarray) -> float:
    """Return how near to the centre a member is at least, from the cosines of the members."""
    return max(MIN_CENTRE_COSINE, MIN_CENTRE_SHARE * float(np.median(cosines)))


def busiest_hour(entries: Sequence[tuple[datetime, Hashable]]) -> int:
    """Return the most different people within any WINDOW; ``entries`` are in order of time."""
    busiest, start = 0, 0
    for end, (at, _customer) in enumerate(entries):
        while entries[start][0] < at - WINDOW:
            start += 1
        busiest = max(busiest, len({customer for _at, customer in entries[start : end + 1]}))
    return busiest


def is_unusual(customers: int, usual: int) -> bool:
    """Return whether so many people in an hour are more than routine brings, such as mornings."""
    return customers >= MIN_CUSTOMERS and customers > MIN_RATIO_TO_USUAL * usual


def _grow(vectors: np.ndarray, seed: list[int], free: np.ndarray) -> Burst:
    """Collect all free rows near the centre of the seed, moving the centre to them."""
    rows, is_member = np.array(seed), np.zeros(len(vectors), dtype=bool)
    for _round in range(ROUNDS):
        centre = centre_of(vectors[rows])
        cosines = vectors @ centre
        is_member = free & (cosines >= min_cosine_of(cosines[rows]))
        if not is_member.any():
            break
        rows = np.flatnonzero(is_member)
    rows = rows[np.argsort(-cosines[rows], kind="stable")]
    return Burst([int(row) for row in rows], [float(cosines[row]) for row in rows], centre)
