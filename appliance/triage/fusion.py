"""One ranked list of articles out of meaning, words and what helped before. Pure.

Each signal counts by its evidence. Meaning and words give every article a share of belief. Each of
the nearest earlier tickets votes for the articles that helped there, the nearer the more, and
against those that were refused there. Where tickets enough lie near, their votes have most of the
score; on a new desk, or far from all that was ever asked, the text alone decides. So it does where
those who vote know of something else: they lie far, farther than the nearest article, and what
helped there is nowhere near in meaning (``_trust``).
The weights were chosen by scripts/bench/suggestions.py; docs/performance.md has its table.
"""

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

MAX_NEIGHBOURS = 50  # nearest tickets that know of an article
NEAREST_VOTERS = 5  # by which all are judged
Key = Hashable


@dataclass(frozen=True)
class Weights:
    """How much each signal counts, and how sharply likeness is read."""

    words: float = 0.02  # beside the cosine: they part what lies equally near
    text_spread: float = 0.05  # of cosines: smaller lets the nearest passage decide
    votes: float = 0.7  # of the score, where voters are many; the text has the rest
    vote_spread: float = 0.1  # of cosines: smaller lets the nearest ticket decide
    doubt: float = 2.0  # counts as so many silent voters
    doubt_cosine: float = 0.5  # that lie so near
    refusal: float = 0.5  # of a vote, against
    # how far voters are trusted: 0..1 by a logistic curve over
    near: float = 13.0  # the mean cosine of the NEAREST_VOTERS
    nearer: float = 12.0  # that, less the cosine of the nearest passage
    agreed: float = 7.0  # the share of their votes that meaning finds near, too
    caution: float = 10.5  # less this


MEASURED = Weights()


@dataclass(frozen=True)
class Neighbour:
    """An earlier ticket: how near it lies, and what helped or was refused there."""

    ticket: int
    cosine: float
    helped: frozenset[Key]
    refused: frozenset[Key] = frozenset()


@dataclass(frozen=True)
class Fused:
    """One article: its score 0..1, and what spoke for it."""

    key: Key
    score: float
    closeness: float | None  # cosine of its nearest passage; None when none lies near
    words: float  # 0..1, as a share of the article that holds the words best
    vote: float  # -1..1
    helped: tuple[int, ...]  # tickets it helped on, nearest first


def fuse(
    meaning: Mapping[Key, float],
    words: Mapping[Key, float],
    neighbours: Sequence[Neighbour] = (),
    weights: Weights = MEASURED,
) -> list[Fused]:
    """Best first. ``meaning`` holds cosines, ``words`` shares of the best; either may be empty."""
    votes, weight = _votes(neighbours, weights)
    keys = [*dict.fromkeys([*meaning, *words, *(key for key in votes if votes[key] > 0)])]
    beliefs = _beliefs(keys, meaning, words, weights)
    most = weights.votes * _trust(neighbours, meaning, weights)
    left = 1.0 - most * weight
    fused = [
        Fused(
            key=key,
            score=min(1.0, max(0.0, most * votes.get(key, 0.0) + left * beliefs[key])),
            closeness=meaning.get(key),
            words=words.get(key, 0.0),
            vote=votes.get(key, 0.0),
            helped=tuple(voter.ticket for voter in neighbours if key in voter.helped),
        )
        for key in keys
    ]
    return sorted(fused, key=lambda row: (row.score, beliefs[row.key]), reverse=True)


def _votes(neighbours: Sequence[Neighbour], weights: Weights) -> tuple[dict[Key, float], float]:
    """What was said for each article, and how much weight voters have against silence: 0..1."""
    counts = _counts(neighbours, weights)
    total = sum(counts) + weights.doubt
    votes: dict[Key, float] = {}
    for voter, count in zip(neighbours, counts, strict=True):
        for key in voter.helped:
            votes[key] = votes.get(key, 0.0) + count / total
        for key in voter.refused - voter.helped:
            votes[key] = votes.get(key, 0.0) - weights.refusal * count / total
    return votes, sum(counts) / total if neighbours else 0.0


def _counts(neighbours: Sequence[Neighbour], weights: Weights) -> list[float]:
    """What each voter counts: 1 at the cosine of doubt."""
    lead = [voter.cosine - weights.doubt_cosine for voter in neighbours]
    return [math.exp(row / weights.vote_spread) for row in lead]


def _trust(
    neighbours: Sequence[Neighbour], meaning: Mapping[Key, float], weights: Weights
) -> float:
    """Whether those who vote were asked about the same things: 0..1; 1 while meaning is silent.

    A history of another product is told by this from the desk's own, ticket by ticket.
    """
    if not neighbours or not meaning:
        return 1.0
    nearest = [voter.cosine for voter in neighbours[:NEAREST_VOTERS]]
    near = sum(nearest) / len(nearest)
    known = [voter.helped | voter.refused for voter in neighbours]
    counts = _counts(neighbours, weights)
    total = sum(count * len(keys) for count, keys in zip(counts, known, strict=True))
    agreed = sum(
        count * len(keys & meaning.keys()) for count, keys in zip(counts, known, strict=True)
    )
    evidence = weights.near * near + weights.nearer * (near - max(meaning.values()))
    evidence += weights.agreed * (agreed / total if total else 1.0) - weights.caution
    return 1.0 / (1.0 + math.exp(-evidence))


def _beliefs(
    keys: Iterable[Key], meaning: Mapping[Key, float], words: Mapping[Key, float], weights: Weights
) -> dict[Key, float]:
    """Each article's share of belief by its text alone; they sum to one.

    What does not stand among the nearest lies no nearer than the last of them.
    """
    farthest = min(meaning.values(), default=0.0)
    likeness = {
        key: (1 - weights.words) * meaning.get(key, farthest) + weights.words * words.get(key, 0.0)
        for key in keys
    }
    most = max(likeness.values(), default=0.0)
    powers = {key: math.exp((row - most) / weights.text_spread) for key, row in likeness.items()}
    total = sum(powers.values())
    return {key: power / total for key, power in powers.items()}
