"""Choose the weights, temperatures and thresholds of the classifier on organisations left out.

Every number comes from tickets of organisations that neither the fine-tuned classifier nor the
regression on the encoder's vectors was trained on. A split of the same ones would be too optimistic
about an organisation that nobody here has seen.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from itertools import product

import numpy as np
from measure import calibration_error, softmax, threshold_for
from scipy.optimize import minimize_scalar

# Share of decided predictions that must equal the annotator's first or second label.
DECIDED_ACCURACY = 0.92
# How many rows of a category the common threshold counts as much as.
SHARED_ROWS = 40
UNDECIDED = {
    "other": 0.98
}  # lowest threshold: "other" is what a text of an unknown kind looks like
WEIGHT_STEPS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
SMALLEST = 1e-4  # as MIN_PROBABILITY in appliance/inference/classify.py


@dataclass(frozen=True)
class HeldOut:
    """Outputs for tickets of organisations left out, and the labels; arrays are (rows, labels)."""

    head: np.ndarray  # logits of the fine-tuned classifier
    frozen: np.ndarray  # log-probabilities of the regression on the encoder's vectors
    similarities: np.ndarray  # cosine of the ticket with each category's description
    first: np.ndarray  # one-hot first label
    either: np.ndarray  # true for the first and the second label
    is_clear: np.ndarray  # (rows,) whether the annotator was confident
    weight: np.ndarray  # (rows,) the same sum in every fold

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
    """Return the rows of several folds as one."""
    parts = list(parts)
    names = [field.name for field in fields(HeldOut)]
    return HeldOut(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def calibrate(folds: dict[str, HeldOut], labels: Sequence[str]) -> dict:
    """Return the calibration; every fold has the same say, however many rows it has.

    ``threshold`` is the mean of what the folds need for DECIDED_ACCURACY, and
    ``new_desk_threshold`` what the hardest of them needs.
    """
    every = joined(folds.values())
    numbers: dict = {
        "head_temperature": temperature(every.head, every),
        "frozen_temperature": temperature(every.frozen, every),
        "similarity_tau": temperature(every.similarities, every),
        "sharpness": 1.0,
    }
    numbers["mixture"] = min(
        _weights(), key=lambda weights: _loss(_sharpest(every, numbers, weights), every)
    )
    numbers["sharpness"] = sharpness(every, numbers)
    numbers = {
        name: round(value, 4) if isinstance(value, float) else value
        for name, value in numbers.items()
    }
    needed = [_threshold_of(fold, numbers) for fold in folds.values()]
    numbers["threshold"] = round(float(np.mean(needed)), 4)
    numbers["new_desk_threshold"] = round(max(needed), 4)
    numbers["thresholds"] = {
        label: max(UNDECIDED.get(label, 0.0), category_threshold(every, numbers, at))
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


def temperature(logits: np.ndarray, rows: HeldOut) -> float:
    """Return the temperature at which probabilities match the frequency of the first label."""
    result = minimize_scalar(
        lambda log_t: _loss(softmax(logits / np.exp(log_t)), rows),
        bounds=(-5, 3),
        method="bounded",
    )
    return float(np.exp(result.x))


def sharpness(rows: HeldOut, numbers: dict) -> float:
    """Return the power at which mixed probabilities match the frequency of the first label."""
    logs = np.log(rows.mixed({**numbers, "sharpness": 1.0}) + 1e-12)
    result = minimize_scalar(
        lambda power: _loss(softmax(logs * power), rows),
        bounds=(0.5, 4),
        method="bounded",
    )
    return float(result.x)


def _threshold_of(fold: HeldOut, numbers: dict) -> float:
    """Return the threshold that the tickets of one fold need."""
    shares = fold.mixed(numbers)
    return float(threshold_for(shares.max(-1), _is_right(fold, shares), DECIDED_ACCURACY))


def category_threshold(rows: HeldOut, numbers: dict, at: int) -> float:
    """Return the threshold above which enough predictions of one category are right.

    ``at``: the column of the category. The common threshold counts as much as SHARED_ROWS rows, so
    that a category with few rows stays close to it.
    """
    shares = rows.mixed(numbers)
    own = shares.argmax(-1) == at
    sure, is_right = shares.max(-1)[own], _is_right(rows, shares)[own]
    weight = rows.weight[own] / rows.weight.mean()  # in rows
    needed = 0.98
    for threshold in np.arange(0.3, 0.98, 0.01):
        decided = sure >= threshold
        if (weight * (is_right - DECIDED_ACCURACY))[decided].sum() >= 0:
            needed = float(threshold)
            break
    share = weight.sum() / (weight.sum() + SHARED_ROWS)
    return round(float(share * needed + (1 - share) * numbers["threshold"]), 2)


def figures(rows: HeldOut, numbers: dict, labels: Sequence[str]) -> dict[str, float]:
    """Return the scores of the rows of one fold with a calibration."""
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


def _loss(shares: np.ndarray, rows: HeldOut) -> float:
    return -float(rows.weight @ (rows.first * np.log(shares + 1e-9)).sum(-1))
