"""One ranked list out of several. Pure.

Each way to find something has a weight, and what is found several ways adds up. The weights were
chosen on 1,212 searches: 188 tickets of the demo desk whose article is known (subject alone, and
whole), 36 error codes, 100 subjects with a slip, 350 questions with only titles to find, 350
symptoms of vendors' articles. There the sum beats meaning alone and words alone (first hit on
whole tickets 0.78 against 0.72 and 0.71), while reciprocal rank treats a poor list like a good
one. What was typed exactly (a ticket number, an error code, a phrase) stands above all.

Where every word stands in few rows it is a name, or as good as one, and those rows come before what
is merely near in meaning: without that, names lost 40 points to words alone. How surely and how
few was chosen by scripts/bench/fusion.py, which shows how near words and meaning together come to
the better of the two, whatever is asked; docs/performance.md has its table.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from django.utils.translation import gettext_lazy as _

Way = Literal["exact", "name", "words", "said", "some_words", "typo", "meaning"]
Key = Hashable
Scored = Sequence[tuple[Key, float]]  # best first, scores 0..1

WEIGHTS: Mapping[Way, float] = {
    "meaning": 0.9,  # cosine
    "words": 0.1,  # every word is there
    "said": 0.1,  # every word is in one message
    "name": 0.5,  # a customer is called that: as good as a near meaning
    "some_words": 0.1,  # some words are there
    "typo": 0.1,
}
SORTS = [("best", _("Relevance")), ("newest", _("Newest")), ("oldest", _("Oldest"))]
# What else a search looks for beside what it found: a way that some kinds of things do not have.
_BESIDE = ("exact", "said", "name")
_EVERY = ("words", "said")


@dataclass(frozen=True)
class Rule:
    """How much the ways to find something count."""

    weights: Mapping[Way, float] = field(default_factory=lambda: WEIGHTS)
    sure: float = 0.6  # added to rows that hold every word, when they are few
    few: int = 50  # rows; the more there are the less it says
    few_begun: int = 3  # the same for rows that only hold a word which begins like the last one


MEASURED = Rule()


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


def fuse(found: Mapping[Way, Scored], rule: Rule = MEASURED) -> list[Ranked]:
    """Best first. A way that could not be asked is left out of ``found``, and weighs nothing."""
    exact = {key for key, _ in found.get("exact", ())}
    parts: dict[Key, dict[Way, float]] = {key: {"exact": 0.0} for key in exact}
    surely = _surely(found, rule)
    for way, rows in found.items():
        for key, score in rows if way != "exact" else ():
            part = rule.weights[way] * min(1.0, max(0.0, score))
            part += surely[key] if way in _EVERY else 0.0
            ways = parts.setdefault(key, {})
            ways[way] = max(part, ways.get(way, 0.0))
    whole = sum(rule.weights[way] for way in found if way not in _BESIDE)
    whole = whole + max(surely.values(), default=0.0) or 1.0
    fused = {key: min(1.0, sum(ways.values()) / whole) for key, ways in parts.items()}
    order = sorted(parts, key=lambda key: (key in exact, fused[key]), reverse=True)
    return [
        Ranked(key, 1.0 if key in exact else fused[key], _strongest_first(parts[key]))
        for key in order
    ]


def _surely(found: Mapping[Way, Scored], rule: Rule) -> dict[Key, float]:
    """What each row that holds every word is given for it, the more the fewer they are.

    The last word may be the beginning of another one ("wins", "winsock"): rows that hold it whole
    are found by some words as well, and are counted apart.
    """
    every = {key for way in _EVERY for key, _ in found.get(way, ())}
    whole = every & {key for key, _ in found.get("some_words", ())}
    begun = rule.sure * rule.few_begun / max(rule.few_begun, len(every))
    held = rule.sure * rule.few / max(rule.few, len(whole))
    return {key: held if key in whole else begun for key in every}


def in_time(
    ranked: Sequence[Ranked], moments: Mapping[Key, datetime], *, oldest_first: bool
) -> list[Ranked]:
    """The same by when they were; what has vanished meanwhile is left out."""
    kept = [one for one in ranked if one.key in moments]
    order = lambda one: (moments[one.key], one.key[1])  # noqa: E731
    return sorted(kept, key=order, reverse=not oldest_first)


def _strongest_first(ways: Mapping[Way, float]) -> tuple[Way, ...]:
    return tuple(sorted(ways, key=lambda way: (way != "exact", -ways[way])))
