"""Fuse the rankings of several retrievers into one. Pure.

Each retriever has a weight; the weighted scores of a row add up. The weights were chosen on 1,212
searches: 188 tickets of the demo desk whose article is known (subject alone, and the whole text),
36 error codes, 100 subjects with a spelling error, 350 questions with only titles to find, and 350
symptoms from vendors' articles. There the sum beats meaning alone and words alone (first hit on
whole tickets 0.78 against 0.72 and 0.71), while reciprocal rank fusion treats a poor ranking like a
good one. An exact match (ticket number, error code, phrase) always comes first.

If few rows hold all words, the words are a name or as good as one, and those rows come before rows
that are merely near in meaning; without that, names lost 40 points to words alone. The size of that
bonus was chosen with scripts/bench/fusion.py; docs/performance.md has its table.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from django.utils.translation import gettext_lazy as _

Retriever = Literal["exact", "name", "words", "message", "some_words", "typo", "meaning"]
Kind = Literal["ticket", "article", "customer"]
Key = tuple[Kind, int]  # kind and id of a row
Ranking = Sequence[tuple[Key, float]]  # best first, scores 0..1

WEIGHTS: Mapping[Retriever, float] = {
    "meaning": 0.9,  # cosine similarity
    "words": 0.1,  # the row holds all words
    "message": 0.1,  # one message holds all words
    "name": 0.5,  # name of a customer: as good as a near meaning
    "some_words": 0.1,
    "typo": 0.1,
}
SORTS = [("best", _("Relevance")), ("newest", _("Newest")), ("oldest", _("Oldest"))]
# Retrievers that only some kinds of rows have: they do not lower the score of the other kinds.
_OPTIONAL_RETRIEVERS: tuple[Retriever, ...] = ("exact", "message", "name")
_ALL_WORDS_RETRIEVERS: tuple[Retriever, ...] = ("words", "message")


@dataclass(frozen=True)
class FusionRule:
    """The weights of the retrievers, and the bonus for rows that hold all words."""

    weights: Mapping[Retriever, float] = field(default_factory=lambda: WEIGHTS)
    all_words_bonus: float = 0.6
    all_words_rows: int = 50  # full bonus up to so many rows, less the more there are
    prefix_rows: int = 3  # likewise, for rows that hold the last word only as a prefix


DEFAULT_RULE = FusionRule()


@dataclass(frozen=True)
class Ranked:
    """A key with its score 0..1 and the retrievers that found it, strongest first."""

    key: Key
    score: float
    retrievers: tuple[Retriever, ...]


def normalise(scores: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """Divide the scores of rows by the best one: a text rank has no upper bound of its own."""
    best = max((score for _, score in scores), default=0.0)
    return [(pk, score / best if best else 0.0) for pk, score in scores]


def fuse(rankings: Mapping[Retriever, Ranking], rule: FusionRule = DEFAULT_RULE) -> list[Ranked]:
    """Return all keys, best first. A retriever that could not run is left out of ``rankings``."""
    exact_keys = {key for key, _ in rankings.get("exact", ())}
    parts: dict[Key, dict[Retriever, float]] = {key: {"exact": 0.0} for key in exact_keys}
    bonuses = _all_words_bonuses(rankings, rule)
    for retriever, ranking in rankings.items():
        for key, score in ranking if retriever != "exact" else ():
            part = rule.weights[retriever] * min(1.0, max(0.0, score))
            part += bonuses[key] if retriever in _ALL_WORDS_RETRIEVERS else 0.0
            row_parts = parts.setdefault(key, {})
            row_parts[retriever] = max(part, row_parts.get(retriever, 0.0))
    best = _best_possible(rankings, rule, bonuses)
    scores = {key: min(1.0, sum(row_parts.values()) / best) for key, row_parts in parts.items()}
    keys = sorted(parts, key=lambda key: (key in exact_keys, scores[key]), reverse=True)
    return [
        Ranked(key, 1.0 if key in exact_keys else scores[key], _strongest_first(parts[key]))
        for key in keys
    ]


def sort_by_date(
    ranking: Sequence[Ranked], dates: Mapping[Key, datetime], *, oldest_first: bool
) -> list[Ranked]:
    """Sort by date, then by id; keys without a date (deleted meanwhile) are left out."""
    dated = [ranked for ranked in ranking if ranked.key in dates]
    return sorted(
        dated,
        key=lambda ranked: (dates[ranked.key], ranked.key[1]),
        reverse=not oldest_first,
    )


def _all_words_bonuses(rankings: Mapping[Retriever, Ranking], rule: FusionRule) -> dict[Key, float]:
    """Return the bonus of each row that holds all words: the more rows, the smaller it is.

    The last word may be the prefix of another one ("wins", "winsock"). Rows that hold it whole are
    also found by some words; they are counted apart.
    """
    keys = {key for name in _ALL_WORDS_RETRIEVERS for key, _ in rankings.get(name, ())}
    whole_word_keys = keys & {key for key, _ in rankings.get("some_words", ())}
    bonus = rule.all_words_bonus * rule.all_words_rows
    whole_word_bonus = bonus / max(rule.all_words_rows, len(whole_word_keys))
    prefix_bonus = rule.all_words_bonus * rule.prefix_rows / max(rule.prefix_rows, len(keys))
    return {key: whole_word_bonus if key in whole_word_keys else prefix_bonus for key in keys}


def _best_possible(
    rankings: Mapping[Retriever, Ranking], rule: FusionRule, bonuses: Mapping[Key, float]
) -> float:
    """Return the score of a row that is first in every ranking."""
    weights = [rule.weights[name] for name in rankings if name not in _OPTIONAL_RETRIEVERS]
    return sum(weights) + max(bonuses.values(), default=0.0) or 1.0


def _strongest_first(parts: Mapping[Retriever, float]) -> tuple[Retriever, ...]:
    return tuple(sorted(parts, key=lambda name: (name != "exact", -parts[name])))
