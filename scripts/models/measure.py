"""Metrics computed from arrays: no files, no models."""

import numpy as np


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return probabilities over the last axis."""
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def macro_f1(truth: list[str], predictions: list[str]) -> float:
    """Return the mean F1 over the labels that occur in the truth."""
    scores = []
    for label in sorted(set(truth)):
        both = sum(t == s == label for t, s in zip(truth, predictions, strict=True))
        scores.append(2 * both / max(1, truth.count(label) + predictions.count(label)))
    return float(np.mean(scores))


def spearman(first: list[float], second: list[float]) -> float:
    """Return the rank correlation; ties get their mean rank."""
    return float(np.corrcoef(_ranks(first), _ranks(second))[0, 1])


def _ranks(values: list[float]) -> np.ndarray:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return ((ends - counts + ends - 1) / 2)[inverse]


def hit_rate(queries: np.ndarray, corpus: np.ndarray, right: list[set[int]], limit: int) -> float:
    """Return hit@limit: the share of queries with a relevant row among the ``limit`` nearest.

    ``queries`` and ``corpus`` are unit vectors (rows, dims).
    """
    return hit_rate_of_scores(queries @ corpus.T, right, limit)


def hit_rate_of_scores(scores: np.ndarray, right: list[set[int]], limit: int) -> float:
    """Return hit@limit from scores (queries, corpus)."""
    nearest = np.argsort(-scores, axis=1)[:, :limit]
    return float(np.mean([bool(set(row) & rows) for row, rows in zip(nearest, right, strict=True)]))


def calibration_error(confidence: np.ndarray, is_right: np.ndarray, bins: int = 10) -> float:
    """Return the expected calibration error over equal-width bins."""
    bin_of = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [
        (bin_of == b).mean() * abs(confidence[bin_of == b].mean() - is_right[bin_of == b].mean())
        for b in range(bins)
        if (bin_of == b).any()
    ]
    return float(sum(gaps))


def risk_coverage(
    confidence: np.ndarray, is_right: np.ndarray, steps: int = 10
) -> list[dict[str, float]]:
    """Return the share of errors among the surest rows: a tenth of all rows, two tenths, and so on.

    Each step has its ``coverage``, the lowest ``confidence`` in it, and its ``risk``.
    """
    order = np.argsort(-confidence, kind="stable")
    ends = [max(1, round(len(order) * step / steps)) for step in range(1, steps + 1)]
    return [
        {
            "coverage": end / len(order),
            "confidence": float(confidence[order[end - 1]]),
            "risk": float(1 - is_right[order[:end]].mean()),
        }
        for end in dict.fromkeys(ends)
    ]


def threshold_for(confidence: np.ndarray, is_right: np.ndarray, target: float) -> float:
    """Return the lowest confidence above which at least ``target`` of the predictions are right.

    At least 31 predictions must lie above it; otherwise 0.95.
    """
    order = np.argsort(-confidence)
    share = np.cumsum(is_right[order]) / np.arange(1, len(order) + 1)
    enough = np.flatnonzero((share >= target) & (np.arange(len(order)) >= 30))
    return float(confidence[order[enough[-1]]]) if len(enough) else 0.95


def area_under_curve(low: np.ndarray, high: np.ndarray) -> float:
    """Return the AUROC: how often a value of ``high`` exceeds one of ``low``; ties count half."""
    order = np.sort(low)
    below = np.searchsorted(order, high, "left") + np.searchsorted(order, high, "right")
    return float(below.mean() / 2 / len(low))
