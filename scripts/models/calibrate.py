"""Choose how far the head and the similarity are trusted, on rows neither was trained on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from measure import softmax, threshold_for
from scipy.optimize import minimize_scalar

RIGHT_WHERE_DECIDED = 0.92


@dataclass(frozen=True)
class HeldOut:
    """What two models said about rows they had not seen; all arrays are (rows, labels)."""

    logits: np.ndarray
    near: np.ndarray  # cosine of the ticket with each category's description
    targets: np.ndarray  # soft labels
    either: np.ndarray  # true where the label is a reader's first or second choice

    def mixed(self, numbers: dict[str, float]) -> np.ndarray:
        """Probabilities as the appliance mixes them."""
        head = softmax(self.logits / numbers["head_temperature"])
        close = softmax(self.near / numbers["similarity_tau"])
        return numbers["head_weight"] * head + (1 - numbers["head_weight"]) * close

    def is_right(self, shares: np.ndarray) -> np.ndarray:
        """(rows,) whether the best label is a reader's first or second choice."""
        return self.either[np.arange(len(shares)), shares.argmax(-1)]


def temperature(logits: np.ndarray, targets: np.ndarray) -> float:
    """The temperature that makes the probabilities fit the readers' (soft) labels best."""
    found = minimize_scalar(
        lambda log_t: _loss(softmax(logits / np.exp(log_t)), targets),
        bounds=(-5, 3), method="bounded",
    )
    return float(np.exp(found.x))


def calibrate(sets: Sequence[HeldOut]) -> dict[str, float]:
    """The numbers of the classifier's bundle; every set counts the same, however large.

    One set is of the sources trained on, one of a source never seen. The weight minimises the
    mean loss; the threshold is the one the harder set needs.
    """
    numbers = {
        "head_temperature": float(np.mean([temperature(s.logits, s.targets) for s in sets])),
        "similarity_tau": float(np.mean([temperature(s.near, s.targets) for s in sets])),
    }
    weights = [round(float(w), 2) for w in np.arange(0.3, 1.001, 0.05)]
    numbers["head_weight"] = min(weights, key=lambda w: np.mean(
        [_loss(s.mixed({**numbers, "head_weight": w}), s.targets) for s in sets]
    ))
    numbers["threshold"] = max(
        threshold_for(s.mixed(numbers).max(-1), s.is_right(s.mixed(numbers)), RIGHT_WHERE_DECIDED)
        for s in sets
    )
    return {name: round(value, 4) for name, value in numbers.items()}


def figures(rows: HeldOut, numbers: dict[str, float]) -> dict[str, float]:
    """Scores of one set with the chosen numbers."""
    shares = rows.mixed(numbers)
    right, sure = rows.is_right(shares), shares.max(-1) >= numbers["threshold"]
    first = shares.argmax(-1) == rows.targets.argmax(-1)
    return {
        "rows": len(shares),
        "first choice": round(float(first.mean()), 4),
        "first or second": round(float(right.mean()), 4),
        "coverage at threshold": round(float(sure.mean()), 4),
        "decided: first or second": round(float(right[sure].mean()), 4) if sure.any() else 0.0,
    }


def _loss(shares: np.ndarray, targets: np.ndarray) -> float:
    return -float((targets * np.log(shares + 1e-9)).sum(-1).mean())
