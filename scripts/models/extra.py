"""Score data sets of your own: JSON lines with one of two kinds of rows.

``text`` and ``label`` (or ``category``): sentiment when every label is one, else categories of the
default taxonomy. A ``second`` label, where a row has one, is accepted in a figure of its own, and
rows whose ``confidence`` is "high" have one too.
``query`` and ``relevant`` (an id, or a list): retrieval from a corpus of ``id`` and ``text``.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from category_figures import RISK_COVERAGE, category_figures, decided_figures
from data import SENTIMENTS
from measure import calibration_error, hit_rate, macro_f1, risk_coverage

Scores = Sequence[tuple[str, float]]


def extra_figures(
    path: Path, corpus: Path | None, models, labels: dict[str, str], limit: int | None = None
) -> dict:
    """Return the figures of one file; raise ValueError when its rows cannot be scored.

    With ``limit`` only the first rows are scored.
    """
    rows = _rows(path)[:limit]
    if all({"query", "relevant"} <= row.keys() for row in rows):
        if corpus is None:
            raise ValueError(f"{path.name} holds queries: name their texts with --corpus.")
        return _retrieval(rows, _rows(corpus), models)
    rows = [{**row, "category": row.get("label", row.get("category"))} for row in rows]
    if not all(isinstance(row.get("text"), str) and row["category"] for row in rows):
        raise ValueError(f"{path.name}: each row needs text and label, or query and relevant.")
    truth = [row["category"] for row in rows]
    if set(truth) <= set(SENTIMENTS):
        return _sentiments(rows, truth, models)
    unknown = set(truth) - labels.keys()
    if unknown:
        raise ValueError(f"{path.name}: no bundle knows the label {sorted(unknown)[0]!r}.")
    return _categories(rows, models, labels)


def _categories(rows: list[dict], models, labels: dict[str, str]) -> dict:
    answers = [models.classify(row["text"], labels) for row in rows]
    cold_start = [models.classify(row["text"], labels, cold_start=True) for row in rows]
    figures = category_figures(rows, answers)
    for name, value in decided_figures(rows, cold_start).items():
        if value is not None:
            figures[f"cold start: {name}"] = value
    return figures


def _sentiments(rows: list[dict], truth: list[str], models) -> dict:
    answers = [models.classify_sentiment(row["text"]) for row in rows]
    figures = _classes(truth, [_sentiment_scores(answer) for answer in answers])
    by_kind: dict[str, list[bool]] = {}
    for row, label, answer in zip(rows, truth, answers, strict=True):
        if "kind" in row:
            by_kind.setdefault(row["kind"], []).append(answer.label == label)
    kinds = {f"{kind}: accuracy": float(np.mean(right)) for kind, right in by_kind.items()}
    return figures | _poles(truth, answers) | kinds


def _classes(truth: list[str], scores: list[Scores]) -> dict:
    """Return the figures of predictions; ``scores`` hold label and probability, best first."""
    first = np.array([t == row[0][0] for t, row in zip(truth, scores, strict=True)])
    second = np.array([t == row[1][0] for t, row in zip(truth, scores, strict=True)])
    confidence = np.array([row[0][1] for row in scores])
    return {
        "rows": len(truth),
        "accuracy": float(first.mean()),
        "macro-F1": macro_f1(truth, [row[0][0] for row in scores]),
        "accuracy of first two": float((first | second).mean()),
        "second right when first wrong": float(second[~first].mean()) if not first.all() else None,
        "mean confidence": float(confidence.mean()),
        "mean confidence when wrong": float(confidence[~first].mean()) if not first.all() else None,
        "ECE": calibration_error(confidence, first),
        RISK_COVERAGE: risk_coverage(confidence, first),
    }


def _sentiment_scores(answer) -> Scores:
    """Return the three probabilities, best first, from the largest and P(pos.) - P(neg.).

    Of a text in a language that the bundle was not measured on, nothing is predicted.
    """
    if answer.label is None:
        return [("", 0.0), ("", 0.0)]
    rest = {
        "positive": lambda sure, score: (sure, sure - score),
        "negative": lambda sure, score: (sure + score, sure),
        "neutral": lambda sure, score: ((1 - sure + score) / 2, (1 - sure - score) / 2),
    }
    positive, negative = rest[answer.label](answer.confidence, answer.score)
    scores = {"positive": positive, "negative": negative, "neutral": 1 - positive - negative}
    return sorted(scores.items(), key=lambda item: -item[1])


def risk_table(name: str, figures: dict) -> str:
    """Return the risk-coverage figures of one file as a Markdown table, empty without any."""
    if RISK_COVERAGE not in figures:
        return ""
    rows = [
        f"| {step['coverage']:.0%} | {step['confidence']:.3f} | {step['risk']:.3f} |"
        for step in figures[RISK_COVERAGE]
    ]
    return "\n".join(["", f"| {name}: coverage | confidence from | risk |", "|---|---|---|", *rows])


def _poles(truth: list[str], answers: list) -> dict[str, float]:
    """Return the accuracy of the score's sign on rows that are positive or negative."""
    right = [
        (answer.score > 0) == (label == "positive")
        for label, answer in zip(truth, answers, strict=True)
        if label != "neutral"
    ]
    return {"positive against negative": float(np.mean(right))} if right else {}


def _retrieval(rows: list[dict], corpus: list[dict], models) -> dict[str, float]:
    place = {str(row["id"]): number for number, row in enumerate(corpus)}
    corpus_vectors = np.stack([models.embed(row["text"]) for row in corpus])
    query_vectors = np.stack([models.embed(row["query"]) for row in rows])
    right = [{place[i] for i in _ids(row["relevant"]) if i in place} for row in rows]
    figures = {
        f"hit@{limit}": hit_rate(query_vectors, corpus_vectors, right, limit) for limit in (1, 3)
    }
    return {"rows": len(rows), "corpus": len(corpus)} | figures


def _ids(relevant: object) -> list[str]:
    return [str(i) for i in relevant] if isinstance(relevant, list) else [str(relevant)]


def _rows(path: Path) -> list[dict]:
    with path.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines if line.strip()]
    if not rows:
        raise ValueError(f"{path.name} is empty.")
    return rows
