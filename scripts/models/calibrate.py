"""Choose how far the head and the similarity are trusted, on rows neither was trained on."""

from dataclasses import dataclass

import numpy as np
from measure import softmax, threshold_for
from scipy.optimize import minimize_scalar

# Of a category's decided answers, this share at least is a reader's first choice. All categories
# together reach 0.92 with it on the rows that chose; with second choices it is far more.
FIRST_WHERE_DECIDED = 0.91
# How many rows of all categories stand behind a category's own when its threshold is chosen.
BORROWED_ROWS = 40


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
        shares = numbers["head_weight"] * head + (1 - numbers["head_weight"]) * close
        return sharpened(shares, numbers["sharpness"])

    def is_right(self, shares: np.ndarray) -> np.ndarray:
        """(rows,) whether the best label is a reader's first or second choice."""
        return self.either[np.arange(len(shares)), shares.argmax(-1)]


def sharpened(shares: np.ndarray, power: float) -> np.ndarray:
    """Surer (above 1) or less sure (below 1), in the same order."""
    raised = shares**power
    return raised / raised.sum(-1, keepdims=True)


def temperature(logits: np.ndarray, targets: np.ndarray) -> float:
    """The temperature at which a probability says how often the first choice is right."""
    targets = _firsts(targets)
    found = minimize_scalar(
        lambda log_t: _loss(softmax(logits / np.exp(log_t)), targets),
        bounds=(-5, 3),
        method="bounded",
    )
    return float(np.exp(found.x))


def calibrate(familiar: HeldOut, unseen: HeldOut, labels: list[str]) -> dict:
    """The numbers of the classifier's bundle.

    ``familiar`` comes from the sources trained on, ``unseen`` from one never seen; the weight of
    the head minimises the sum of both losses, so that a new desk is thought of; ``familiar`` counts
    twice, for ``unseen`` has only been through a weaker stand-in of the head. Everything else is
    for the shipped head, which only ``familiar`` has been through.
    """
    numbers = {
        "head_temperature": temperature(familiar.logits, familiar.targets),
        "similarity_tau": temperature(familiar.near, familiar.targets),
        "sharpness": 1.0,
    }
    weights = [round(float(w), 2) for w in np.arange(0.3, 1.001, 0.1)]
    numbers["head_weight"] = min(
        weights,
        key=lambda w: sum(
            _loss(s.mixed({**numbers, "head_weight": w}), _firsts(s.targets))
            for s in (familiar, familiar, unseen)
        ),
    )
    numbers["sharpness"] = sharpness(familiar.mixed(numbers), familiar.targets)
    shares = familiar.mixed(numbers)
    said, is_first = shares.argmax(-1), shares.argmax(-1) == familiar.targets.argmax(-1)
    sure = shares.max(-1)
    numbers["threshold"] = threshold_for(sure, is_first, FIRST_WHERE_DECIDED)
    numbers = {name: round(value, 4) for name, value in numbers.items()}
    own = {label: own_threshold(sure, is_first, said == at) for at, label in enumerate(labels)}
    return {**numbers, "thresholds": own}


def sharpness(shares: np.ndarray, targets: np.ndarray) -> float:
    """The power at which a mixed share says how often the first choice is right."""
    found = minimize_scalar(
        lambda power: _loss(sharpened(shares, power), _firsts(targets)),
        bounds=(0.5, 4),
        method="bounded",
    )
    return float(found.x)


def own_threshold(sure: np.ndarray, is_first: np.ndarray, own: np.ndarray) -> float:
    """The lowest threshold above which enough of one category's answers are right.

    ``own`` marks the rows that were given the category. Those of all categories count beside them
    as BORROWED_ROWS more, so that a category of few rows gets nearly the threshold of all.
    """
    for threshold in np.arange(0.3, 0.95, 0.01):
        decided = sure >= threshold
        borrowed = BORROWED_ROWS * decided.mean()
        right = (is_first & own & decided).sum() + borrowed * is_first[decided].mean()
        if right >= FIRST_WHERE_DECIDED * ((own & decided).sum() + borrowed):
            return round(float(threshold), 2)
    return 0.95


def figures(rows: HeldOut, numbers: dict, labels: list[str]) -> dict[str, float]:
    """Scores of one set with the chosen numbers."""
    shares = rows.mixed(numbers)
    least = np.array([numbers["thresholds"][label] for label in labels])
    right, sure = rows.is_right(shares), shares.max(-1) >= least[shares.argmax(-1)]
    first = shares.argmax(-1) == rows.targets.argmax(-1)
    return {
        "rows": len(shares),
        "first choice": round(float(first.mean()), 4),
        "first or second": round(float(right.mean()), 4),
        "coverage at threshold": round(float(sure.mean()), 4),
        "decided: first": round(float(first[sure].mean()), 4) if sure.any() else 0.0,
        "decided: first or second": round(float(right[sure].mean()), 4) if sure.any() else 0.0,
    }


def _firsts(targets: np.ndarray) -> np.ndarray:
    """Soft labels → one for the first choice. Soft ones teach; calibrated on them, the model
    would be less sure than it may be."""
    return np.eye(targets.shape[1])[targets.argmax(-1)]


def _loss(shares: np.ndarray, targets: np.ndarray) -> float:
    return -float((targets * np.log(shares + 1e-9)).sum(-1).mean())
