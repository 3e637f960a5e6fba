"""Choose the sentences of an agent's replies that solved a ticket. Pure.

``scripts/bench/solutions.py`` measures the weights against sentences that a reader marked.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from appliance.triage import sentence_phrases as phrases
from appliance.triage import sentences
from appliance.triage.sentences import Sentence

MAX_CHOSEN = 3  # sentences of one ticket
FULL_WORDS = 20  # a shorter sentence says less
DAMPING = 2  # sentences without similarity that are added to a reply: in a short one all are alike
# What only describes a case stays below: in the demo data "Kestrel is read-only until the course."
# reaches 0.74. Of the 60 marked sentences the lowest reaches 1.14, the median 2.2.
MIN_SCORE = 0.8
_QUOTED = re.compile(r"\"[^\"]{2,40}\"|(?<!\w)'[^']{2,40}'(?!\w)|[“„«‘‚][^”“»’]{2,40}[”“»’]")


@dataclass(frozen=True)
class Weights:
    """What each property of a sentence adds to its score.

    Chosen on half of the marked replies; the other half is the test.
    """

    closeness: float = 1.0  # cosine to the ticket
    centrality: float = 3.5  # mean cosine to the other sentences of its reply, damped
    imperative: float = 0.6  # "Open the settings"
    cure: float = 0.4  # "You need to …", "was caused by"
    path: float = 0.4  # a way through menus, a command, a key, an address
    step: float = 0.2  # an item of a list
    quotation: float = 0.2  # the name of a button or of a setting
    length: float = 0.4  # of FULL_WORDS and more
    age: float = 1.0  # lost with each later reply


DEFAULT_WEIGHTS = Weights()


@dataclass(frozen=True)
class Candidate:
    """A sentence that may be offered.

    ``vector`` is float32 (dims,) of unit length; ``age`` counts the later replies of agents.
    """

    sentence: Sentence
    vector: np.ndarray
    age: int = 0


def choose(
    candidates: Sequence[Candidate],
    ticket_vector: np.ndarray,
    weights: Weights = DEFAULT_WEIGHTS,
    limit: int = MAX_CHOSEN,
) -> list[str]:
    """Return the best sentences, the last reply's last, in the order they were written."""
    scores = score(candidates, ticket_vector, weights)
    best: dict[str, int] = {}  # key → place; a sentence that was sent twice is offered once
    for place in np.argsort(-scores, kind="stable"):
        if scores[place] >= MIN_SCORE and len(best) < limit:
            best.setdefault(sentences.key(candidates[place].sentence.text), int(place))
    chosen = [candidates[place] for place in best.values()]
    chosen.sort(key=lambda candidate: (-candidate.age, candidate.sentence.position))
    return [candidate.sentence.text for candidate in chosen]


def score(
    candidates: Sequence[Candidate],
    ticket_vector: np.ndarray,
    weights: Weights = DEFAULT_WEIGHTS,
) -> np.ndarray:
    """Return float64 (candidates,)."""
    if not candidates:
        return np.zeros(0)
    vectors = np.stack([candidate.vector for candidate in candidates]).astype(float)
    rows = zip(candidates, vectors @ ticket_vector, _centralities(candidates, vectors), strict=True)
    return np.array(
        [
            weights.closeness * closeness
            + weights.centrality * centrality
            - weights.age * candidate.age
            + _score_text(candidate.sentence, weights)
            for candidate, closeness, centrality in rows
        ]
    )


def _score_text(sentence: Sentence, weights: Weights) -> float:
    text = sentence.text
    return (
        weights.imperative * bool(phrases.IMPERATIVE.search(text))
        + weights.cure * bool(phrases.CURE.search(text))
        + weights.path * bool(phrases.PATH.search(text))
        + weights.step * sentence.is_step
        + weights.quotation * bool(_QUOTED.search(text))
        + weights.length * min(1.0, len(sentences.words(text)) / FULL_WORDS)
    )


def _centralities(candidates: Sequence[Candidate], vectors: np.ndarray) -> np.ndarray:
    """Return the damped mean cosine of each sentence to the others of its reply."""
    places: dict[int, list[int]] = defaultdict(list)
    for place, candidate in enumerate(candidates):
        places[candidate.age].append(place)
    centralities = np.zeros(len(candidates))
    for group in places.values():
        cosines = vectors[group] @ vectors[group].T
        others = len(group) - 1 + DAMPING
        centralities[group] = (cosines.sum(axis=1) - np.diag(cosines)) / others
    return centralities
