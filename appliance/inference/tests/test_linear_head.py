"""A linear head fitted on a few labelled texts."""

import io
import subprocess
import sys

import numpy as np
import pytest

from appliance.inference.linear_head import LinearHead, fit_head
from appliance.inference.tests.samples import SHIPPED

GARAGE = {
    "tyres": ("a tyre is flat", "winter tyres please", "the left tyre loses air"),
    "brakes": ("the brakes squeal", "brake pedal feels soft", "new brake pads needed"),
    "invoice": ("the bill is wrong", "please send the invoice again", "I paid this bill twice"),
}


def _vectors(engine, texts) -> np.ndarray:
    return np.stack([engine.embed(text) for text in texts])


@pytest.fixture(scope="module")
def garage(engine) -> LinearHead:
    texts = [text for group in GARAGE.values() for text in group]
    labels = [label for label, group in GARAGE.items() for _ in group]
    return fit_head(_vectors(engine, texts), labels)


def test_three_texts_a_label_are_enough_to_fit_a_head(engine, garage):
    queries = ("my tyre has a nail in it", "it hardly brakes downhill", "where is my bill?")

    best = garage.probabilities(_vectors(engine, queries)).argmax(1)

    assert [garage.labels[index] for index in best] == ["tyres", "brakes", "invoice"]


def test_probabilities_sum_to_one(engine, garage):
    probabilities = garage.probabilities(_vectors(engine, ["anything at all"]))

    assert probabilities.shape == (1, 3)
    assert probabilities.sum() == pytest.approx(1)


def test_out_of_scope_text_has_a_lower_familiarity(engine, garage):
    near, far = garage.familiarity(
        _vectors(engine, ["two new tyres", "the museum opens at nine on Sundays"])
    )

    assert near > far


def test_the_same_labels_give_the_same_head(engine, garage):
    texts = [text for group in GARAGE.values() for text in group]
    labels = [label for label, group in GARAGE.items() for _ in group]

    again = fit_head(_vectors(engine, texts), labels)

    assert np.array_equal(again.weights, garage.weights)


def test_a_head_survives_being_stored(garage):
    restored = LinearHead.from_bytes(garage.to_bytes())

    assert restored.labels == garage.labels
    assert np.array_equal(restored.weights, garage.weights)
    assert np.array_equal(restored.centre, garage.centre)


def test_a_stored_pickle_is_refused():
    stream = io.BytesIO()
    np.savez(stream, labels=np.array([{"not": "text"}], dtype=object), centre=0, weights=0)

    with pytest.raises(ValueError, match=r"[Pp]ickle|allow_pickle"):
        LinearHead.from_bytes(stream.getvalue())


def _lone_array() -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.eye(3))
    return stream.getvalue()


@pytest.mark.parametrize("content", [b"", b"not a file", b"PK\x03\x04broken", _lone_array()])
def test_bytes_that_are_no_head_are_refused(content):
    with pytest.raises(ValueError, match=r"not a fitted head|contains pickled"):
        LinearHead.from_bytes(content)


@pytest.mark.parametrize(
    ("vectors", "labels"),
    [
        (np.eye(2), ["one", "one"]),
        (np.eye(3), ["one", "two"]),
        (np.full((2, 2), np.nan), ["one", "two"]),
        (np.empty((0, 4)), []),
    ],
)
def test_input_that_cannot_be_fitted_is_refused(vectors, labels):
    with pytest.raises(ValueError, match=r"two labels|finite numbers"):
        fit_head(vectors, labels)


def test_equal_vectors_with_different_labels_give_finite_probabilities():
    head = fit_head(np.ones((4, 3)) / np.sqrt(3), ["a", "b", "a", "b"])

    assert np.isfinite(head.probabilities(np.eye(3))).all()


def test_fitting_needs_only_numpy():
    script = (
        "import sys; import appliance.inference.linear_head;"
        "print([m for m in ('sklearn', 'scipy', 'torch', 'onnxruntime') if m in sys.modules])"
    )

    result = subprocess.run(
        [sys.executable, "-c", script],
        cwd=SHIPPED.parent,
        capture_output=True,
        text=True,
        check=True,
    )

    assert result.stdout.strip() == "[]"
