"""Choose how far the head and the similarity are trusted, on rows neither was trained on."""

from collections.abc import Mapping

import numpy as np
from measure import softmax, threshold_for
from scipy.optimize import minimize_scalar

RIGHT_WHERE_DECIDED = 0.92


def temperature(logits: np.ndarray, targets: np.ndarray) -> float:
    """The temperature that makes the probabilities fit the readers' (soft) labels best."""
    def loss(log_t: float) -> float:
        return -float((targets * np.log(softmax(logits / np.exp(log_t)) + 1e-9)).sum(-1).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-2, 2), method="bounded").x))


def calibrate(
    logits: np.ndarray, near: np.ndarray, targets: np.ndarray, either: np.ndarray
) -> Mapping[str, float]:
    """All numbers of the classifier's bundle.

    logits and near (cosines) are (rows, labels); targets are soft labels; ``either`` is true
    where a label is a reader's first or second choice.
    """
    head_temperature = temperature(logits, targets)
    tau = temperature(near, targets)
    head = softmax(logits / head_temperature)
    close = softmax(near / tau)
    weights = np.linspace(0.3, 1.0, 15)
    losses = [_loss(w * head + (1 - w) * close, targets) for w in weights]
    weight = float(weights[int(np.argmin(losses))])
    mixed = weight * head + (1 - weight) * close
    is_right = either[np.arange(len(mixed)), mixed.argmax(-1)]
    return {
        "head_temperature": round(head_temperature, 4),
        "similarity_tau": round(tau, 4),
        "head_weight": round(weight, 3),
        "threshold": round(threshold_for(mixed.max(-1), is_right, RIGHT_WHERE_DECIDED), 3),
    }


def _loss(shares: np.ndarray, targets: np.ndarray) -> float:
    return -float((targets * np.log(shares + 1e-9)).sum(-1).mean())
