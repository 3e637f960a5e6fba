"""Turn model outputs into predictions: a category or "not sure", and a sentiment.

The classifier's head knows the default taxonomy, while an installation may rename, drop or add
categories. A label the head does not know is scored by the similarity of the text to the
category's description alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from appliance.inference.bundle import Bundle
from appliance.inference.predictions import CategoryPrediction, SentimentPrediction

# One phrase alone may match by chance, and the mean of all would hide the one that matches.
NEAREST_PIECES = 2
MAX_PIECES = 40  # of a description; the rest is ignored
MIN_PROBABILITY = 1e-4  # so that one part alone cannot rule out a label
# The rest category says only that no other fits, which a model knows least where it has seen least
REST_LABEL, REST_THRESHOLD = "other", 0.95


def softmax(values: np.ndarray) -> np.ndarray:
    """Probabilities in float64; (n,) → (n,)."""
    powers = np.exp(values.astype(np.float64) - np.max(values))
    return powers / powers.sum()


def known_labels(bundle: Bundle, labels: Sequence[str]) -> list[str]:
    """Return the labels that the head was trained on."""
    return [label for label in labels if label in bundle.labels]


def head_probabilities(bundle: Bundle, logits: np.ndarray, labels: Sequence[str]) -> np.ndarray:
    """Return (labels,) probabilities: 0 for labels the head does not know; sums to 1 or 0."""
    probabilities = np.zeros(len(labels))
    known = [index for index, label in enumerate(labels) if label in bundle.labels]
    if known:
        columns = [bundle.labels.index(labels[index]) for index in known]
        temperature = bundle.calibration["head_temperature"]
        probabilities[known] = softmax(logits[columns] / temperature)
    return probabilities


def similarity_probabilities(bundle: Bundle, similarities: np.ndarray) -> np.ndarray:
    """Cosines (labels,) → probabilities (labels,)."""
    return softmax(similarities / bundle.calibration["similarity_tau"])


def pieces(description: str) -> list[str]:
    """Split a category's description into sentences and phrases, each compared on its own."""
    parts = [part.strip() for part in description.split(". ")]
    return [part for part in parts if part][:MAX_PIECES] or [description]


def nearness(vector: np.ndarray, described: np.ndarray) -> float:
    """Return the mean cosine of a unit vector (dims,) with its nearest of (pieces, dims)."""
    return float(np.sort(described @ vector)[-NEAREST_PIECES:].mean())


@dataclass(frozen=True)
class Evidence:
    """What is known of one text, each as probabilities (labels,) or None.

    ``head``: of the fine-tuned classifier. ``frozen``: of the regression on the encoder's vector
    that the bundle brings. ``similar``: of the similarity to the categories' descriptions. Labels
    that a head was not trained on have the probability 0 there.
    """

    head: np.ndarray | None
    similar: np.ndarray | None
    frozen: np.ndarray | None = None


def combine(bundle: Bundle, labels: Sequence[str], evidence: Evidence) -> np.ndarray:
    """Return probabilities (labels,): the geometric mean of all the evidence, sharpened.

    A mixture is less confident than each of its parts; ``sharpness`` corrects that and keeps the
    order.
    """
    mixture = geometric_mean(bundle, labels, evidence)
    if evidence.similar is None or evidence.head is None:
        return mixture
    sharpened = mixture ** bundle.calibration.get("sharpness", 1.0)
    return sharpened / sharpened.sum()


def geometric_mean(bundle: Bundle, labels: Sequence[str], evidence: Evidence) -> np.ndarray:
    """Return the geometric mean of the evidence at hand, by the bundle's weights; sums to 1.

    Unlike the arithmetic mean it is confident only where all parts agree, which is what a text of a
    kind that nobody trained on lacks. Labels no head knows keep the probability of their
    similarity.
    """
    weights = bundle.calibration["mixture"]
    named = {"head": evidence.head, "frozen": evidence.frozen, "similarity": evidence.similar}
    parts = [
        (probabilities, weights[name])
        for name, probabilities in named.items()
        if probabilities is not None and weights.get(name)
    ]
    if not parts:
        raise ValueError("Neither logits nor similarities are there to classify by.")
    known = np.array([label in bundle.labels for label in labels])
    mixture = np.where(known, weighted_powers(parts), 0.0)
    if evidence.similar is None or not known.any():
        return mixture / mixture.sum() if known.any() else np.asarray(evidence.similar)
    shared = mixture / mixture.sum() * evidence.similar[known].sum()
    return np.where(known, shared, evidence.similar)


def weighted_powers(parts: Sequence[tuple[np.ndarray, float]]) -> np.ndarray:
    """Return the weighted geometric mean of probabilities (…, labels), which need not sum to 1."""
    total = sum(weight for _, weight in parts)
    logs = [weight * np.log(np.maximum(shares, MIN_PROBABILITY)) for shares, weight in parts]
    mean: np.ndarray = np.exp(np.sum(logs, axis=0) / total)
    return mean


def best_label(
    bundle: Bundle, labels: Sequence[str], probabilities: np.ndarray
) -> CategoryPrediction:
    """Predict the best label when its probability reaches its threshold, else None.

    A label the head was trained on may have a threshold of its own; the others share one. The rest
    category is hardly ever predicted.
    """
    order = sorted(range(len(labels)), key=lambda index: (-probabilities[index], labels[index]))
    scores = tuple((labels[index], float(probabilities[index])) for index in order)
    label, confidence = scores[0]
    thresholds = bundle.calibration.get("thresholds") or {}
    threshold = thresholds.get(label, bundle.calibration["threshold"])
    if label == REST_LABEL:
        threshold = max(threshold, REST_THRESHOLD)
    is_sure = confidence >= threshold
    return CategoryPrediction(label if is_sure else None, confidence, scores, bundle.ref)


def classify(
    bundle: Bundle,
    logits: np.ndarray | None,
    similarities: Mapping[str, float] | None,
    labels: Sequence[str],
    *,
    frozen: Mapping[str, float] | None = None,
    cold_start: bool = False,
) -> CategoryPrediction:
    """Predict a category from logits, similarities, or both; at least one of them is required.

    ``frozen``: label → probability of the regression on the encoder's vector. In a ``cold_start`` a
    label is withheld unless its probability also reaches the bundle's ``new_desk_threshold``.
    """
    evidence = _evidence(bundle, logits, similarities, labels, frozen)
    prediction = best_label(bundle, labels, combine(bundle, labels, evidence))
    threshold = bundle.calibration.get("new_desk_threshold", 0.0)
    if not (cold_start and prediction.label and prediction.confidence < threshold):
        return prediction
    return replace(prediction, label=None, withheld_label=prediction.label)


def _evidence(
    bundle: Bundle,
    logits: np.ndarray | None,
    similarities: Mapping[str, float] | None,
    labels: Sequence[str],
    frozen: Mapping[str, float] | None,
) -> Evidence:
    head = None if logits is None else head_probabilities(bundle, logits, labels)
    similar = None
    if similarities is not None:
        cosines = np.array([similarities[label] for label in labels])
        similar = similarity_probabilities(bundle, cosines)
    shares = None
    if frozen is not None:
        shares = np.array([frozen.get(label, 0.0) for label in labels])
        shares = shares / shares.sum() if shares.any() else None
    return Evidence(head, similar, shares)


def classify_sentiment(bundle: Bundle, logits: np.ndarray) -> SentimentPrediction:
    """Predict the most probable sentiment; the score is P(positive) - P(negative)."""
    probabilities = softmax(logits / bundle.calibration["temperature"])
    by_label = dict(zip(bundle.labels, probabilities.tolist(), strict=True))
    label = max(by_label, key=by_label.__getitem__)
    score = by_label["positive"] - by_label["negative"]
    return SentimentPrediction(label, score, by_label[label], bundle.ref)
