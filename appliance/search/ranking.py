"""One ranked list out of several. Pure.

Reciprocal ranks treat every list as equally good; here each list keeps its scores and has a
weight that was measured. An exact hit (a ticket number, an error code, a quoted phrase) stands
above everything else, whatever its score.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Way = Literal["exact", "words", "typo", "meaning"]


@dataclass(frozen=True)
class Candidate:
    """One thing found one way, with the score that way gives it, 0..1."""

    key: Hashable
    score: float


@dataclass(frozen=True)
class Ranked:
    """One thing with its fused score, 0..1, and the ways it was found, strongest first."""

    key: Hashable
    score: float
    ways: tuple[Way, ...]


WEIGHTS: Mapping[Way, float] = {"exact": 1.0, "words": 0.45, "typo": 0.25, "meaning": 0.55}


def fuse(
    found: Mapping[Way, Sequence[Candidate]], weights: Mapping[Way, float] = WEIGHTS
) -> list[Ranked]:
    """Best first. A thing found two ways stands above one found as well by one of them alone."""
    shares: dict[Hashable, dict[Way, float]] = {}
    for way, candidates in found.items():
        for candidate in candidates:
            share = weights[way] * min(1.0, max(0.0, candidate.score))
            ways = shares.setdefault(candidate.key, {})
            ways[way] = max(share, ways.get(way, 0.0))
    ranked = [_rank(key, ways) for key, ways in shares.items()]
    return sorted(ranked, key=lambda hit: ("exact" in hit.ways, hit.score), reverse=True)


def _rank(key: Hashable, ways: dict[Way, float]) -> Ranked:
    strongest = sorted(ways, key=lambda way: (way != "exact", -ways[way]))
    return Ranked(key, min(1.0, sum(ways.values())), tuple(strongest))
