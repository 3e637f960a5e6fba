"""Compare two bundles by a paired bootstrap: is the new one about as good as the active one?

Both predict each text. The statistic is the difference of their shares of correct predictions, with
the 95 % interval of 2,000 resamples of the same texts.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

RESAMPLES = 2000
MARGIN = 0.05  # a loss up to this share of all texts counts as "about as good"
CLASS_MARGIN = 0.15  # for one category, which has few texts
MIN_TEXTS = 50
MIN_TEXTS_PER_CLASS = 10
SEED = 20261128  # the same tickets give the same verdict

Verdict = Literal["as good", "worse", "not enough"]


@dataclass(frozen=True)
class Difference:
    """Shares of correct predictions before and after, and the 95 % interval of their difference."""

    name: str  # of the category; empty: all texts
    texts: int
    before: float
    after: float
    low: float
    high: float
    verdict: Verdict


@dataclass(frozen=True)
class Comparison:
    """All differences; ``verdict`` is the worst of those with enough texts."""

    verdict: Verdict
    overall: Difference
    classes: tuple[Difference, ...]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def compare(
    before: Sequence[bool],
    after: Sequence[bool],
    classes: Sequence[str],
    *,
    min_texts: int = MIN_TEXTS,
) -> Comparison:
    """Compare ``before`` and ``after``: whether each text was right; ``classes``: its category.

    Worse: overall or in one category, the whole interval is below zero and the loss exceeds the
    margin. As good: overall, the interval excludes a loss beyond the margin, and no category is
    worse. Otherwise there is not enough evidence.
    """
    old, new = np.asarray(before, dtype=float), np.asarray(after, dtype=float)
    names = np.asarray(classes, dtype=object)
    overall = _difference("", old, new, margin=MARGIN, min_texts=min_texts)
    parts = tuple(
        _difference(
            name,
            old[names == name],
            new[names == name],
            margin=CLASS_MARGIN,
            min_texts=MIN_TEXTS_PER_CLASS,
        )
        for name in sorted(set(classes))
    )
    verdicts = [overall.verdict, *(part.verdict for part in parts)]
    verdict: Verdict = "worse" if "worse" in verdicts else overall.verdict
    return Comparison(verdict, overall, parts)


def _difference(
    name: str, old: np.ndarray, new: np.ndarray, *, margin: float, min_texts: int
) -> Difference:
    count = len(old)
    if count == 0:
        return Difference(name, 0, 0.0, 0.0, -1.0, 1.0, "not enough")
    gains = new - old
    picks = np.random.default_rng(SEED).integers(0, count, size=(RESAMPLES, count))
    low, high = np.quantile(gains[picks].mean(axis=1), [0.025, 0.975])
    verdict: Verdict = "not enough"
    if count >= min_texts and low >= -margin:
        verdict = "as good"
    elif count >= min_texts and high < 0 and gains.mean() < -margin:
        verdict = "worse"
    return Difference(
        name=name,
        texts=count,
        before=round(float(old.mean()), 4),
        after=round(float(new.mean()), 4),
        low=round(float(low), 4),
        high=round(float(high), 4),
        verdict=verdict,
    )


def has_nearest_of_same_class(vectors: np.ndarray, classes: Sequence[str]) -> list[bool]:
    """Return, for each of (n, dims) vectors, whether its nearest other is of the same class."""
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -np.inf)
    nearest = cosines.argmax(axis=1)
    return [classes[int(row)] == name for row, name in zip(nearest, classes, strict=True)]
