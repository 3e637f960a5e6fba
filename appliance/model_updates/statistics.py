"""Is the new bundle at least about as good as the one that runs? Paired, with its uncertainty.

Each text is answered by both. What is compared is the difference of their shares of right answers,
and how far it may lie from the truth: the middle 95 % of 2,000 resamples of the same texts.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np

RESAMPLES = 2000
MARGIN = 0.05  # of all texts: a loss up to here counts as "about as good"
CLASS_MARGIN = 0.15  # of one category, where texts are few
MIN_TEXTS = 50
MIN_TEXTS_PER_CLASS = 10
SEED = 20261128  # the same tickets give the same verdict

Verdict = Literal["as good", "worse", "not enough"]


@dataclass(frozen=True)
class Difference:
    """Share of right answers before and after, and where their difference lies with 95 %."""

    name: str  # of the category; empty: all
    texts: int
    before: float
    after: float
    low: float
    high: float
    verdict: Verdict


@dataclass(frozen=True)
class Comparison:
    """The whole of it. ``verdict`` is that of the worst part that had texts enough."""

    verdict: Verdict
    overall: Difference
    classes: tuple[Difference, ...]

    def as_json(self) -> dict:
        return asdict(self)


def compare(
    before: Sequence[bool],
    after: Sequence[bool],
    classes: Sequence[str],
    *,
    least: int = MIN_TEXTS,
) -> Comparison:
    """``before`` and ``after``: right or not, for the same texts; ``classes``: where they belong.

    Worse: overall or in one category, all of the interval lies below zero and the loss is larger
    than the margin. As good: overall, no more than the margin can have been lost, and no category
    is worse. Else there is not enough evidence.
    """
    old, new = np.asarray(before, dtype=float), np.asarray(after, dtype=float)
    names = np.asarray(classes, dtype=object)
    overall = _difference("", old, new, margin=MARGIN, least=least)
    parts = tuple(
        _difference(
            name,
            old[names == name],
            new[names == name],
            margin=CLASS_MARGIN,
            least=MIN_TEXTS_PER_CLASS,
        )
        for name in sorted(set(classes))
    )
    verdicts = [overall.verdict, *(part.verdict for part in parts)]
    verdict: Verdict = "worse" if "worse" in verdicts else overall.verdict
    return Comparison(verdict, overall, parts)


def _difference(
    name: str, old: np.ndarray, new: np.ndarray, *, margin: float, least: int
) -> Difference:
    count = len(old)
    if count == 0:
        return Difference(name, 0, 0.0, 0.0, -1.0, 1.0, "not enough")
    gains = new - old
    picks = np.random.default_rng(SEED).integers(0, count, size=(RESAMPLES, count))
    low, high = np.quantile(gains[picks].mean(axis=1), [0.025, 0.975])
    verdict: Verdict = "not enough"
    if count >= least and low >= -margin:
        verdict = "as good"
    elif count >= least and high < 0 and gains.mean() < -margin:
        verdict = "worse"
    return Difference(
        name,
        count,
        round(float(old.mean()), 4),
        round(float(new.mean()), 4),
        round(float(low), 4),
        round(float(high), 4),
        verdict,
    )


def nearest_share(vectors: np.ndarray, classes: Sequence[str]) -> list[bool]:
    """For each text, whether its nearest other text belongs to the same category; (n, dims)."""
    near = vectors @ vectors.T
    np.fill_diagonal(near, -np.inf)
    return [classes[int(at)] == own for at, own in zip(near.argmax(axis=1), classes, strict=True)]
