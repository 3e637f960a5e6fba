"""Combine the classifier with a head that was fitted on the labels of one installation.

The geometric mean of both distributions: the more labels the head was fitted on, the more it
weighs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from appliance.inference.bundle import Bundle
from appliance.inference.classify import best_label, weighted_powers
from appliance.inference.linear_head import LinearHead
from appliance.inference.predictions import CategoryPrediction

HALF_WEIGHT_LABELS = 10  # texts a label, at which the head weighs as much as the classifier
MAX_WEIGHT = 0.9  # the classifier stays a second opinion


@dataclass(frozen=True)
class LearnedHead:
    """A head in use: its version, the space of its vectors and its weight, 0..1."""

    version: int
    space: str
    head: LinearHead
    weight: float
    threshold: float | None = None  # of the confidence; None: the classifier's own thresholds


def head_weight(counts: Mapping[str, int]) -> float:
    """Return the weight of a head by the texts it saw of each label: the mean over its labels."""
    if not counts:
        return 0.0
    shares = [count / (count + HALF_WEIGHT_LABELS) for count in counts.values()]
    return min(MAX_WEIGHT, sum(shares) / len(shares))


def mix(
    probabilities: np.ndarray,
    labels: Sequence[str],
    head_labels: Sequence[str],
    head_probabilities: np.ndarray,
    weight: float,
) -> np.ndarray:
    """Mix (texts, labels) with the head's (texts, its labels) → (texts, labels).

    Of a label that the head does not know it thinks what the classifier thinks. Labels of the head
    that are not in ``labels``, of removed categories, are dropped.
    """
    columns = [labels.index(name) for name in head_labels if name in labels]
    rows = [row for row, name in enumerate(head_labels) if name in labels]
    if not columns:
        return probabilities
    opinion = probabilities.astype(np.float64)  # a copy
    opinion[:, columns] = head_probabilities[:, rows]
    powers = weighted_powers([(probabilities, 1 - weight), (opinion, weight)])
    mixture: np.ndarray = powers / powers.sum(-1, keepdims=True)
    return mixture


def refine(
    bundle: Bundle, base: CategoryPrediction, vector: np.ndarray, learned: LearnedHead
) -> CategoryPrediction:
    """Return the prediction of classifier and head together; ``base`` is the classifier's alone.

    A label is decided when it reaches its threshold and two agree on it: the head ranks it first,
    or the classifier has decided it. ``vector`` (dims,) is in the space of the head.
    """
    labels = [label for label, _ in base.scores]
    if not labels:
        return base
    probabilities = np.array([[score for _, score in base.scores]])
    opinion = learned.head.probabilities(vector[None])
    mixture = mix(probabilities, labels, learned.head.labels, opinion, learned.weight)
    prediction = best_label(bundle, labels, mixture[0])
    if learned.threshold is not None:
        is_sure = prediction.confidence >= learned.threshold
        prediction = replace(prediction, label=prediction.scores[0][0] if is_sure else None)
    first = learned.head.labels[int(opinion[0].argmax())]
    if prediction.label and prediction.label not in (first, base.label):
        prediction = replace(prediction, label=None, withheld_label=prediction.label)
    return replace(prediction, base=base, head=learned.version)
