"""A linear head on frozen vectors: an installation's own categories from a few labels.

Softmax regression on centred unit vectors, by accelerated gradient descent, in numpy alone. A head
is two arrays and its labels, kept as ``.npz`` without pickle.
"""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from zipfile import BadZipFile

import numpy as np

MAX_EXACT = 5000  # texts that are fitted in double precision
STEPS = 200  # enough for 10-50 texts a label; more only fits the noise
SHRINKAGE = 1e-4  # weight of the squared weights; chosen on rows held out of BANKING77's training


@dataclass(frozen=True)
class LinearHead:
    """A fitted head: (dims,) centre, (dims + 1, labels) weights with the offsets last."""

    labels: tuple[str, ...]
    centre: np.ndarray
    weights: np.ndarray

    def probabilities(self, vectors: np.ndarray) -> np.ndarray:
        """Vectors (texts, dims) → probabilities (texts, labels)."""
        return _softmax(_features(vectors, self.centre) @ self.weights)

    def familiarity(self, vectors: np.ndarray) -> np.ndarray:
        """Return (texts,) scores of how well any label fits; low means out of scope.

        The log-sum-exp of the scores: unlike a probability it stays low when every label fits
        badly. It has no unit; choose a threshold on texts of the installation.
        """
        scores = _features(vectors, self.centre) @ self.weights
        top = scores.max(-1)
        return top + np.log(np.exp(scores - top[:, None]).sum(-1))

    def to_bytes(self) -> bytes:
        """Return the head as an ``.npz`` file."""
        stream = io.BytesIO()
        np.savez(stream, labels=np.array(self.labels), centre=self.centre, weights=self.weights)
        return stream.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> "LinearHead":
        """Read what ``to_bytes`` wrote; raises ValueError for anything else, runs no code."""
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
                labels = tuple(str(label) for label in arrays["labels"])
                head = cls(labels, arrays["centre"], arrays["weights"])
        except (OSError, KeyError, EOFError, TypeError, AttributeError, BadZipFile) as error:
            raise ValueError(f"This is not a fitted head: {error}") from error
        if head.weights.shape != (len(head.centre) + 1, len(labels)):
            raise ValueError("This is not a fitted head: its arrays do not fit together.")
        return head


def fit_head(
    vectors: np.ndarray, labels: Sequence[str], counts: np.ndarray | None = None
) -> LinearHead:
    """Fit a head on unit vectors (texts, dims) and one label for each text.

    ``counts`` (texts,): how much each text counts, 1 without; below 1 for an uncertain label.
    5 to 50 texts a label are what it was measured with. The same input gives the same head.
    Raises ValueError when there are fewer than two labels, or not one label for each vector.
    """
    names = tuple(sorted(set(labels)))
    vectors = np.asarray(vectors, np.float64)
    if len(names) < 2:
        raise ValueError("At least two labels are needed to learn from.")
    if vectors.ndim != 2 or len(vectors) != len(labels) or not np.isfinite(vectors).all():
        raise ValueError("One vector of finite numbers is needed for each label.")
    centre = vectors.mean(0)
    numbers = np.array([names.index(label) for label in labels])
    shares = np.ones(len(labels)) if counts is None else np.asarray(counts, np.float64)
    weights = _fit(_features(vectors, centre), np.eye(len(names))[numbers], shares / shares.sum())
    return LinearHead(names, centre.astype(np.float32), weights.astype(np.float32))


def _features(vectors: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Return centred unit vectors and a constant 1 for the offset: (texts, dims + 1)."""
    centred = vectors - centre
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    return np.hstack([centred / np.maximum(lengths, 1e-9), np.ones((len(centred), 1))])


def _fit(features: np.ndarray, targets: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Fit weights by Nesterov's accelerated descent, at the step size the curvature allows.

    ``shares`` (texts,) of the loss, which sum to 1.
    """
    if len(features) > MAX_EXACT:  # half the time, and no difference that shows
        features, targets, shares = (
            array.astype(np.float32) for array in (features, targets, shares)
        )
    weighted = (features * shares[:, None]).T
    curvature = float(0.5 * np.linalg.eigvalsh(weighted @ features)[-1] + SHRINKAGE)
    weights = lookahead = np.zeros((features.shape[1], targets.shape[1]), features.dtype)
    momentum = 1.0
    for _ in range(STEPS):
        errors = _softmax(features @ lookahead) - targets
        updated = lookahead - (weighted @ errors + SHRINKAGE * lookahead) / curvature
        next_momentum = (1 + math.sqrt(1 + 4 * momentum**2)) / 2
        lookahead = updated + ((momentum - 1) / next_momentum) * (updated - weights)
        weights, momentum = updated, next_momentum
    return weights


def _softmax(scores: np.ndarray) -> np.ndarray:
    """Return probabilities along the last axis."""
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    probabilities: np.ndarray = powers / powers.sum(-1, keepdims=True)
    return probabilities
