"""Rank articles by semantic similarity, matching words and what helped on similar tickets. Pure.

Each signal counts by its evidence. Similarity and words give every article a share of the text
score. Each of the nearest tickets votes for the articles that helped there, weighted by its
similarity, and against those dismissed there. With enough near tickets, their votes have most of
the score; on a new installation, or far from all earlier tickets, the text alone decides. So it
does when the neighbours are about something else: farther away than the nearest article, while
what helped there has no similarity to the text (``_neighbour_reliability``).

The weights were chosen by scripts/bench/suggestions.py; docs/performance.md has the figures.
"""

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

MAX_NEIGHBOURS = 50  # nearest tickets with an outcome for an article
NEAREST = 5  # of them decide how reliable all are
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Weights:
    """How much each signal counts, and how sharply similarity is read."""

    words: float = 0.02  # beside the cosine: decides between articles that are equally near
    text_spread: float = 0.05  # of cosines: smaller lets the nearest passage decide
    votes: float = 0.7  # share of the score with many neighbours; the text has the rest
    vote_spread: float = 0.1  # of cosines: smaller lets the nearest ticket decide
    silent_votes: float = 2.0  # virtual neighbours that vote for no article
    silent_cosine: float = 0.5  # and their similarity
    dismissal: float = 0.5  # of a vote, against
    # reliability of the neighbours, 0..1: a logistic curve over
    nearness: float = 13.0  # the mean cosine of the nearest neighbours
    lead: float = 12.0  # that, less the cosine of the nearest passage
    agreement: float = 7.0  # the share of their votes for articles that are near, too
    bias: float = 10.5  # less this


MEASURED = Weights()


@dataclass(frozen=True)
class Neighbour(Generic[Key]):
    """An earlier ticket: its similarity, and the articles that helped or were dismissed there."""

    ticket_id: int
    cosine: float
    helped: frozenset[Key]
    dismissed: frozenset[Key] = frozenset()


@dataclass(frozen=True)
class RankedArticle(Generic[Key]):
    """One article with its score 0..1 and the evidence for it."""

    key: Key
    score: float
    closeness: float | None  # cosine of its nearest passage; None when none is near
    words: float  # 0..1, relative to the article that matches the words best
    vote: float  # -1..1
    helped: tuple[int, ...]  # ids of tickets it helped on, nearest first


def fuse(
    cosines: Mapping[Key, float],
    words: Mapping[Key, float],
    neighbours: Sequence[Neighbour[Key]] = (),
    weights: Weights = MEASURED,
) -> list[RankedArticle[Key]]:
    """Return the articles, best first. ``words`` are relative to the best; each may be empty."""
    votes, vote_weight = _votes(neighbours, weights)
    keys = [*dict.fromkeys([*cosines, *words, *(key for key in votes if votes[key] > 0)])]
    text_scores = _text_scores(keys, cosines, words, weights)
    max_weight = weights.votes * _neighbour_reliability(neighbours, cosines, weights)
    text_weight = 1.0 - max_weight * vote_weight
    articles = [
        RankedArticle(
            key=key,
            score=min(
                1.0, max(0.0, max_weight * votes.get(key, 0.0) + text_weight * text_scores[key])
            ),
            closeness=cosines.get(key),
            words=words.get(key, 0.0),
            vote=votes.get(key, 0.0),
            helped=tuple(
                neighbour.ticket_id for neighbour in neighbours if key in neighbour.helped
            ),
        )
        for key in keys
    ]
    return sorted(
        articles, key=lambda article: (article.score, text_scores[article.key]), reverse=True
    )


def _votes(
    neighbours: Sequence[Neighbour[Key]], weights: Weights
) -> tuple[dict[Key, float], float]:
    """Return the vote for each article, and the weight of all votes against silence, 0..1."""
    counts = _vote_counts(neighbours, weights)
    total = sum(counts) + weights.silent_votes
    votes: dict[Key, float] = {}
    for neighbour, count in zip(neighbours, counts, strict=True):
        for key in neighbour.helped:
            votes[key] = votes.get(key, 0.0) + count / total
        for key in neighbour.dismissed - neighbour.helped:
            votes[key] = votes.get(key, 0.0) - weights.dismissal * count / total
    return votes, sum(counts) / total if neighbours else 0.0


def _vote_counts(neighbours: Sequence[Neighbour[Key]], weights: Weights) -> list[float]:
    """Return what each neighbour counts: 1 at the cosine of the silent votes."""
    leads = [neighbour.cosine - weights.silent_cosine for neighbour in neighbours]
    return [math.exp(lead / weights.vote_spread) for lead in leads]


def _neighbour_reliability(
    neighbours: Sequence[Neighbour[Key]], cosines: Mapping[Key, float], weights: Weights
) -> float:
    """Return 0..1: whether the neighbours are about the same subject as the text.

    1 without cosines. This distinguishes, ticket by ticket, the history of another product from
    the installation's own.
    """
    if not neighbours or not cosines:
        return 1.0
    nearest = [neighbour.cosine for neighbour in neighbours[:NEAREST]]
    nearness = sum(nearest) / len(nearest)
    known = [neighbour.helped | neighbour.dismissed for neighbour in neighbours]
    counts = _vote_counts(neighbours, weights)
    total = sum(count * len(keys) for count, keys in zip(counts, known, strict=True))
    agreement = sum(
        count * len(keys & cosines.keys()) for count, keys in zip(counts, known, strict=True)
    )
    evidence = weights.nearness * nearness + weights.lead * (nearness - max(cosines.values()))
    evidence += weights.agreement * (agreement / total if total else 1.0) - weights.bias
    return 1.0 / (1.0 + math.exp(-evidence))


def _text_scores(
    keys: Iterable[Key], cosines: Mapping[Key, float], words: Mapping[Key, float], weights: Weights
) -> dict[Key, float]:
    """Return each article's share by its text alone; they sum to one.

    An article outside the nearest is treated as being as far away as the last of them.
    """
    farthest = min(cosines.values(), default=0.0)
    similarities = {
        key: (1 - weights.words) * cosines.get(key, farthest) + weights.words * words.get(key, 0.0)
        for key in keys
    }
    best = max(similarities.values(), default=0.0)
    powers = {
        key: math.exp((similarity - best) / weights.text_spread)
        for key, similarity in similarities.items()
    }
    total = sum(powers.values())
    return {key: power / total for key, power in powers.items()}
