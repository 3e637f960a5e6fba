"""Whether the votes of earlier tickets rank articles better on this desk than texts alone. Pure.

Past tickets whose article is known are ranked twice, with the votes of older tickets only and
without votes. The figure is the reciprocal rank of the first article that helped.
"""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np

from appliance.triage.fusion import MEASURED, RankedArticle, Weights
from appliance.triage.head_evaluation import compare

MIN_TICKETS = 30  # fewer prove nothing: votes count as they do on delivery (decision 10)
MAX_RANK = 10  # an article further down helps nobody
WITHOUT_VOTES = replace(MEASURED, votes=0.0)

Verdict = Literal["better", "not better", "not enough"]


@dataclass(frozen=True)
class Replay:
    """Mean reciprocal ranks, shares among the first three, and the verdict."""

    tickets: int
    without: float
    with_votes: float
    low: float
    high: float
    first_three_without: float
    first_three_with: float
    verdict: Verdict

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def first_rank(ranking: Sequence[RankedArticle[int]], helped: Collection[int]) -> float:
    """Return 1 / rank of the first article that helped; 0 if it is not among the first ten."""
    for rank, article in enumerate(ranking[:MAX_RANK], start=1):
        if article.key in helped:
            return 1 / rank
    return 0.0


def judge(without: Sequence[float], with_votes: Sequence[float]) -> Replay:
    """Compare the reciprocal ranks of the same tickets; better: the whole interval is above 0."""
    before, after = np.asarray(without, float), np.asarray(with_votes, float)
    if not len(before):
        return Replay(0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, "not enough")
    difference = compare("*", before, after)
    verdict: Verdict = "not enough"
    if len(before) >= MIN_TICKETS:
        verdict = "better" if difference.verdict == "better" else "not better"
    return Replay(
        tickets=len(before),
        without=difference.before,
        with_votes=difference.after,
        low=difference.low,
        high=difference.high,
        first_three_without=round(float((before >= 1 / 3).mean()), 4),
        first_three_with=round(float((after >= 1 / 3).mean()), 4),
        verdict=verdict,
    )


def choose_weights(uses_feedback: bool, report: dict[str, Any]) -> Weights:
    """Return the weights to rank by: without votes where they are off or proved no better."""
    is_proven = report.get("verdict", "not enough") != "not better"
    return MEASURED if uses_feedback and is_proven else WITHOUT_VOTES
