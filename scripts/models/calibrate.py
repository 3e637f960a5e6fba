"""Choose the weights, temperatures and thresholds of the classifier on sources left out whole.

Every number comes from tickets of sources that neither the fine-tuned classifier nor the regression
on the encoder's vectors was trained on. A split of the same source would be too optimistic about an
organisation that nobody here has seen.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from measure import calibration_error, softmax, threshold_for
from scipy.optimize import minimize_scalar

# Share of decided predictions that must equal the annotator's first or second label.
DECIDED_ACCURACY = 0.95
# How many rows of all categories are added to those of a category when its threshold is chosen.
SHARED_ROWS = 40
UNDECIDED = {
    "other": 0.98
}  # lowest threshold: "other" is what a text of an unknown kind looks like
WEIGHT_STEPS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
SMALLEST = 1e-4  # as MIN_PROBABILITY in appliance/inference/classify.py


@dataclass(frozen=True)
class HeldOut:
    """Outputs for tickets of a source left out, and the labels; arrays are (rows, labels)."""

    head: np.ndarray  # logits of the fine-tuned classifier
    frozen: np.ndarray  # log-probabilities of the regression on the encoder's vectors
    similarities: np.ndarray  # cosine of the ticket with each category's description
    first: np.ndarray  # one-hot first label
    either: np.ndarray  # true for the first and the second label
    is_clear: np.ndarray  # (rows,) whether the annotator was confident

    def mixed(self, numbers: dict) -> np.ndarray:
        """Return the probabilities as ``appliance.inference`` mixes them."""
        parts = {
            "head": softmax(self.head / numbers["head_temperature"]),
            "frozen": softmax(self.frozen / numbers["frozen_temperature"]),
            "similarity": softmax(self.similarities / numbers["similarity_tau"]),
        }
        weights = numbers["mixture"]
        logs = sum(
            weights[name] * np.log(np.maximum(parts[name], SMALLEST)) for name in weights
        ) / sum(weights.values())
        return softmax(logs * numbers["sharpness"])


def joined(parts: Iterable[HeldOut]) -> HeldOut:
    """Return the rows of several sources as one."""
    parts = list(parts)
    names = ("head", "frozen", "similarities", "first", "either", "is_clear")
    return HeldOut(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def calibrate(folds: dict[str, HeldOut], labels: Sequence[str]) -> dict:
    """Return the calibration; every source left out has the same say in the weights.

    The threshold reaches DECIDED_ACCURACY on the mean of the sources, not on all rows together, in
    which the largest source would outvote the others.
    """
    every = joined(folds.values())
    numbers: dict = {
        "head_temperature": temperature(every.head, every.first),
        "frozen_temperature": temperature(every.frozen, every.first),
        "similarity_tau": temperature(every.similarities, every.first),
        "sharpness": 1.0,
    }
    numbers["mixture"] = min(
        _weights(),
        key=lambda weights: sum(
            _loss(_sharpest(fold, numbers, weights), fold.first) for fold in folds.values()
        ),
    )
    numbers["sharpness"] = sharpness(every, numbers)
    numbers = {
        name: round(value, 4) if isinstance(value, float) else value
        for name, value in numbers.items()
    }
    numbers["threshold"] = _common_threshold(folds, numbers)
    shares = every.mixed(numbers)
    is_right = _is_right(every, shares)
    numbers["thresholds"] = {
        label: max(
            UNDECIDED.get(label, 0.0),
            category_threshold(shares.max(-1), is_right, shares.argmax(-1) == at),
        )
        for at, label in enumerate(labels)
    }
    return numbers


def _weights() -> list[dict[str, float]]:
    """Return the mixtures that are tried: the head always counts."""
    tried = product(WEIGHT_STEPS[1:], WEIGHT_STEPS, WEIGHT_STEPS)
    names = ("head", "frozen", "similarity")
    return [
        {name: weight for name, weight in zip(names, weights, strict=True) if weight}
        for weights in tried
        if max(weights) == 1.0
    ]


def _sharpest(rows: HeldOut, numbers: dict, weights: dict[str, float]) -> np.ndarray:
    tried = {**numbers, "mixture": weights, "sharpness": 1.0}
    return rows.mixed({**tried, "sharpness": sharpness(rows, tried)})


def temperature(logits: np.ndarray, first: np.ndarray) -> float:
    """Return the temperature at which probabilities match the frequency of the first label."""
    result = minimize_scalar(
        lambda log_t: _loss(softmax(logits / np.exp(log_t)), first),
        bounds=(-5, 3),
        method="bounded",
    )
    return float(np.exp(result.x))


def sharpness(rows: HeldOut, numbers: dict) -> float:
    """Return the power at which mixed probabilities match the frequency of the first label."""
    logs = np.log(rows.mixed({**numbers, "sharpness": 1.0}) + 1e-12)
    result = minimize_scalar(
        lambda power: _loss(softmax(logs * power), rows.first),
        bounds=(0.5, 4),
        method="bounded",
    )
    return float(result.x)


def _common_threshold(folds: dict[str, HeldOut], numbers: dict) -> float:
    """Return the mean of the thresholds that the sources need, none of them alone deciding."""
    thresholds = []
    for fold in folds.values():
        shares = fold.mixed(numbers)
        thresholds.append(threshold_for(shares.max(-1), _is_right(fold, shares), DECIDED_ACCURACY))
    return round(float(np.mean(thresholds)), 4)


def category_threshold(sure: np.ndarray, is_right: np.ndarray, own: np.ndarray) -> float:
    """Return the lowest threshold above which enough predictions of one category are right.

    ``own`` marks the rows predicted as this category. The rows of all categories are added with a
    weight of SHARED_ROWS rows, so that a category with few rows gets nearly the common threshold.
    """
    for threshold in np.arange(0.3, 0.98, 0.01):
        decided = sure >= threshold
        shared = SHARED_ROWS * decided.mean()
        right = (is_right & own & decided).sum() + shared * is_right[decided].mean()
        if right >= DECIDED_ACCURACY * ((own & decided).sum() + shared):
            return round(float(threshold), 2)
    return 0.98


def figures(rows: HeldOut, numbers: dict, labels: Sequence[str]) -> dict[str, float]:
    """Return the scores of the rows of one source with a calibration."""
    shares = rows.mixed(numbers)
    least = np.array([numbers["thresholds"][label] for label in labels])
    best, every = shares.argmax(-1), np.arange(len(shares))
    first, right = rows.first[every, best] > 0, _is_right(rows, shares)
    sure = shares.max(-1) >= least[best]
    second = np.argsort(-shares, -1)[:, 1]
    helped = np.where(sure, right, right | rows.either[every, second])
    return {
        "rows": len(shares),
        "accuracy": _share(first),
        "accuracy, second label accepted": _share(right),
        "accuracy, confident labels": _share(first[rows.is_clear]),
        "coverage at threshold": _share(sure),
        "accuracy of decided": _share(first[sure]),
        "accuracy of decided, second label accepted": _share(right[sure]),
        "decided right or among two suggestions": _share(helped),
        "ECE": round(calibration_error(shares.max(-1), first), 4),
    }


def _is_right(rows: HeldOut, shares: np.ndarray) -> np.ndarray:
    """Return (rows,) whether the best label is the annotator's first or second label."""
    return rows.either[np.arange(len(shares)), shares.argmax(-1)]


def _share(values: np.ndarray) -> float:
    return round(float(values.mean()), 4) if len(values) else 0.0


def _loss(shares: np.ndarray, targets: np.ndarray) -> float:
    return -float((targets * np.log(shares + 1e-9)).sum(-1).mean())
