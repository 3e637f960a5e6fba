"""From head logits and similarities to one of the desk's labels, or None for "not sure".

The head knows the default taxonomy; the desk may rename, drop or add categories. A label the head
does not know is judged by how near the ticket is to its description alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from appliance.inference.answers import CategoryAnswer
from appliance.inference.bundle import Bundle

# One phrase alone may fit by chance, and the mean of all would drown the one that fits.
NEAREST_PIECES = 2
MAX_PIECES = 40  # of a description; what follows is not read


def softmax(values: np.ndarray) -> np.ndarray:
    """Probabilities in float64; (n,) → (n,)."""
    powers = np.exp(values.astype(np.float64) - np.max(values))
    return powers / powers.sum()


def known_labels(bundle: Bundle, labels: Sequence[str]) -> list[str]:
    """The desk's labels that the head was trained on."""
    return [label for label in labels if label in bundle.labels]


def head_shares(bundle: Bundle, logits: np.ndarray, labels: Sequence[str]) -> np.ndarray:
    """(labels,) probabilities over the labels the head knows, 0 for the others; sums to 1 or 0."""
    shares = np.zeros(len(labels))
    known = [at for at, label in enumerate(labels) if label in bundle.labels]
    if known:
        columns = [bundle.labels.index(labels[at]) for at in known]
        shares[known] = softmax(logits[columns] / bundle.calibration["head_temperature"])
    return shares


def similarity_shares(bundle: Bundle, similarities: np.ndarray) -> np.ndarray:
    """Cosines (labels,) → probabilities (labels,)."""
    return softmax(similarities / bundle.calibration["similarity_tau"])


def pieces(description: str) -> list[str]:
    """A category's name, sentences and example phrases, each to be compared on its own."""
    rows = [piece.strip() for piece in description.split(". ")]
    return [piece for piece in rows if piece][:MAX_PIECES] or [description]


def nearness(vector: np.ndarray, described: np.ndarray) -> float:
    """Mean cosine of a unit vector (dims,) with its nearest rows of (pieces, dims)."""
    return float(np.sort(described @ vector)[-NEAREST_PIECES:].mean())


def mix(
    bundle: Bundle, labels: Sequence[str], head: np.ndarray | None, near: np.ndarray | None
) -> np.ndarray:
    """Probabilities (labels,), from either or both; the head speaks for the labels it knows.

    A mix is less sure than each of its parts; ``sharpness`` makes up for it, the order stays.
    """
    shares = weighed(bundle, labels, head, near, bundle.calibration["head_weight"])
    if near is None or head is None:
        return shares
    shares = shares ** bundle.calibration.get("sharpness", 1.0)
    return shares / shares.sum()


def weighed(
    bundle: Bundle,
    labels: Sequence[str],
    head: np.ndarray | None,
    near: np.ndarray | None,
    weight: float,
) -> np.ndarray:
    """Probabilities (labels,) where the head counts ``weight`` and the similarity the rest."""
    if near is None or head is None:
        return head if near is None else near
    known = np.array([label in bundle.labels for label in labels])
    texts = weight * head * near[known].sum() + (1 - weight) * near
    return np.where(known, texts, near)


def answer(bundle: Bundle, labels: Sequence[str], shares: np.ndarray) -> CategoryAnswer:
    """The best label when its probability reaches its threshold, else None.

    A label the head was trained on may have a threshold of its own; the others share one.
    """
    order = sorted(range(len(labels)), key=lambda at: (-shares[at], labels[at]))
    scores = tuple((labels[at], float(shares[at])) for at in order)
    best, confidence = scores[0]
    thresholds = bundle.calibration.get("thresholds") or {}
    sure = confidence >= thresholds.get(best, bundle.calibration["threshold"])
    return CategoryAnswer(best if sure else None, confidence, scores, bundle.ref)


def classify(
    bundle: Bundle,
    logits: np.ndarray | None,
    similarities: Mapping[str, float] | None,
    labels: Sequence[str],
    *,
    careful: bool = False,
) -> CategoryAnswer:
    """One answer from what is at hand; at least one of logits and similarities is given.

    ``careful``: an answer that does not hold with the head trusted less is held back.
    """
    head = None if logits is None else head_shares(bundle, logits, labels)
    near = None
    if similarities is not None:
        near = similarity_shares(bundle, np.array([similarities[label] for label in labels]))
    rows = answer(bundle, labels, mix(bundle, labels, head, near))
    numbers = bundle.calibration.get("new_desk")
    if not (careful and numbers and rows.label):
        return rows
    shares = weighed(bundle, labels, head, near, numbers["head_weight"])
    if shares[labels.index(rows.label)] >= numbers["floor"]:
        return rows
    return replace(rows, label=None, held_back=rows.label)
