"""The gate: what a candidate must show on newer tickets, and how sure that is."""

from dataclasses import replace

import numpy as np
import pytest

from appliance.inference.learned import MAX_WEIGHT, head_weight, mix
from appliance.triage.feedback_gate import MEASURED, WITHOUT_VOTES, choose_weights, judge
from appliance.triage.head_evaluation import (
    Examples,
    agreement_beyond_chance,
    compare,
    evaluate,
    find_threshold,
    fit,
)

NAMES = ("a", "b", "c")


def examples(count: int, *, base_right: float = 0.5, noise: float = 0.3, seed: int = 1) -> Examples:
    """Labels of three clusters in turns; the classifier is right on a share of them."""
    rng = np.random.default_rng(seed)
    numbers = np.arange(count) % 3
    centres = np.eye(3, 16)
    vectors = centres[numbers] + noise * rng.standard_normal((count, 16)) / 4
    guesses = np.where(rng.random(count) < base_right, numbers, (numbers + 1) % 3)
    return Examples(
        vectors=(vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32),
        labels=np.array(NAMES, dtype=object)[numbers],
        counts=np.ones(count),
        names=NAMES,
        base=np.eye(3)[guesses] * 0.6 + 0.4 / 3,
        descriptions=np.zeros((0, 16), np.float32),
        described=np.array([], dtype=object),
        is_choice=np.ones(count, bool),
    )


def test_better_head_is_accepted():
    evaluation = evaluate(examples(90))
    assert evaluation.is_accepted and evaluation.overall.verdict == "better"
    assert evaluation.tests == 30 and evaluation.overall.after > 0.9


def test_few_labels_are_no_evidence():
    assert evaluate(examples(59)).reason == "few labels"


def test_worse_head_is_refused():
    taught = examples(150, base_right=1.0, noise=6.0)
    assert evaluate(taught).reason in ("worse", "category worse")


def test_loss_in_one_category_is_refused_although_all_together_gain():
    taught = examples(300, base_right=0.2)
    rows = np.flatnonzero(taught.labels == "a")
    taught.base[rows] = [0.4, 0.3, 0.3]
    like_b = rows[::3]  # every third text of a reads like one of b
    taught.vectors[like_b] = taught.vectors[like_b + 1]
    evaluation = evaluate(taught)
    assert (evaluation.reason, evaluation.category) == ("category worse", "a")
    assert evaluation.overall.after > evaluation.overall.before


def test_labels_at_random_are_refused_although_nothing_gets_worse():
    taught = examples(150)
    rng = np.random.default_rng(1)
    labels = np.array(NAMES, dtype=object)[rng.integers(0, 3, 150)]
    evaluation = evaluate(replace(taught, labels=labels))
    assert evaluation.reason in ("no agreement", "worse", "category worse")
    assert abs(evaluation.kappa) < 0.3


def test_active_head_is_fitted_again_without_the_tests():
    taught = examples(120)
    evaluation = evaluate(taught, active=range(120))
    assert evaluation.overall.before == evaluation.overall.after  # the classifier alone: 0.5
    assert evaluation.is_accepted


def test_category_is_learned_from_ten_labels_on():
    described = {"descriptions": np.eye(3, 16), "described": np.array(NAMES, dtype=object)}
    assert set(fit(replace(examples(28), **described)).counts) == {"a"}  # a: 10, b and c: 9
    assert fit(replace(examples(27), **described)) is None


def test_interval_says_how_sure_a_difference_is():
    wrong, right = np.zeros(40, bool), np.ones(40, bool)
    assert compare("*", wrong, right).verdict == "better"
    assert compare("*", right, wrong).verdict == "worse"
    assert compare("*", right, right).verdict == "as good"
    assert compare("*", right[:3], right[:3]).verdict == "not enough"


def test_agreement_does_not_count_what_chance_explains():
    labels = np.array(["a"] * 95 + ["b"] * 5)
    assert agreement_beyond_chance(np.array(["a"] * 100), labels) == pytest.approx(0)
    assert agreement_beyond_chance(labels, labels) == 1


def test_threshold_keeps_what_is_decided_right():
    confidences = np.linspace(1, 0.5, 100)
    right = np.arange(100) < 60
    assert find_threshold(confidences, right) == pytest.approx(confidences[64], abs=0.01)
    assert find_threshold(confidences[:20], right[:20]) is None


def test_weight_grows_with_the_labels():
    assert head_weight({}) == 0
    assert head_weight({"a": 10, "b": 10}) == 0.5
    assert 0.5 < head_weight({"a": 40, "b": 40}) < head_weight({"a": 10_000}) == MAX_WEIGHT


def test_removed_label_of_a_head_gets_nothing():
    mixed = mix(np.array([[0.6, 0.4]]), ["a", "b"], ["b", "gone"], np.array([[0.1, 0.9]]), 0.5)
    assert mixed.shape == (1, 2) and mixed.sum() == pytest.approx(1)


def test_votes_count_until_a_replay_shows_that_they_do_not_help():
    better = judge([0.0] * 40, [1.0] * 40)
    useless = judge([1.0] * 40, [1.0] * 40)
    few = judge([1.0] * 10, [0.0] * 10)
    assert [item.verdict for item in (better, useless, few)] == [
        "better",
        "not better",
        "not enough",
    ]
    weights = [choose_weights(True, item.as_json()) for item in (better, useless, few)]
    assert weights == [MEASURED, WITHOUT_VOTES, MEASURED]
    assert choose_weights(False, better.as_json()) == choose_weights(False, {}) == WITHOUT_VOTES
