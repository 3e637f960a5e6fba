"""Measures of drift on synthetic months: shifts are alarms, chance is none."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.triage.drift.measures import (
    DEFAULT_THRESHOLDS,
    MIN_TICKETS,
    Measurement,
    MonthProfile,
    compare,
    deviation,
    psi,
)
from appliance.triage.models import Measure
from appliance.triage.tests.drift_months import USUAL, Kind, draw_month

SEEDS = range(20)
SHIFTS = {
    Measure.OVERRIDES: Kind(overridden=0.3),
    Measure.COVERAGE: Kind(decided=0.4),
    Measure.CALIBRATION: Kind(overconfidence=0.3),
    Measure.CLASSES: Kind(classes=(0.1, 0.15, 0.15, 0.15, 0.1, 0.35)),
    Measure.VOCABULARY: Kind(new_words=0.25),
    Measure.LANGUAGES: Kind(languages=(0.35, 0.3, 0.3, 0.05)),
    Measure.SENTIMENTS: Kind(sentiments=(0.4, 0.55, 0.05)),
    Measure.LENGTH: Kind(words=50),
    Measure.CENTROID: Kind(new_topic=0.4),
}
mixes = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 50), min_size=1)


@cache
def measure_seed(seed: int, tickets: int) -> dict[Measure, Measurement]:
    """Compare two usual months with each other."""
    return compare(draw_month(1000 + seed, tickets), draw_month(seed, tickets))


def is_alarm(measure: Measure, measurement: Measurement) -> bool:
    assert measurement.value is not None, measure
    distance = deviation(measure, measurement.value, measurement.expected)
    return distance > max(DEFAULT_THRESHOLDS[measure], measurement.chance)


@pytest.mark.parametrize("measure", Measure)
def test_every_shift_is_an_alarm(measure):
    for seed in range(3):
        reference, month = draw_month(1000 + seed), draw_month(seed, kind=SHIFTS[measure])
        measurement = compare(reference, month)[measure]
        assert is_alarm(measure, measurement), measurement


@pytest.mark.parametrize("tickets", [30, 80, 300])
@pytest.mark.parametrize("measure", Measure)
def test_twenty_months_without_a_shift_are_at_most_one_alarm(measure, tickets):
    measurements = [measure_seed(seed, tickets)[measure] for seed in SEEDS]
    known = [measurement for measurement in measurements if measurement.value is not None]
    assert sum(is_alarm(measure, measurement) for measurement in known) <= 1
    assert known or (measure == Measure.CALIBRATION and tickets == 30)


def test_months_of_unequal_size_are_compared_fairly():
    alarms = [
        measure
        for seed in range(10)
        for reference, month in [(draw_month(1000 + seed, 40), draw_month(seed, 900))]
        for measure, measurement in compare(reference, month).items()
        if measurement.value is not None and is_alarm(measure, measurement)
    ]
    assert max((alarms.count(measure) for measure in alarms), default=0) <= 1


@pytest.mark.parametrize("measure", Measure)
def test_few_tickets_have_no_value(measure):
    few = draw_month(1, MIN_TICKETS - 1, SHIFTS[measure])
    assert compare(draw_month(2), few)[measure].value is None
    assert compare(few, few)[measure].value is None


def test_month_without_tickets_has_no_values():
    measurements = compare(MonthProfile(), MonthProfile())
    assert all(measurement.value is None for measurement in measurements.values())


def test_reference_month_has_no_distance_from_itself():
    month = draw_month(3)
    for measure, measurement in compare(month, month).items():
        assert deviation(measure, measurement.value, measurement.expected) == pytest.approx(0)


@given(mixes, st.integers(1, 40))
def test_psi_of_equal_mixes_is_zero_however_large(mix, factor):
    larger = {name: count * factor for name, count in mix.items()}
    assert psi(mix, larger) == pytest.approx(0, abs=1e-12)


@given(mixes, mixes)
def test_psi_is_symmetric_and_not_negative(first, second):
    assert psi(first, second) == pytest.approx(psi(second, first)) and psi(first, second) > -1e-12


def test_psi_agrees_with_its_formula():
    shares = np.array([0.5, 0.3, 0.2]), np.array([0.4, 0.3, 0.3])
    expected = ((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum()
    mixes = [dict(zip("abc", (int(1000 * share) for share in mix), strict=True)) for mix in shares]
    assert psi(*mixes) == pytest.approx(expected, rel=0.05), "smoothing costs a few per cent"


def test_calibration_bins_hold_confidence_and_share_of_right_labels():
    month = replace(draw_month(1), confidences=[0.9] * 40, hits=[True] * 30 + [False] * 10)
    measurement = compare(draw_month(2), month)[Measure.CALIBRATION]
    assert measurement.value == pytest.approx(0.15)
    last = measurement.details["bins"][-1]
    assert (last["count"], last["confidence"], last["right"]) == (40, 0.9, 0.75)


def test_desk_that_corrects_but_never_confirms_is_no_alarm():
    months = [replace(draw_month(n), hits=[False] * 80, confidences=[0.7] * 80) for n in (1, 2)]
    measurement = compare(*months)[Measure.CALIBRATION]
    assert measurement.value == pytest.approx(0.7)
    assert not is_alarm(Measure.CALIBRATION, measurement)


def test_new_words_are_those_of_several_customers_in_tickets_all_agents_see():
    reference = draw_month(1)
    tickets = [replace(ticket, words=("word1",)) for ticket in reference.words]
    for number, ticket in enumerate(tickets[:4]):
        tickets[number] = replace(ticket, words=("ransomware",), customer_id=number)
        tickets[-1 - number] = replace(ticket, words=("Ann",), customer_id=7)
        tickets[10 + number] = replace(ticket, words=("payroll",), is_open=False)
    measurement = compare(reference, replace(draw_month(2), words=tickets))[Measure.VOCABULARY]
    assert measurement.details["words"] == [["ransomware", 4]]


def test_languages_are_not_compared_before_they_are_recognised():
    unknown = replace(draw_month(1), languages={"": 300})
    assert compare(unknown, draw_month(2))[Measure.LANGUAGES].value is None
    shifted = compare(draw_month(1), replace(draw_month(2), languages={"": 300}))
    assert is_alarm(Measure.LANGUAGES, shifted[Measure.LANGUAGES])


def test_usual_month_of_a_large_desk_needs_no_second_look():
    measurements = compare(draw_month(1, 3000), draw_month(2, 3000, USUAL))
    assert not any(is_alarm(measure, value) for measure, value in measurements.items())
