"""An unusable bundle is refused by name, and the other roles work on."""

import json
import shutil

import pytest

from appliance.inference import bundle_holder
from appliance.inference.bundle import (
    DEFAULT_FLOORS,
    ENGLISH_TOKENIZER,
    BundleMissingError,
    BundleRefusedError,
)
from appliance.inference.engine import Engine
from appliance.inference.tests.samples import LABELS, TEXTS, replace, update_digests


def _edit(path, change) -> None:
    value = json.loads(path.read_text(encoding="utf-8"))
    change(value)
    replace(path, json.dumps(value).encode())


def test_a_flipped_byte_refuses_one_bundle_and_leaves_the_others(models, folder):
    path = folder("sentiment") / "model.onnx"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    replace(path, bytes(content))
    engine = Engine(models, threads=1)

    with pytest.raises(BundleRefusedError, match=r"sentiment/\d+ .*model\.onnx has sha256"):
        engine.classify_sentiment(TEXTS[0])

    assert engine.classify(TEXTS[0], LABELS).label == "access"
    assert [s.state for s in engine.statuses()] == ["ready", "refused", "ready"]


def test_a_truncated_model_is_refused(models, folder):
    path = folder("encoder") / "model.onnx"
    replace(path, path.read_bytes()[:1000])

    with pytest.raises(BundleRefusedError, match=r"encoder/\d+"):
        Engine(models).embed(TEXTS[0])


def test_a_truncated_model_with_its_own_digest_is_refused(models, folder):
    path = folder("encoder") / "model.onnx"
    replace(path, path.read_bytes()[:1000])
    update_digests(folder("encoder"))

    with pytest.raises(BundleRefusedError, match="cannot be opened"):
        Engine(models).embed(TEXTS[0])


def test_a_missing_tokenizer_is_refused(models, folder):
    (folder("classifier") / "tokenizer.json").unlink()

    with pytest.raises(BundleRefusedError, match=r"classifier/.*tokenizer\.json"):
        Engine(models).classify(TEXTS[0], LABELS)


def test_wrong_tokenizer_fails_the_golden_texts(models, folder):
    path = folder("encoder") / ENGLISH_TOKENIZER

    def swap(tokenizer):
        words = tokenizer["model"]["vocab"]
        words["printer"], words["thank"] = words["thank"], words["printer"]

    _edit(path, swap)
    update_digests(folder("encoder"))

    with pytest.raises(BundleRefusedError, match="tokenized differently"):
        Engine(models).embed(TEXTS[0])


@pytest.mark.parametrize("role", ["classifier", "sentiment", "encoder"])
def test_wrong_golden_outputs_refuse_the_bundle(models, folder, role):
    def shift(golden):
        case = golden["cases"][0]
        case["output"][0] += 0.3

    _edit(folder(role) / "golden.json", shift)
    update_digests(folder(role))
    engine = Engine(models, threads=1)
    engine.load()

    states = {status.role: status for status in engine.statuses()}
    assert states[role].state == "refused"
    assert "is off by" in states[role].reason
    assert sum(status.state == "ready" for status in states.values()) == 2


@pytest.mark.parametrize("mixture", [None, [], {}, {"similarity": 1.0}])
def test_classifier_without_the_weights_of_its_mixture_is_refused(models, folder, mixture):
    def set_mixture(settings):
        settings["calibration"]["mixture"] = mixture

    _edit(folder("classifier") / "bundle.json", set_mixture)

    with pytest.raises(BundleRefusedError, match="lacks a mixture with the weight of the head"):
        Engine(models).classify(TEXTS[0], LABELS)


@pytest.mark.parametrize("threshold", [0, -1, "high", None])
def test_threshold_of_new_desks_that_is_not_positive_is_refused(models, folder, threshold):
    def set_threshold(settings):
        settings["calibration"]["new_desk_threshold"] = threshold

    _edit(folder("classifier") / "bundle.json", set_threshold)

    with pytest.raises(BundleRefusedError, match="a new_desk_threshold that is not positive"):
        Engine(models).classify(TEXTS[0], LABELS)


@pytest.mark.parametrize("text", ["ok", "7 7 7 7", "👍"])
def test_text_without_a_known_word_has_no_scores(engine, text):
    prediction = engine.classify(text, LABELS)

    assert prediction.label is None
    assert {score for _, score in prediction.scores} == {0.0}


def test_without_the_encoder_the_head_classifies_alone(models, folder):
    (folder("encoder") / "model.onnx").unlink()

    assert Engine(models, threads=1).classify(TEXTS[0], LABELS).label == "access"


def test_without_the_encoder_unknown_categories_are_an_error(models, folder):
    (folder("encoder") / "model.onnx").unlink()

    with pytest.raises(BundleRefusedError, match="encoder"):
        Engine(models, threads=1).classify(TEXTS[0], {"boats": "Boats. Ferries."})


@pytest.mark.parametrize("floors", [{"article": 0}, {"hit": 1.2}, {"hit": "high"}, [0.4]])
def test_floors_that_are_no_cosines_are_refused(models, folder, floors):
    _edit(folder("encoder") / "bundle.json", lambda settings: settings.update(floors=floors))

    with pytest.raises(BundleRefusedError, match="its floors must be numbers between 0 and 1"):
        Engine(models).embed(TEXTS[0])


def test_bundle_brings_its_own_floors(models, folder):
    _edit(folder("encoder") / "bundle.json", lambda settings: settings.pop("floors", None))
    digest = Engine(models).ref("encoder").digest
    assert Engine(models).floors() == DEFAULT_FLOORS

    _edit(folder("encoder") / "bundle.json", lambda settings: settings.update(floors={"hit": 0.7}))
    assert Engine(models).floors() == DEFAULT_FLOORS | {"hit": 0.7}
    assert Engine(models).ref("encoder").digest == digest, "no vector has to be computed again"


@pytest.mark.parametrize("name", ["../model.onnx", "/etc/passwd", "a/b", "..", "model.onnx\n"])
def test_paths_that_leave_the_folder_are_refused(models, folder, name):
    _edit(folder("encoder") / "bundle.json", lambda s: s["files"].update({name: "0" * 64}))

    with pytest.raises(BundleRefusedError, match="not a plain name"):
        Engine(models).ref("encoder")


@pytest.mark.parametrize("entry", ["../x/1", "/x", "x", "a/b/c", 7, ["x", "1"]])
def test_active_json_must_name_a_bundle(models, entry):
    _edit(models / "active.json", lambda active: active.update(encoder=entry))

    with pytest.raises(BundleRefusedError, match=r"name/version"):
        Engine(models).ref("encoder")


def test_a_model_with_weights_in_another_file_is_refused(models, folder):
    path = folder("encoder") / "model.onnx"
    replace(path, path.read_bytes() + b"\x0a\x08location\x12\x05other")
    update_digests(folder("encoder"))

    with pytest.raises(BundleRefusedError, match="another file"):
        Engine(models).embed(TEXTS[0])


def test_bundle_of_another_role_is_refused(models):
    def confuse(active):
        active["sentiment"] = active["classifier"]

    _edit(models / "active.json", confuse)

    with pytest.raises(BundleRefusedError, match="its role is"):
        Engine(models).ref("sentiment")


def test_malformed_bundle_json_is_refused(models, folder):
    replace(folder("encoder") / "bundle.json", b"\xff{")

    with pytest.raises(BundleRefusedError, match="cannot be read"):
        Engine(models).ref("encoder")


@pytest.mark.parametrize("numbers", [{"sharpness": 0}, {"thresholds": {"access": "high"}}])
def test_classifier_with_invalid_calibration_is_refused(models, folder, numbers):
    _edit(
        folder("classifier") / "bundle.json",
        lambda settings: settings["calibration"].update(numbers),
    )

    with pytest.raises(BundleRefusedError, match="not positive"):
        Engine(models).ref("classifier")


@pytest.mark.parametrize(
    ("role", "key", "value"),
    [
        ("classifier", "labels", ["access"]),
        ("sentiment", "labels", ["a", "b", "c"]),
        ("classifier", "calibration", {"threshold": "high"}),
        ("encoder", "dims", None),
        ("encoder", "max_tokens", 100_000),
        ("encoder", "space", None),
    ],
)
def test_incomplete_description_is_refused(models, folder, role, key, value):
    _edit(folder(role) / "bundle.json", lambda settings: settings.update({key: value}))

    with pytest.raises(BundleRefusedError, match=role):
        Engine(models).ref(role)


def test_missing_models_folder_is_reported_and_used_when_it_returns(models, monkeypatch):
    away = models.with_name("away")
    shutil.move(models, away)
    engine = Engine(models, threads=1)
    with pytest.raises(BundleMissingError, match="Restore"):
        engine.embed(TEXTS[0])
    assert {status.state for status in engine.statuses()} == {"missing"}

    shutil.move(away, models)
    monkeypatch.setattr(bundle_holder, "CHECK_SECONDS", 0)

    assert engine.embed(TEXTS[0]).shape == (384,)


def test_a_refused_bundle_is_used_once_its_file_is_restored(models, folder, monkeypatch):
    path = folder("encoder") / "model.onnx"
    good = path.read_bytes()
    replace(path, good[:-1])
    engine = Engine(models, threads=1)
    with pytest.raises(BundleRefusedError):
        engine.embed(TEXTS[0])

    replace(path, good)
    with pytest.raises(BundleRefusedError):
        engine.embed(TEXTS[0])  # within a few seconds the refusal is remembered
    monkeypatch.setattr(bundle_holder, "CHECK_SECONDS", 0)

    assert engine.embed(TEXTS[0]).shape == (384,)
