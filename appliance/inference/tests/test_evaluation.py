"""The checks of scripts/models/evaluate.py: languages, written texts, goals, the picture."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pytest

from appliance.inference.bundle import BundleRef
from appliance.inference.predictions import CategoryPrediction, SentimentPrediction

REF = BundleRef("classifier", "classifier", "3", "0" * 64)
SCRIPTS = Path(__file__).resolve().parents[3] / "scripts/models"
MODULES = ("category_figures", "curves", "data", "goals", "language_tasks", "measure", "processor")
TEXTS = sorted((SCRIPTS / "texts").glob("*.jsonl"))


@pytest.fixture
def scripts(monkeypatch) -> Iterator[SimpleNamespace]:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    yield SimpleNamespace(**{name: pytest.importorskip(name) for name in MODULES})
    for name in MODULES:
        sys.modules.pop(name, None)


def prediction(label: str | None, *scores: tuple[str, float]) -> CategoryPrediction:
    return CategoryPrediction(label, scores[0][1] if scores else 0.0, scores, REF)


def rows_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def folded(text: str) -> str:
    return re.sub(r"\W+", " ", text.lower()).strip()


def test_ticket_in_another_language_is_wrong_and_not_decided(scripts):
    rows = [{"category": "data"}, {"category": "data"}]
    answers = [prediction(None), prediction("data", ("data", 0.9), ("email", 0.1))]
    figures = scripts.category_figures.category_figures(rows, answers)
    assert (figures["accuracy"], figures["coverage at threshold"]) == (0.5, 0.5)
    assert figures["accuracy of decided"] == 1


def test_wrongly_decided_ticket_is_not_helped_by_its_second_choice(scripts):
    rows = [{"category": "data"}] * 3
    wrong, right = ("email", 0.6), ("data", 0.4)
    answers = [
        prediction("email", wrong, right),
        prediction(None, wrong, right),
        prediction(None, wrong, ("other", 0.4)),
    ]
    figures = scripts.category_figures.category_figures(rows, answers)
    assert figures["right, or in the first two suggestions"] == pytest.approx(1 / 3)


def test_only_clear_tickets_count_among_confident_labels(scripts):
    rows = [
        {"category": "data", "second": "email", "confidence": "low"},
        {"category": "email", "second": None, "confidence": "high"},
    ]
    answers = [prediction("email", ("email", 0.9), ("data", 0.1))] * 2
    figures = scripts.category_figures.category_figures(rows, answers)
    assert figures["accuracy, confident labels"] == 1
    assert figures["accuracy of decided"] == 0.5
    assert figures["accuracy of decided, second label accepted"] == 1


def test_test_tickets_are_scored_in_each_language(scripts):
    def classify(text: str, labels: dict[str, str]) -> CategoryPrediction:
        return prediction("access", ("access", 0.9), ("email", 0.1))

    figures = scripts.language_tasks.written_tickets(classify, {}, limit=2)
    languages = {name.split(": ")[0] for name in figures if ": " in name}
    assert languages == {"all", *scripts.data.LANGUAGES}
    assert figures["all: rows"] == 18
    assert figures["de: coverage at threshold"] == 1


def test_decided_texts_out_of_scope_are_counted_by_kind(scripts):
    def classify(text: str, labels: dict[str, str]) -> CategoryPrediction:
        return prediction("other" if text.isdigit() else None)

    figures = scripts.language_tasks.out_of_scope(classify, {})
    assert figures["rows"] == 120
    assert figures["decided"] == figures["empty: decided"] == 1
    assert figures["language: decided"] == figures["topic: decided"] == 0


def test_anger_taken_for_praise_is_counted(scripts):
    def pleased(text: str) -> SentimentPrediction:
        return SentimentPrediction("positive", 0.9, 0.95, REF)

    figures = scripts.language_tasks.written_sentences(pleased)
    assert figures["anger: accuracy"] == 0
    assert figures["praise: accuracy"] == 1
    assert figures["de: anger taken for positive"] == 5


def test_similarity_across_languages_needs_aligned_files(scripts, monkeypatch):
    english = [{"split": "dev", "a": "a", "b": "b", "score": 1.0}]
    german = [{**english[0], "lang": "de", "score": 2.0}]
    files = {"stsb": english, "stsb_multi": german}
    monkeypatch.setattr(scripts.language_tasks, "read", lambda data, name: files[name])
    with pytest.raises(ValueError, match="same order"):
        scripts.language_tasks.similarity_in_languages(Path("data"), lambda text: np.ones(2))


def test_no_training_article_is_asked_for(scripts, monkeypatch):
    names = ("a", "b", "c", "d", "e", "f", "g", "h", "i", "j")
    held_out = [name for name in names if scripts.data.is_held_out(name)]
    languages = dict.fromkeys(scripts.data.LANGUAGES, None)
    articles = [
        {"id": name} | {code: {"title": name, "text": name * 300} for code in languages}
        for name in names
    ]
    monkeypatch.setattr(scripts.language_tasks, "read", lambda data, name: articles)
    queries = []

    def embed(text: str) -> np.ndarray:
        queries.append(text)
        return np.eye(10)[names.index(text[0])]

    figures = scripts.language_tasks.questions_in_other_languages(Path("data"), embed)
    assert {text for text in queries if len(text) > 1} == {held_out[0] * 220}
    assert (figures["articles"], figures["held out"]) == (10, len(held_out))
    assert figures["mean: title, hit@3"] == figures["lowest: opening, hit@3"] == 1


@pytest.mark.parametrize(
    ("goal", "figure", "is_missed"),
    [
        ("≥ 0.9", 0.9, False),
        ("≥ 0.9", 0.899, True),
        ("≤ 0", 0, False),
        ("≤ 0", 1, True),
        ("", 0.1, False),
    ],
)
def test_goals_are_compared(scripts, goal, figure, is_missed):
    assert scripts.goals.is_missed(goal, figure) is is_missed


def test_missed_goal_is_marked_in_the_table(scripts):
    table = scripts.goals.table({"SST-2 dev": {"rows": 872, "accuracy": 0.9}}, {})
    assert "| SST-2 dev | accuracy | ≥ 0.92 (missed) | 0.900 |  |" in table
    missed = scripts.goals.missed({"SST-2 dev": {"accuracy": 0.9}})
    assert missed == ["SST-2 dev, accuracy: 0.900 (≥ 0.92)"]


def test_every_goal_is_for_a_check_of_the_table(scripts):
    assert {check for check, _ in scripts.goals.GOALS} <= scripts.goals.CHECKS.keys()
    assert set(scripts.goals.PICTURED) <= scripts.goals.CHECKS.keys()


def test_picture_has_a_line_for_each_check_and_a_dot_at_the_thresholds(scripts):
    steps = [{"coverage": 0.5, "confidence": 0.9, "risk": 0.0}, {"coverage": 1.0, "risk": 0.2}]
    figures = {
        "own <1>": {"risk-coverage": steps},
        "tickets": {
            "risk-coverage": steps,
            "coverage at threshold": 0.5,
            "accuracy of decided": 0.9,
        },
        "sentences": {"accuracy": 0.8},
    }
    drawing = scripts.curves.drawing(scripts.curves.curves_of(figures))
    names = [element.tag.rpartition("}")[2] for element in ElementTree.fromstring(drawing).iter()]
    assert names.count("polyline") == 2
    assert names.count("circle") == 1
    assert "own &lt;1&gt;" in drawing
    assert "460.0,24.0" in drawing  # coverage 1, risk 0.2 at the top of the plot


@pytest.mark.parametrize(
    ("flags", "name"),
    [
        ("sse avx avx2", "avx2"),
        ("avx2 avx512bw avx512_vnni", "avx512_vnni"),
        ("avx2 avx_vnni", "avx_vnni"),
    ],
)
def test_fastest_instructions_of_the_processor_are_named(scripts, tmp_path, flags, name):
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(f"processor\t: 0\nflags\t\t: {flags}\n", encoding="utf-8")
    assert scripts.processor.instruction_set(cpuinfo) == name


def test_arm_and_unknown_processors_are_named(scripts, tmp_path):
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("Features\t: fp asimd asimddp\n", encoding="utf-8")
    assert scripts.processor.instruction_set(cpuinfo) == "asimddp"
    assert scripts.processor.instruction_set(tmp_path / "missing")


def test_no_test_text_is_in_a_training_file():
    training = {
        folded(row["text"])
        for path in TEXTS
        if path.name.startswith(("tickets", "sentiment"))
        for row in rows_of(path)
    }
    test = {
        folded(row["text"])
        for path in TEXTS
        if not path.name.startswith(("tickets", "sentiment"))
        for row in rows_of(path)
    }
    assert training & test == set()


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_written_texts_have_known_labels_and_no_repetition(scripts, path):
    rows = rows_of(path)
    assert len({row["text"] for row in rows}) == len(rows)
    slugs = scripts.data.categories(scripts.data.CATEGORIES).keys()
    for row in rows:
        assert row.get("category") in {None, *slugs}
        assert row.get("second") in {None, *slugs} - {row.get("category", "")}
        assert row.get("confidence") in {None, "high", "medium", "low"}
        assert row.get("label", row.get("sentiment")) in {None, *scripts.data.SENTIMENTS}
