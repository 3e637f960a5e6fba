from pathlib import Path

import numpy as np
import pytest

from appliance.inference.bundle import Bundle, BundleRef, combined_digest
from appliance.inference.classify import MAX_PIECES, classify, nearness, pieces

NUMBERS = {"head_temperature": 1.0, "similarity_tau": 0.05, "head_weight": 0.6, "threshold": 0.6}


def test_a_description_is_read_in_its_sentences_and_phrases():
    reading = "Hardware. Broken equipment and moves. printer jams. laptop does not turn on"
    assert pieces(reading) == [
        "Hardware",
        "Broken equipment and moves",
        "printer jams",
        "laptop does not turn on",
    ]


@pytest.mark.parametrize("reading", ["", ". ", "Hardware"])
def test_a_bare_description_is_one_piece(reading):
    assert pieces(reading) == [reading]


def test_an_endless_description_is_cut():
    assert len(pieces("phrase. " * 10_000)) == MAX_PIECES


def test_two_phrases_that_fit_outweigh_many_that_do_not():
    ticket = np.array([1.0, 0.0], dtype=np.float32)
    fits, other = [1.0, 0.0], [0.0, 1.0]
    assert nearness(ticket, np.array([fits, fits, other, other, other])) == 1.0
    assert nearness(ticket, np.array([fits, other, other])) == 0.5
    assert nearness(ticket, np.array([fits])) == 1.0


def test_other_numbers_are_another_bundle():
    files = {"model.onnx": "a" * 64}
    assert combined_digest(files, {"threshold": 0.5}) != combined_digest(files, {"threshold": 0.6})


def test_a_sharper_mix_is_surer_in_the_same_order():
    plain, sharp = (_answer(sharpness=power) for power in (1.0, 2.0))

    assert [label for label, _ in sharp.scores] == [label for label, _ in plain.scores]
    assert sharp.confidence > plain.confidence
    assert sum(share for _, share in sharp.scores) == pytest.approx(1)


def test_a_category_may_have_a_threshold_of_its_own():
    assert _answer().label == "access"
    assert _answer(thresholds={"access": 0.99}).label is None
    assert _answer(threshold=0.99, thresholds={"access": 0.6}).label == "access"


def test_a_category_of_the_desks_own_has_the_general_threshold():
    near = {"access": 0.1, "boats": 0.5}
    asked = {"thresholds": {"access": 0.1}, "threshold": 0.999999}

    answer = classify(_bundle(**asked), None, near, list(near))

    assert answer.scores[0][0] == "boats"
    assert answer.label is None


CAREFUL = {"head_weight": 0.3, "floor": 0.6}  # the head alone is sure: 0.88 to 0.12


def test_a_new_desk_is_not_told_what_only_the_head_is_sure_of():
    near = {"access": 0.3, "email": 0.35}

    proven, careful = (_sorted_by(near, careful=asked) for asked in (False, True))

    assert (proven.label, proven.held_back) == ("access", None)
    assert (careful.label, careful.held_back) == (None, "access")
    assert careful.scores == proven.scores


def test_a_new_desk_is_told_what_both_judges_agree_on():
    assert _sorted_by({"access": 0.4, "email": 0.3}, careful=True).label == "access"


def test_an_unsure_answer_is_not_held_back():
    answer = _sorted_by({"access": 0.3, "email": 0.35}, careful=True, threshold=0.99)

    assert (answer.label, answer.held_back) == (None, None)


def test_a_bundle_that_asks_for_no_caution_gets_none():
    near = {"access": 0.3, "email": 0.35}
    bundle = _bundle(threshold=0.5)

    assert classify(bundle, np.array([2.0, 0.0]), near, list(near), careful=True).label == "access"


def _sorted_by(near: dict[str, float], *, careful: bool, **numbers: object):
    bundle = _bundle(**{"threshold": 0.5, "head_weight": 0.8, "new_desk": CAREFUL} | numbers)
    return classify(bundle, np.array([2.0, 0.0]), near, list(near), careful=careful)


def _answer(**numbers: object):
    near = {"access": 0.4, "email": 0.3}
    return classify(_bundle(**numbers), np.array([2.0, 0.0]), near, list(near))


def _bundle(**numbers: object) -> Bundle:
    settings = {"labels": ["access", "email"], "calibration": {**NUMBERS, **numbers}}
    return Bundle(BundleRef("classifier", "classifier", "1", ""), Path(), {}, settings)
