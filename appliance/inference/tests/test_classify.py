import numpy as np
import pytest

from appliance.inference.bundle import combined_digest
from appliance.inference.classify import MOST_PIECES, nearness, pieces


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
