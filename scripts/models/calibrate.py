"""Choose the weights, temperatures and thresholds of the classifier on held-out rows."""

from dataclasses import dataclass

import numpy as np
from measure import softmax, threshold_for
from scipy.optimize import minimize_scalar

# Share of a category's decided predictions that must equal the annotator's first label. With it,
# all categories together reach 0.92 on the calibration rows; with second labels it is far more.
DECIDED_ACCURACY = 0.91
# How many rows of all categories are added to those of a category when its threshold is chosen.
SHARED_ROWS = 40


@dataclass(frozen=True)
class HeldOut:
    """Outputs of head and encoder on held-out rows, and the labels; arrays are (rows, labels)."""

    logits: np.ndarray
    similarities: np.ndarray  # cosine of the ticket with each category's description
    targets: np.ndarray  # soft labels
    either: np.ndarray  # true for the annotator's first and second label

    def mixed(self, numbers: dict[str, float]) -> np.ndarray:
        """Return the probabilities as ``appliance.inference`` mixes them."""
        head = softmax(self.logits / numbers["head_temperature"])
        close = softmax(self.similarities / numbers["similarity_tau"])
        shares = numbers["head_weight"] * head + (1 - numbers["head_weight"]) * close
        return sharpened(shares, numbers["sharpness"])

    def is_right(self, shares: np.ndarray) -> np.ndarray:
        """Return (rows,) whether the best label is the annotator's first or second label."""
        return self.either[np.arange(len(shares)), shares.argmax(-1)]


def sharpened(shares: np.ndarray, power: float) -> np.ndarray:
    """Return more confident (power above 1) or less confident probabilities in the same order."""
    raised = shares**power
    return raised / raised.sum(-1, keepdims=True)


def temperature(logits: np.ndarray, targets: np.ndarray) -> float:
    """Return the temperature at which probabilities match the frequency of the first label."""
    targets = _first_labels(targets)
    result = minimize_scalar(
        lambda log_t: _loss(softmax(logits / np.exp(log_t)), targets),
        bounds=(-5, 3),
        method="bounded",
    )
    return float(np.exp(result.x))


def calibrate(familiar: HeldOut, unseen: HeldOut, labels: list[str]) -> dict:
    """Return the calibration of the classifier bundle.

    ``familiar`` comes from the training sources, ``unseen`` from a source left out. The weight of
    the head minimises the sum of both losses, so that it suits new installations. ``familiar``
    counts twice, because the logits of ``unseen`` come from a weaker substitute of the head. Every
    other number is fitted on ``familiar``, whose logits come from the shipped head.
    """
    numbers = {
        "head_temperature": temperature(familiar.logits, familiar.targets),
        "similarity_tau": temperature(familiar.similarities, familiar.targets),
        "sharpness": 1.0,
    }
    weights = [round(float(w), 2) for w in np.arange(0.3, 1.001, 0.1)]
    numbers["head_weight"] = min(
        weights,
        key=lambda w: sum(
            _loss(s.mixed({**numbers, "head_weight": w}), _first_labels(s.targets))
            for s in (familiar, familiar, unseen)
        ),
    )
    numbers["sharpness"] = sharpness(familiar.mixed(numbers), familiar.targets)
    shares = familiar.mixed(numbers)
    predictions, is_first = shares.argmax(-1), shares.argmax(-1) == familiar.targets.argmax(-1)
    sure = shares.max(-1)
    numbers["threshold"] = threshold_for(sure, is_first, DECIDED_ACCURACY)
    numbers = {name: round(value, 4) for name, value in numbers.items()}
    own = {
        label: category_threshold(sure, is_first, predictions == at)
        for at, label in enumerate(labels)
    }
    return {**numbers, "thresholds": own}


def sharpness(shares: np.ndarray, targets: np.ndarray) -> float:
    """Return the power at which mixed probabilities match the frequency of the first label."""
    result = minimize_scalar(
        lambda power: _loss(sharpened(shares, power), _first_labels(targets)),
        bounds=(0.5, 4),
        method="bounded",
    )
    return float(result.x)


def category_threshold(sure: np.ndarray, is_first: np.ndarray, own: np.ndarray) -> float:
    """Return the lowest threshold above which enough predictions of one category are right.

    ``own`` marks the rows predicted as this category. The rows of all categories are added with a
    weight of SHARED_ROWS rows, so that a category with few rows gets nearly the common threshold.
    """
    for threshold in np.arange(0.3, 0.95, 0.01):
        decided = sure >= threshold
        shared = SHARED_ROWS * decided.mean()
        right = (is_first & own & decided).sum() + shared * is_first[decided].mean()
        if right >= DECIDED_ACCURACY * ((own & decided).sum() + shared):
            return round(float(threshold), 2)
    return 0.95


def figures(rows: HeldOut, numbers: dict, labels: list[str]) -> dict[str, float]:
    """Return the scores of one set of rows with a calibration."""
    shares = rows.mixed(numbers)
    least = np.array([numbers["thresholds"][label] for label in labels])
    right, sure = rows.is_right(shares), shares.max(-1) >= least[shares.argmax(-1)]
    first = shares.argmax(-1) == rows.targets.argmax(-1)
    return {
        "rows": len(shares),
        "accuracy": round(float(first.mean()), 4),
        "accuracy, second label accepted": round(float(right.mean()), 4),
        "coverage at threshold": round(float(sure.mean()), 4),
        "accuracy of decided": round(float(first[sure].mean()), 4) if sure.any() else 0.0,
        "accuracy of decided, second label accepted": round(float(right[sure].mean()), 4)
        if sure.any()
        else 0.0,
    }


def _first_labels(targets: np.ndarray) -> np.ndarray:
    """Return one-hot first labels; calibrated on soft labels, the model would be underconfident."""
    return np.eye(targets.shape[1])[targets.argmax(-1)]


def _loss(shares: np.ndarray, targets: np.ndarray) -> float:
    return -float((targets * np.log(shares + 1e-9)).sum(-1).mean())
