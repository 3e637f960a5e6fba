"""Figures from arrays: no files, no models."""

import numpy as np


def softmax(logits: np.ndarray) -> np.ndarray:
    """Row-wise probabilities."""
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def macro_f1(truth: list[str], said: list[str]) -> float:
    """Mean F1 over the labels that occur in the truth."""
    scores = []
    for label in sorted(set(truth)):
        both = sum(t == s == label for t, s in zip(truth, said, strict=True))
        scores.append(2 * both / max(1, truth.count(label) + said.count(label)))
    return float(np.mean(scores))


def spearman(one: list[float], other: list[float]) -> float:
    """Rank correlation, ties at their mean rank."""
    return float(np.corrcoef(_ranks(one), _ranks(other))[0, 1])


def _ranks(values: list[float]) -> np.ndarray:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return ((ends - counts + ends - 1) / 2)[inverse]


def hits(queries: np.ndarray, corpus: np.ndarray, right: list[set[int]], most: int) -> float:
    """Share of queries with a right row among the ``most`` nearest; unit vectors."""
    return hits_among(queries @ corpus.T, right, most)


def hits_among(scores: np.ndarray, right: list[set[int]], most: int) -> float:
    """The same from scores (queries, corpus)."""
    nearest = np.argsort(-scores, axis=1)[:, :most]
    return float(np.mean([bool(set(row) & want) for row, want in zip(nearest, right, strict=True)]))


def calibration_error(confidence: np.ndarray, is_right: np.ndarray, bins: int = 10) -> float:
    """Expected calibration error over equal-width bins."""
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [
        (which == b).mean() * abs(confidence[which == b].mean() - is_right[which == b].mean())
        for b in range(bins)
        if (which == b).any()
    ]
    return float(sum(gaps))


def threshold_for(confidence: np.ndarray, is_right: np.ndarray, wanted: float) -> float:
    """The lowest confidence above which at least ``wanted`` of the answers are right."""
    order = np.argsort(-confidence)
    share = np.cumsum(is_right[order]) / np.arange(1, len(order) + 1)
    enough = np.flatnonzero((share >= wanted) & (np.arange(len(order)) >= 30))
    return float(confidence[order[enough[-1]]]) if len(enough) else 0.95


def area_under_curve(low: np.ndarray, high: np.ndarray) -> float:
    """AUROC: how often a value of ``high`` exceeds one of ``low``; ties count half."""
    order = np.sort(low)
    below = np.searchsorted(order, high, "left") + np.searchsorted(order, high, "right")
    return float(below.mean() / 2 / len(low))
