from pathlib import Path

import numpy as np
import pytest

from appliance.inference.bundle import Bundle, BundleRef, combined_digest
from appliance.inference.classify import MOST_PIECES, classify, nearness, pieces

NUMBERS = {"head_temperature": 1.0, "similarity_tau": 0.05, "head_weight": 0.6, "threshold": 0.6}


def test_a_description_is_read_in_its_sentences_and_phrases():
    reading = "Hardware. Broken equipment and moves. printer jams. laptop does not turn on"
    assert pieces(reading) == [
        "Hardware", "Broken equipment and moves", "printer jams", "laptop does not turn on",
    ]  # fmt: skip


@pytest.mark.parametrize("reading", ["", ". ", "Hardware"])
def test_a_bare_description_is_one_piece(reading):
    assert pieces(reading) == [reading]


def test_an_endless_description_is_cut():
    assert len(pieces("phrase. " * 10_000)) == MOST_PIECES


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


def _answer(**numbers: object):
    near = {"access": 0.4, "email": 0.3}
    return classify(_bundle(**numbers), np.array([2.0, 0.0]), near, list(near))


def _bundle(**numbers: object) -> Bundle:
    settings = {"labels": ["access", "email"], "calibration": {**NUMBERS, **numbers}}
    return Bundle(BundleRef("classifier", "classifier", "1", ""), Path(), {}, settings)
