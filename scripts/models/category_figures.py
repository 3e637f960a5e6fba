"""The figures of category predictions, for the checks and for data sets of your own.

A row has ``category``, and may have ``second`` (what a colleague could also choose) and
``confidence`` (how clear the annotator found it: high, medium or low).
"""

from collections.abc import Sequence

import numpy as np
from measure import calibration_error, macro_f1, risk_coverage

from appliance.inference.predictions import CategoryPrediction

RISK_COVERAGE = "risk-coverage"
SHOWN = (  # in docs/models.md; the others are shown for data sets of your own
    "rows",
    "accuracy",
    "accuracy, second label accepted",
    "accuracy, confident labels",
    "macro-F1",
    "coverage at threshold",
    "accuracy of decided",
    "accuracy of decided, second label accepted",
    "right, or in the first two suggestions",
    "ECE",
    RISK_COVERAGE,
)


def choice(answer: CategoryPrediction, place: int) -> str | None:
    """Return the label at a place of the ranking; None when nothing was predicted."""
    return answer.scores[place][0] if len(answer.scores) > place else None


def category_figures(rows: Sequence[dict], answers: Sequence[CategoryPrediction]) -> dict:
    """Return every figure; those of second labels and confidence only where the rows have them."""
    truth = [row["category"] for row in rows]
    best = [choice(answer, 0) for answer in answers]
    first = _equal(best, truth)
    second = _equal([choice(answer, 1) for answer in answers], truth)
    either = first | _equal(best, [row.get("second") or "" for row in rows])
    sure = np.array([answer.label is not None for answer in answers])
    confidence = np.array([answer.confidence for answer in answers])
    clear = np.array([row.get("confidence") == "high" for row in rows])
    has_second = any("second" in row for row in rows)
    figures = {
        "rows": len(rows),
        "accuracy": first.mean(),
        "accuracy, second label accepted": either.mean() if has_second else None,
        "accuracy, confident labels": share(first, clear) if clear.any() else None,
        "macro-F1": macro_f1(truth, best),
        "accuracy of first two": (first | second).mean(),
        "second right when first wrong": share(second, ~first) if not first.all() else None,
        "mean confidence": confidence.mean(),
        "mean confidence when wrong": share(confidence, ~first) if not first.all() else None,
        **decided_figures(rows, answers),
        "right, or in the first two suggestions": np.where(sure, first, first | second).mean(),
        "ECE": calibration_error(confidence, first),
        RISK_COVERAGE: risk_coverage(confidence, first),
    }
    return {
        name: float(value) if isinstance(value, np.floating) else value
        for name, value in figures.items()
        if value is not None
    }


def decided_figures(
    rows: Sequence[dict], answers: Sequence[CategoryPrediction]
) -> dict[str, float | None]:
    """Return the share of rows that are decided, and how many of these are right."""
    sure = np.array([answer.label is not None for answer in answers])
    first = _equal([answer.label for answer in answers], [row["category"] for row in rows])
    either = first | _equal(
        [answer.label for answer in answers], [row.get("second") or "" for row in rows]
    )
    has_second = any("second" in row for row in rows)
    return {
        "coverage at threshold": float(sure.mean()),
        "accuracy of decided": share(first, sure),
        "accuracy of decided, second label accepted": share(either, sure) if has_second else None,
    }


def share(values: np.ndarray, among: np.ndarray) -> float:
    """Return the mean of the selected values, 0 of none."""
    return float(values[among].mean()) if among.any() else 0.0


def shown_figures(figures: dict) -> dict:
    """Return the figures that docs/models.md shows."""
    return {name: figures[name] for name in SHOWN if name in figures}


def _equal(labels: Sequence[str | None], others: Sequence[str]) -> np.ndarray:
    return np.array([label == other for label, other in zip(labels, others, strict=True)])
