"""What the shipped bundles promise."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from appliance.inference.engine import Engine
from appliance.inference.tests.samples import DESK, ROLES, SHIPPED, TEXTS


def test_all_three_load_and_reproduce_their_golden_outputs():
    engine = Engine(SHIPPED, threads=1)

    engine.load()

    assert [status.state for status in engine.statuses()] == ["ready"] * 3


def test_nothing_is_loaded_before_it_is_asked_for():
    engine = Engine(SHIPPED)

    assert engine.ref("encoder").space
    assert [status.state for status in engine.statuses()] == ["not_loaded"] * 3


def test_the_bundles_fit_in_120_megabytes():
    active = json.loads((SHIPPED / "active.json").read_text()).values()

    size = sum(p.stat().st_size for entry in active for p in (SHIPPED / entry).iterdir())

    assert size < 120e6


def test_each_bundle_has_a_card():
    for entry in json.loads((SHIPPED / "active.json").read_text()).values():
        assert "## Not for" in (SHIPPED / entry / "card.md").read_text(encoding="utf-8")


def test_a_vector_has_length_one_and_384_numbers(engine):
    vector = engine.embed(TEXTS[0])

    assert vector.shape == (384,)
    assert vector.dtype == np.float32
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


def test_a_text_alone_equals_the_same_text_after_others():
    alone = Engine(SHIPPED, threads=1).embed(TEXTS[0])
    later = Engine(SHIPPED, threads=1)
    for text in TEXTS[1:]:
        later.embed(text)

    assert np.array_equal(alone, later.embed(TEXTS[0]))


def test_like_texts_are_nearer_than_unlike_ones(engine):
    asked = engine.embed("I cannot log in, my password is no longer valid")

    near, far = asked @ engine.embed(TEXTS[0]), asked @ engine.embed(TEXTS[1])

    assert near > far + 0.2


@pytest.mark.parametrize("text", TEXTS)
def test_plain_tickets_get_an_answer_from_the_desks_list(engine, text):
    answer = engine.classify(text, DESK)

    assert answer.label in {*DESK, None}
    assert {name for name, _ in answer.scores} == set(DESK)
    assert sum(share for _, share in answer.scores) == pytest.approx(1)
    assert answer.confidence == answer.scores[0][1] == max(s for _, s in answer.scores)


@pytest.mark.parametrize(
    ("text", "label"),
    [(TEXTS[0], "access"), (TEXTS[1], "hardware"), (TEXTS[2], "network")],
)
def test_obvious_tickets_are_sorted(engine, text, label):
    assert engine.classify(text, DESK).label == label


def test_an_order_for_hardware_is_an_order_first(engine):
    assert engine.classify(TEXTS[3], DESK).scores[0][0] == "purchasing"


def test_a_category_the_head_never_saw_is_found_by_its_description(engine):
    desk = {**DESK, "boats": "Boats. The ferry, life jackets, moorings. boat engine fails"}

    answer = engine.classify("The engine of the ferry fails and the mooring is loose", desk)

    assert answer.scores[0][0] == "boats"


def test_a_desk_of_only_new_categories_is_answered_by_similarity(engine):
    desk = {
        "boats": "Boats. The ferry, life jackets, moorings. boat engine fails",
        "kitchen": "Kitchen. Meals, fridges, menus, ovens. the fridge is warm",
    }

    assert engine.classify("the oven in the canteen stays cold", desk).scores[0][0] == "kitchen"


def test_a_desk_without_categories_gets_not_sure(engine):
    assert engine.classify(TEXTS[0], {}).label is None


@pytest.mark.parametrize("text", ["", "   \n", "?!"])
def test_a_text_without_words_is_not_sorted(engine, text):
    assert engine.classify(text, DESK).label is None


def test_sentiments_have_the_right_sign(engine):
    happy = engine.read_sentiment("Great, it works again. Thank you very much, excellent help!")
    angry = engine.read_sentiment("This is terrible. Nobody answers and I am really angry.")
    plain = engine.read_sentiment("The scanner in room 12 shows error E04 after the update.")

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
def test_no_text_is_too_strange(engine, text):
    assert engine.classify(text, DESK).label in {*DESK, None}
    assert -1 <= engine.read_sentiment(text).score <= 1
    assert np.isfinite(engine.embed(text)).all()


def test_eight_threads_agree_with_one():
    alone, together = Engine(SHIPPED, threads=1), Engine(SHIPPED, threads=2)
    expected = [_everything(alone, text) for text in TEXTS]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda text: _everything(together, text), TEXTS * 8))

    for number, (label, score, vector) in enumerate(found):
        right = expected[number % len(TEXTS)]
        assert label == right[0]
        assert score == pytest.approx(right[1], abs=1e-3)
        assert vector @ right[2] > 0.9999


def test_the_room_needs_no_django_torch_or_transformers():
    script = (
        "import sys; from pathlib import Path; from appliance.inference.engine import Engine;"
        f"e = Engine(Path({str(SHIPPED)!r})); e.load(); e.embed('ok');"
        "print([m for m in ('django', 'torch', 'transformers', 'onnx') if m in sys.modules])"
    )

    found = subprocess.run(
        [sys.executable, "-c", script],
        cwd=SHIPPED.parent,
        capture_output=True,
        text=True,
        check=True,
    )

    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize("role", ROLES)
def test_ref_names_the_bundle(engine, role):
    ref = engine.ref(role)

    assert ref.role == role
    assert (SHIPPED / ref.name / ref.version / "bundle.json").exists()
    assert len(ref.digest) == 64


def _everything(engine: Engine, text: str) -> tuple:
    return engine.classify(text, DESK).label, engine.read_sentiment(text).score, engine.embed(text)
