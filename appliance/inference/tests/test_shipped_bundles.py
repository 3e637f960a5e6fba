"""The shipped bundles: size, golden outputs, sane predictions."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from appliance.inference.engine import Engine
from appliance.inference.tests.samples import LABELS, ROLES, SHIPPED, TEXTS


def test_all_three_load_and_reproduce_their_golden_outputs():
    engine = Engine(SHIPPED, threads=1)

    engine.load()

    assert [status.state for status in engine.statuses()] == ["ready"] * 3


def test_bundles_load_on_first_use():
    engine = Engine(SHIPPED)

    assert engine.ref("encoder").space
    assert [status.state for status in engine.statuses()] == ["not_loaded"] * 3


def test_the_bundles_fit_in_140_megabytes():
    active = json.loads((SHIPPED / "active.json").read_text()).values()

    size = sum(p.stat().st_size for entry in active for p in (SHIPPED / entry).iterdir())

    assert size < 140e6


def test_each_bundle_has_a_card():
    for entry in json.loads((SHIPPED / "active.json").read_text()).values():
        assert "## Out of scope" in (SHIPPED / entry / "card.md").read_text(encoding="utf-8")


def test_a_vector_has_length_one_and_384_numbers(engine):
    vector = engine.embed(TEXTS[0])

    assert vector.shape == (384,)
    assert vector.dtype == np.float32
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


def test_vector_does_not_depend_on_texts_before_it():
    alone = Engine(SHIPPED, threads=1).embed(TEXTS[0])
    later = Engine(SHIPPED, threads=1)
    for text in TEXTS[1:]:
        later.embed(text)

    assert np.array_equal(alone, later.embed(TEXTS[0]))


def test_similar_texts_are_nearer_than_others(engine):
    query = engine.embed("I cannot log in, my password is no longer valid")

    near, far = query @ engine.embed(TEXTS[0]), query @ engine.embed(TEXTS[1])

    assert near > far + 0.2


@pytest.mark.parametrize("text", TEXTS)
def test_prediction_is_one_of_the_callers_labels(engine, text):
    prediction = engine.classify(text, LABELS)

    assert prediction.label in {*LABELS, None}
    assert {name for name, _ in prediction.scores} == set(LABELS)
    assert sum(share for _, share in prediction.scores) == pytest.approx(1)
    assert prediction.confidence == prediction.scores[0][1] == max(s for _, s in prediction.scores)


@pytest.mark.parametrize(
    ("text", "label"),
    [(TEXTS[0], "access"), (TEXTS[1], "hardware"), (TEXTS[2], "network")],
)
def test_obvious_tickets_are_classified(engine, text, label):
    assert engine.classify(text, LABELS).label == label


def test_order_for_hardware_is_a_purchase(engine):
    assert engine.classify(TEXTS[3], LABELS).scores[0][0] == "purchasing"


def test_category_unknown_to_the_head_is_predicted_by_its_description(engine):
    labels = {**LABELS, "boats": "Boats. The ferry, life jackets, moorings. boat engine fails"}

    prediction = engine.classify("The engine of the ferry fails and the mooring is loose", labels)

    assert prediction.scores[0][0] == "boats"


def test_unknown_categories_alone_are_predicted_by_similarity(engine):
    labels = {
        "boats": "Boats. The ferry, life jackets, moorings. boat engine fails",
        "kitchen": "Kitchen. Meals, fridges, menus, ovens. the fridge is warm",
    }

    assert engine.classify("the oven in the canteen stays cold", labels).scores[0][0] == "kitchen"


def test_without_categories_the_prediction_is_not_sure(engine):
    assert engine.classify(TEXTS[0], {}).label is None


@pytest.mark.parametrize("text", ["", "   \n", "?!"])
def test_text_without_words_is_not_classified(engine, text):
    assert engine.classify(text, LABELS).label is None


def test_sentiments_have_the_right_sign(engine):
    happy = engine.classify_sentiment("Great, it works again. Thank you very much, excellent help!")
    angry = engine.classify_sentiment("This is terrible. Nobody answers and I am really angry.")
    plain = engine.classify_sentiment("The scanner in room 12 shows error E04 after the update.")

    assert (happy.label, angry.label, plain.label) == ("positive", "negative", "neutral")
    assert angry.score < -0.3 < plain.score < 0.3 < happy.score


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a\x00b",
        "\ud800 half a pair \udfff",
        "\x00",
        "ok",
        "x" * 1_000_000,
        "printer jams " * 80_000,
        "🖨️" * 500,
        "\n" * 1_000_000,
        "паролата ми изтече",
        "密码过期了",
    ],
    ids=lambda text: f"{len(text)}:{text[:8]!a}",
)
def test_any_text_is_accepted(engine, text):
    assert engine.classify(text, LABELS).label in {*LABELS, None}
    assert -1 <= engine.classify_sentiment(text).score <= 1
    assert np.isfinite(engine.embed(text)).all()


def test_eight_threads_give_the_results_of_one():
    alone, together = Engine(SHIPPED, threads=1), Engine(SHIPPED, threads=2)
    expected = [_predict_all(alone, text) for text in TEXTS]

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda text: _predict_all(together, text), TEXTS * 8))

    for number, (label, score, vector) in enumerate(results):
        reference = expected[number % len(TEXTS)]
        assert label == reference[0]
        assert score == pytest.approx(reference[1], abs=1e-3)
        assert vector @ reference[2] > 0.9999


def test_inference_imports_no_django_torch_or_transformers():
    script = (
        "import sys; from pathlib import Path; from appliance.inference.engine import Engine;"
        f"e = Engine(Path({str(SHIPPED)!r})); e.load(); e.embed('ok');"
        "print([m for m in ('django', 'torch', 'transformers', 'onnx') if m in sys.modules])"
    )

    result = subprocess.run(
        [sys.executable, "-c", script],
        cwd=SHIPPED.parent,
        capture_output=True,
        text=True,
        check=True,
    )

    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize("role", ROLES)
def test_ref_names_the_bundle(engine, role):
    ref = engine.ref(role)

    assert ref.role == role
    assert (SHIPPED / ref.name / ref.version / "bundle.json").exists()
    assert len(ref.digest) == 64


def _predict_all(engine: Engine, text: str) -> tuple:
    return (
        engine.classify(text, LABELS).label,
        engine.classify_sentiment(text).score,
        engine.embed(text),
    )
