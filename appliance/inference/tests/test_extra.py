"""Additional evaluation sets of scripts/models/evaluate.py --extra."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from appliance.inference.bundle import BundleRef
from appliance.inference.predictions import CategoryPrediction, SentimentPrediction

REF = BundleRef("classifier", "classifier", "3", "0" * 64)
SCRIPTS = Path(__file__).resolve().parents[3] / "scripts/models"


class Letters:
    """Embeds a text by how often it holds each letter."""

    def embed(self, text: str) -> np.ndarray:
        counts = np.array([text.count(letter) for letter in "abcdef"], dtype=np.float32)
        return counts / np.linalg.norm(counts)


@pytest.fixture
def extra(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPTS))
    yield pytest.importorskip("extra")
    for name in ("extra", "category_figures", "measure", "data"):
        sys.modules.pop(name, None)


class Sorter:
    """Predicts the categories and sentiments that a text spells: "a 0.7 b 0.2 c 0.1"."""

    def classify(self, text: str, labels: dict[str, str], *, cold_start: bool = False):
        words = text.split()
        scores = tuple(zip(words[::2], map(float, words[1::2]), strict=True))
        label, confidence = scores[0]
        is_sure = confidence > 0.5
        return CategoryPrediction(label if is_sure else None, confidence, scores, REF)

    def classify_sentiment(self, text: str) -> SentimentPrediction:
        label, positive, negative = text.split()
        positive, negative = float(positive), float(negative)
        confidence = max(positive, negative, 1 - positive - negative)
        return SentimentPrediction(label, positive - negative, confidence, REF)


def written(path: Path, rows: list[dict]) -> Path:
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


def test_paraphrases_are_looked_up_in_their_corpus(extra, tmp_path):
    corpus = written(
        tmp_path / "corpus.jsonl",
        [
            {"id": 1, "text": "aab"},
            {"id": "two", "text": "ccd"},
            {"id": 3, "text": "eef"},
            {"id": 4, "text": "ff"},
        ],
    )
    queries = written(
        tmp_path / "queries.jsonl",
        [
            {"query": "ab", "relevant": 1},
            {"query": "dcd", "relevant": ["two"]},
            {"query": "f", "relevant": "3"},
        ],
    )

    figures = extra.extra_figures(queries, corpus, Letters(), {})

    assert figures == {"rows": 3, "corpus": 4, "hit@1": pytest.approx(2 / 3), "hit@3": 1.0}


def test_category_figures_tell_second_choice_confidence_calibration_and_risk(extra, tmp_path):
    rows = [
        {"text": "a 0.9 b 0.1 c 0", "label": "a"},
        {"text": "a 0.8 b 0.2 c 0", "label": "b", "second": "a"},
        {"text": "c 0.4 b 0.3 a 0.3", "label": "a"},
        {"text": "b 0.7 a 0.2 c 0.1", "label": "b"},
    ]
    labels = {"a": "A", "b": "B", "c": "C"}

    figures = extra.extra_figures(written(tmp_path / "own.jsonl", rows), None, Sorter(), labels)

    assert figures["accuracy"] == 0.5
    assert figures["accuracy of first two"] == 0.75
    assert figures["second right when first wrong"] == 0.5
    assert figures["accuracy, second label accepted"] == 0.75
    assert figures["mean confidence"] == pytest.approx(0.7)
    assert figures["mean confidence when wrong"] == pytest.approx(0.6)
    assert figures["ECE"] == pytest.approx((0.1 + 0.8 + 0.4 + 0.3) / 4)
    steps = [(s["coverage"], s["confidence"], s["risk"]) for s in figures["risk-coverage"]]
    thirds = pytest.approx(1 / 3)
    assert steps == [(0.25, 0.9, 0), (0.5, 0.8, 0.5), (0.75, 0.7, thirds), (1, 0.4, 0.5)]
    assert "| 75% | 0.700 | 0.333 |" in extra.risk_table("own.jsonl", figures)


def test_sentiment_figures_have_a_second_choice(extra, tmp_path):
    rows = [
        {"text": "positive 0.6 0.3", "label": "negative"},
        {"text": "neutral 0.1 0.3", "label": "negative"},
        {"text": "negative 0.3 0.5", "label": "neutral"},
    ]
    path = written(tmp_path / "own.jsonl", rows)
    figures = extra.extra_figures(path, None, Sorter(), {})
    assert figures["accuracy"] == 0
    assert figures["second right when first wrong"] == pytest.approx(2 / 3)


def test_tickets_of_the_project_are_scored_by_category_and_confidence(extra, tmp_path):
    rows = [
        {"text": "a 0.9 b 0.1", "category": "a", "second": None, "confidence": "high"},
        {"text": "b 0.4 a 0.3", "category": "a", "second": "b", "confidence": "low"},
    ]
    path = written(tmp_path / "own.jsonl", rows)
    figures = extra.extra_figures(path, None, Sorter(), {"a": "A", "b": "B"})
    assert figures["accuracy"] == 0.5
    assert figures["accuracy, confident labels"] == 1
    assert figures["right, or in the first two suggestions"] == 1
    assert figures["cold start: coverage at threshold"] == 0.5
    first_row = extra.extra_figures(path, None, Sorter(), {"a": "A", "b": "B"}, limit=1)
    assert first_row["rows"] == 1


def test_sentiment_is_scored_by_kind(extra, tmp_path):
    rows = [
        {"text": "negative 0.1 0.8", "label": "negative", "kind": "cool"},
        {"text": "neutral 0.1 0.2", "label": "negative", "kind": "cool"},
        {"text": "positive 0.8 0.1", "label": "positive", "kind": "praise"},
    ]
    figures = extra.extra_figures(written(tmp_path / "own.jsonl", rows), None, Sorter(), {})
    assert (figures["cool: accuracy"], figures["praise: accuracy"]) == (0.5, 1)


def test_own_sets_are_scored_without_a_training_library(tmp_path):
    rows = [
        {"text": "The printer on the second floor is jammed.", "label": "hardware"},
        {"text": "Принтер на складе не печатает этикетки.", "label": "hardware"},
    ]
    path, picture = written(tmp_path / "own.jsonl", rows), tmp_path / "risk.svg"
    libraries = ("torch", "transformers", "onnx", "sklearn", "scipy", "matplotlib", "django")
    program = (
        "import sys\n"
        f"sys.modules.update(dict.fromkeys({libraries}))\n"
        f"sys.argv[1:] = ['--extra', {str(path)!r}, '--json', '--picture', {str(picture)!r}]\n"
        "import evaluate\n"
        "evaluate.main()\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], cwd=SCRIPTS, check=True, capture_output=True, text=True
    )
    assert json.loads(answer.stdout)["int8"]["own.jsonl"]["rows"] == 2
    assert picture.read_text(encoding="utf-8").startswith("<svg")


def test_queries_without_a_corpus_are_refused(extra, tmp_path):
    queries = written(tmp_path / "queries.jsonl", [{"query": "ab", "relevant": 1}])

    with pytest.raises(ValueError, match="--corpus"):
        extra.extra_figures(queries, None, Letters(), {})
