"""Synthetic months: the tickets of a desk, with and without a shift."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from appliance.triage.drift.measures import MonthProfile, TicketWords

CLASSES = ("access", "hardware", "network", "software", "email", "other")
LANGUAGES = ("en", "de", "fr", "")
SENTIMENTS = ("negative", "neutral", "positive")
VOCABULARY = 4000
DIMENSIONS = 64
TOPICS = 8


@dataclass(frozen=True)
class Kind:
    """What the tickets of a month are like."""

    classes: Sequence[float] = (0.25, 0.2, 0.2, 0.2, 0.1, 0.05)
    languages: Sequence[float] = (0.6, 0.3, 0.05, 0.05)
    sentiments: Sequence[float] = (0.15, 0.8, 0.05)
    decided: float = 0.65
    overridden: float = 0.08
    label_share: float = 0.4
    overconfidence: float = 0.0  # how much more often it is wrong than it says
    words: float = 25.0  # of a ticket, on average
    new_words: float = 0.0  # share of words that the desk never used before
    new_topic: float = 0.0  # share of tickets about a subject of its own


USUAL = Kind()


def draw_month(seed: int, tickets: int = 300, kind: Kind = USUAL) -> MonthProfile:
    """Return a month with this many tickets, the same for the same seed."""
    random = np.random.default_rng(seed)
    decided = int(random.binomial(tickets, kind.decided))
    confidences = random.beta(5, 2, int(tickets * kind.label_share))
    right = np.clip(confidences - kind.overconfidence, 0, 1)
    lengths = 3 + random.poisson(kind.words * random.gamma(3, 1 / 3, tickets))
    vectors = _draw_vectors(random, tickets, kind.new_topic)
    return MonthProfile(
        tickets=tickets,
        predicted=tickets,
        decided=decided,
        overridden=int(random.binomial(decided, kind.overridden)),
        confidences=[float(value) for value in confidences],
        hits=[bool(hit) for hit in random.random(len(right)) < right],
        classes=_draw_mix(random, tickets, CLASSES, kind.classes),
        languages=_draw_mix(random, tickets, LANGUAGES, kind.languages),
        sentiments=_draw_mix(random, tickets, SENTIMENTS, kind.sentiments),
        lengths=[int(length) for length in lengths],
        words=[_draw_words(random, int(length), kind.new_words) for length in lengths],
        embedded=tickets,
        centroid=vectors.mean(axis=0),
        vectors=vectors,
    )


def _draw_mix(
    random: np.random.Generator, tickets: int, names: Sequence[str], shares: Sequence[float]
) -> Counter[str]:
    counts = random.multinomial(tickets, shares)
    return Counter({name: int(n) for name, n in zip(names, counts, strict=True) if n})


def _draw_words(random: np.random.Generator, length: int, new_words: float) -> TicketWords:
    """Draw the words of a ticket by Zipf's law."""
    ranks = random.zipf(1.3, length) % VOCABULARY
    is_new = random.random(length) < new_words
    words = [f"new{n % 40}" if new else f"word{n}" for n, new in zip(ranks, is_new, strict=True)]
    return TicketWords(int(random.integers(50)), True, tuple(words))


def _draw_vectors(random: np.random.Generator, tickets: int, new_topic: float) -> np.ndarray:
    """Draw vectors around the same topics in every month, all of them in one narrow cone."""
    topics = np.random.default_rng(0).normal(size=(TOPICS + 1, DIMENSIONS))
    cone = np.full(DIMENSIONS, 2.0)
    chosen = random.integers(TOPICS, size=tickets)
    chosen[random.random(tickets) < new_topic] = TOPICS
    vectors = cone + topics[chosen] + random.normal(scale=0.7, size=(tickets, DIMENSIONS))
    normalised: np.ndarray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return normalised
