from pathlib import Path

import numpy as np
import pytest

from appliance.inference.bundle import Bundle, BundleRef, combined_digest
from appliance.inference.classify import MAX_PIECES, classify, nearness, pieces

NUMBERS = {
    "head_temperature": 1.0,
    "similarity_tau": 0.05,
    "mixture": {"head": 1.0, "similarity": 0.5},
    "threshold": 0.6,
}


def test_description_is_split_into_sentences_and_phrases():
    description = "Hardware. Broken equipment and moves. printer jams. laptop does not turn on"
    assert pieces(description) == [
        "Hardware",
        "Broken equipment and moves",
        "printer jams",
        "laptop does not turn on",
    ]


@pytest.mark.parametrize("description", ["", ". ", "Hardware"])
def test_short_description_is_one_piece(description):
    assert pieces(description) == [description]


def test_long_description_is_cut():
    assert len(pieces("phrase. " * 10_000)) == MAX_PIECES


def test_two_matching_phrases_outweigh_many_that_do_not_match():
    ticket = np.array([1.0, 0.0], dtype=np.float32)
    match, other = [1.0, 0.0], [0.0, 1.0]
    assert nearness(ticket, np.array([match, match, other, other, other])) == 1.0
    assert nearness(ticket, np.array([match, other, other])) == 0.5
    assert nearness(ticket, np.array([match])) == 1.0


def test_another_calibration_is_another_bundle():
    files = {"model.onnx": "a" * 64}
    assert combined_digest(files, {"threshold": 0.5}) != combined_digest(files, {"threshold": 0.6})


def test_sharper_mixture_is_more_confident_in_the_same_order():
    plain, sharp = (_classify(sharpness=power) for power in (1.0, 2.0))

    assert [label for label, _ in sharp.scores] == [label for label, _ in plain.scores]
    assert sharp.confidence > plain.confidence
    assert sum(share for _, share in sharp.scores) == pytest.approx(1)


def test_category_may_have_its_own_threshold():
    assert _classify().label == "access"
    assert _classify(thresholds={"access": 0.99}).label is None
    assert _classify(threshold=0.99, thresholds={"access": 0.6}).label == "access"


def test_rest_category_is_hardly_ever_predicted():
    near = {"other": 0.4, "email": 0.3}
    unsure, sure = (
        classify(_bundle(threshold=0.5), np.array([2.0, 0.0]), {**near, "other": other}, [*near])
        for other in (0.4, 0.8)
    )
    assert unsure.scores[0][0] == "other" and unsure.confidence > 0.8
    assert (unsure.label, sure.label) == (None, "other")


def test_category_unknown_to_the_head_has_the_general_threshold():
    near = {"access": 0.1, "boats": 0.5}
    calibration = {"thresholds": {"access": 0.1}, "threshold": 0.999999}

    prediction = classify(_bundle(**calibration), None, near, list(near))

    assert prediction.scores[0][0] == "boats"
    assert prediction.label is None


def test_cold_start_withholds_what_is_less_sure_than_a_new_desk_needs():
    near = {"access": 0.3, "email": 0.35}

    proven, cautious = (_classify_with(near, cold_start=flag) for flag in (False, True))

    assert (proven.label, proven.withheld_label) == ("access", None)
    assert (cautious.label, cautious.withheld_label) == (None, "access")
    assert cautious.scores == proven.scores


def test_cold_start_predicts_what_is_sure_enough_for_a_new_desk():
    assert _classify_with({"access": 0.6, "email": 0.3}, cold_start=True).label == "access"


def test_unsure_prediction_has_no_withheld_label():
    prediction = _classify_with({"access": 0.3, "email": 0.35}, cold_start=True, threshold=0.99)

    assert (prediction.label, prediction.withheld_label) == (None, None)


def test_bundle_without_a_threshold_of_new_desks_withholds_no_label():
    near = {"access": 0.3, "email": 0.35}
    logits = np.array([2.0, 0.0])

    prediction = classify(_bundle(threshold=0.5), logits, near, list(near), cold_start=True)

    assert prediction.label == "access"


def test_geometric_mean_is_sure_only_where_all_agree():
    near = {"access": 0.6, "email": 0.3}
    mixture = {"mixture": {"head": 1.0, "frozen": 1.0, "similarity": 1.0}, "threshold": 0.9}

    agreeing = _classify_with(near, frozen={"access": 0.9, "email": 0.1}, **mixture)
    doubtful = _classify_with(near, frozen={"access": 0.01, "email": 0.99}, **mixture)

    assert agreeing.label == "access"
    assert doubtful.label is None
    assert sum(share for _, share in agreeing.scores) == pytest.approx(1)
    assert _classify_with(near, frozen=None, **mixture).label == "access"


def test_category_unknown_to_the_heads_is_found_by_its_similarity():
    near = {"access": 0.1, "email": 0.1, "boats": 0.9}
    mixture = {"mixture": {"head": 1.0, "similarity": 1.0}}

    prediction = _classify_with(near, **mixture)

    assert prediction.scores[0][0] == "boats"
    assert prediction.scores[0][1] > 0.99


def _classify_with(
    near: dict[str, float],
    *,
    cold_start: bool = False,
    frozen: dict[str, float] | None = None,
    **numbers: object,
):
    bundle = _bundle(**{"threshold": 0.5, "new_desk_threshold": 0.9} | numbers)
    return classify(
        bundle, np.array([2.0, 0.0]), near, list(near), frozen=frozen, cold_start=cold_start
    )


def _classify(**numbers: object):
    near = {"access": 0.4, "email": 0.3}
    return classify(_bundle(**numbers), np.array([2.0, 0.0]), near, list(near))


def _bundle(**numbers: object) -> Bundle:
    settings = {"labels": ["access", "email"], "calibration": {**NUMBERS, **numbers}}
    return Bundle(BundleRef("classifier", "classifier", "1", ""), Path(), {}, settings)
