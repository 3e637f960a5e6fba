"""Sets that nobody here has seen, scored by the same functions: JSON lines.

``text`` and ``label``: moods when every label is one, else categories of the default taxonomy.
``query`` and ``relevant`` (an id, or a list): retrieval from a corpus of ``id`` and ``text``.
"""

import json
from pathlib import Path

import numpy as np
from measure import hits, macro_f1

SENTIMENTS = {"negative", "neutral", "positive"}


def extra_figures(path: Path, corpus: Path | None, models, labels: dict[str, str]) -> dict:
    """Figures of one file; raises ValueError when its rows cannot be scored."""
    rows = _rows(path)
    if all({"query", "relevant"} <= row.keys() for row in rows):
        if corpus is None:
            raise ValueError(f"{path.name} holds queries: name their texts with --corpus.")
        return _retrieval(rows, _rows(corpus), models)
    if not all({"text", "label"} <= row.keys() for row in rows):
        raise ValueError(f"{path.name}: each row needs text and label, or query and relevant.")
    truth = [row["label"] for row in rows]
    if set(truth) <= SENTIMENTS:
        answers = [models.read_sentiment(row["text"]) for row in rows]
        return _classes(truth, [answer.label for answer in answers]) | _poles(truth, answers)
    unknown = set(truth) - labels.keys()
    if unknown:
        raise ValueError(f"{path.name}: no bundle knows the label {sorted(unknown)[0]!r}.")
    answers = [models.classify(row["text"], labels) for row in rows]
    figures = _classes(truth, [answer.scores[0][0] for answer in answers])
    careful = [models.classify(row["text"], labels, careful=True) for row in rows]
    return figures | _decided(answers, truth, "") | _decided(careful, truth, "new desk: ")


def _decided(answers: list, truth: list[str], prefix: str) -> dict[str, float]:
    sure = np.array([answer.label is not None for answer in answers])
    right = np.array([a.label == t for a, t in zip(answers, truth, strict=True)])
    return {
        f"{prefix}coverage at threshold": float(sure.mean()),
        f"{prefix}decided: first": float(right[sure].mean()) if sure.any() else 0.0,
    }


def _classes(truth: list[str], said: list[str]) -> dict[str, float]:
    right = np.mean([t == s for t, s in zip(truth, said, strict=True)])
    return {"rows": len(truth), "accuracy": float(right), "macro-F1": macro_f1(truth, said)}


def _poles(truth: list[str], answers: list) -> dict[str, float]:
    """Positive against negative by the sign of the score, where the truth is one of the two."""
    right = [
        (answer.score > 0) == (label == "positive")
        for label, answer in zip(truth, answers, strict=True)
        if label != "neutral"
    ]
    return {"positive against negative": float(np.mean(right))} if right else {}


def _retrieval(rows: list[dict], corpus: list[dict], models) -> dict[str, float]:
    place = {str(row["id"]): number for number, row in enumerate(corpus)}
    known = np.stack([models.embed(row["text"]) for row in corpus])
    asked = np.stack([models.embed(row["query"]) for row in rows])
    right = [{place[i] for i in _ids(row["relevant"]) if i in place} for row in rows]
    figures = {f"hit@{most}": hits(asked, known, right, most) for most in (1, 3)}
    return {"rows": len(rows), "corpus": len(corpus)} | figures


def _ids(relevant: object) -> list[str]:
    return [str(i) for i in relevant] if isinstance(relevant, list) else [str(relevant)]


def _rows(path: Path) -> list[dict]:
    with path.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines if line.strip()]
    if not rows:
        raise ValueError(f"{path.name} is empty.")
    return rows
