"""One ranked list out of several. Pure.

Each way to find something has a weight, and what is found several ways adds up. The weights were
chosen on 1,212 searches: 188 tickets of the demo desk whose article is known (subject alone, and
whole), 36 error codes, 100 subjects with a slip, 350 questions with only titles to find, 350
symptoms of vendors' articles. There the sum beats meaning alone and words alone (first hit on
whole tickets 0.78 against 0.72 and 0.71), while reciprocal rank treats a poor list like a good
one. What was typed exactly (a ticket number, an error code, a phrase) stands above all.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Way = Literal["exact", "words", "some_words", "typo", "meaning"]
Key = Hashable
Scored = Sequence[tuple[Key, float]]  # best first, scores 0..1

WEIGHTS: Mapping[Way, float] = {
    "meaning": 0.9,  # cosine
    "words": 0.1,  # every word is there
    "some_words": 0.1,  # some words are there
    "typo": 0.1,
}


@dataclass(frozen=True)
class Ranked:
    """One thing, its score 0..1, and the ways it was found, strongest first."""

    key: Key
    score: float
    ways: tuple[Way, ...]


def shares(found: Scored) -> list[tuple[Key, float]]:
    """Scores as shares of the best: a text rank has no top of its own."""
    most = max((score for _, score in found), default=0.0)
    return [(key, score / most if most else 0.0) for key, score in found]


def fuse(found: Mapping[Way, Scored], weights: Mapping[Way, float] = WEIGHTS) -> list[Ranked]:
    """Best first. A way that could not be asked is left out of ``found``, and weighs nothing."""
    exact = {key for key, _ in found.get("exact", ())}
    parts: dict[Key, dict[Way, float]] = {key: {"exact": 0.0} for key in exact}
    for way, rows in found.items():
        for key, score in rows if way != "exact" else ():
            part = weights[way] * min(1.0, max(0.0, score))
            ways = parts.setdefault(key, {})
            ways[way] = max(part, ways.get(way, 0.0))
    whole = sum(weights[way] for way in found if way != "exact") or 1.0
    fused = {key: sum(ways.values()) / whole for key, ways in parts.items()}
    order = sorted(parts, key=lambda key: (key in exact, fused[key]), reverse=True)
    return [
        Ranked(key, 1.0 if key in exact else fused[key], _strongest_first(parts[key]))
        for key in order
    ]


def _strongest_first(ways: Mapping[Way, float]) -> tuple[Way, ...]:
    return tuple(sorted(ways, key=lambda way: (way != "exact", -ways[way])))
