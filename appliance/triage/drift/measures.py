"""The measures of drift between two months. Pure: numbers in, numbers out; no database.

Each measure has a value, the value to expect without drift, and the distance from it that chance
alone explains for this number of tickets. A threshold says how large a distance matters; an alarm
needs a distance that matters and that chance does not explain.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from appliance.triage.models import Measure

MIN_TICKETS = 20  # of either month; fewer prove nothing
MIN_LABELS = 30  # decided by people; fewer make no calibration
BINS = 5  # of the reliability diagram
LENGTH_BINS = 5
DRAWS = 1000  # of a simulation
CENTROID_DRAWS = 400
MAX_DRAWN_LABELS = 2000  # of both months; keeps a simulation below 40 MB
CHANCE_QUANTILE = 0.995  # of simulated values; the others are alarms in spite of no drift
STANDARD_ERRORS = 3  # the same for shares, whose spread is known without simulation
SMOOTHING = 0.02  # share of the common mix in each mix, so that an empty class has a logarithm
MIN_WORD_TICKETS, MIN_WORD_CUSTOMERS = 3, 2  # of a new word that is shown: no single person's name
MAX_NEW_WORDS = 15

# The defaults: the distance from the expected value that matters. Shares are 0..1. 0.2 is the usual
# limit of a population stability index; the others were chosen with the simulated months of
# tests/test_drift_measures.py, where a fifth of the tickets of another kind is found.
DEFAULT_THRESHOLDS: dict[Measure, float] = {
    Measure.OVERRIDES: 0.10,
    Measure.COVERAGE: 0.10,
    Measure.CALIBRATION: 0.10,
    Measure.CLASSES: 0.20,
    Measure.VOCABULARY: 0.10,
    Measure.LANGUAGES: 0.20,
    Measure.SENTIMENTS: 0.20,
    Measure.LENGTH: 0.20,
    Measure.CENTROID: 0.20,
}


@dataclass(frozen=True)
class TicketWords:
    """The words of one ticket; ``is_open`` when every agent may see it."""

    customer_id: int
    is_open: bool
    words: tuple[str, ...]


@dataclass(frozen=True)
class MonthProfile:
    """What is known of the tickets of one month; ``predicted`` of them by the active classifier.

    ``confidences`` and ``hits``: one of each for every label that a person gave. ``vectors`` is
    (n, dims), a sample of the month; ``centroid`` (dims,) is the mean of all.
    """

    tickets: int = 0
    predicted: int = 0
    decided: int = 0
    overridden: int = 0
    confidences: Sequence[float] = ()
    hits: Sequence[bool] = ()
    classes: Mapping[str, int] = field(default_factory=dict)
    languages: Mapping[str, int] = field(default_factory=dict)
    sentiments: Mapping[str, int] = field(default_factory=dict)
    lengths: Sequence[int] = ()
    words: Sequence[TicketWords] = ()
    embedded: int = 0
    centroid: np.ndarray | None = None
    vectors: np.ndarray | None = None


@dataclass(frozen=True)
class Measurement:
    """A measure of one month; ``value`` is None when there are not enough tickets."""

    value: float | None = None
    expected: float = 0.0
    chance: float = 0.0
    count: int = 0
    details: dict[str, Any] = field(default_factory=dict)


def compare(reference: MonthProfile, month: MonthProfile) -> dict[Measure, Measurement]:
    """Return every measure of the month; the reference month may be compared with itself."""
    return {measure: compute(reference, month) for measure, compute in COMPUTE.items()}


def deviation(measure: str, value: float, expected: float) -> float:
    """Return the distance in the direction that is bad; negative in the good one."""
    return expected - value if measure == Measure.COVERAGE else value - expected


def psi(reference: Mapping[str, int], month: Mapping[str, int]) -> float:
    """Return the population stability index of two mixes; 0 for equal ones, however large."""
    classes = sorted({*reference, *month})
    first, second = ([float(mix.get(name, 0)) for name in classes] for mix in (reference, month))
    return float(_psi_of_counts(np.array([first]), np.array([second]))[0])


def _psi_of_counts(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the index of each row of two tables of counts, (draws, classes) → (draws,)."""
    shares = [counts / counts.sum(axis=1, keepdims=True) for counts in (first, second)]
    common = (shares[0] + shares[1]) / 2
    keep = common.sum(axis=0) > 0  # a class without tickets says nothing
    first_mix, second_mix = (
        ((1 - SMOOTHING) * share + SMOOTHING * common)[:, keep] for share in shares
    )
    ratio = np.log(np.where(second_mix > 0, second_mix, 1) / np.where(first_mix > 0, first_mix, 1))
    index: np.ndarray = ((second_mix - first_mix) * ratio).sum(axis=1)
    return index


def _compare_mixes(reference: Mapping[str, int], month: Mapping[str, int]) -> Measurement:
    totals = sum(reference.values()), sum(month.values())
    shares = _shares_of(reference, month)
    if min(totals) < MIN_TICKETS:
        return Measurement(count=totals[1], details={"shares": shares})
    pooled = np.array([reference.get(name, 0) + month.get(name, 0) for name in shares], float)
    random = np.random.default_rng(0)
    draws = [random.multinomial(total, pooled / pooled.sum(), DRAWS) for total in totals]
    chance = np.quantile(_psi_of_counts(*draws), CHANCE_QUANTILE)
    return Measurement(
        value=psi(reference, month),
        chance=float(chance),
        count=totals[1],
        details={"shares": shares},
    )


def _shares_of(
    reference: Mapping[str, int], month: Mapping[str, int]
) -> dict[str, list[float | None]]:
    """Return class → share in the reference and in the month, the largest change first."""

    def share(mix: Mapping[str, int], name: str) -> float | None:
        total = sum(mix.values())
        return round(mix.get(name, 0) / total, 4) if total else None

    shares = {name: [share(reference, name), share(month, name)] for name in {*reference, *month}}
    return dict(
        sorted(
            shares.items(),
            key=lambda item: (-abs((item[1][1] or 0) - (item[1][0] or 0)), item[0]),
        )
    )


def _compare_shares(reference: tuple[int, int], month: tuple[int, int]) -> Measurement:
    """Compare two shares, each given as a part and its total."""
    totals = reference[1], month[1]
    if min(totals) < MIN_TICKETS:
        return Measurement(count=month[1])
    pooled = (reference[0] + month[0] + 1) / (sum(totals) + 2)
    error = np.sqrt(pooled * (1 - pooled) * (1 / totals[0] + 1 / totals[1]))
    return Measurement(
        value=month[0] / month[1],
        expected=reference[0] / reference[1],
        chance=float(STANDARD_ERRORS * error),
        count=month[1],
    )


def _overrides(reference: MonthProfile, month: MonthProfile) -> Measurement:
    return _compare_shares(
        (reference.overridden, reference.decided), (month.overridden, month.decided)
    )


def _coverage(reference: MonthProfile, month: MonthProfile) -> Measurement:
    return _compare_shares(
        (reference.decided, reference.predicted), (month.decided, month.predicted)
    )


def _calibration(reference: MonthProfile, month: MonthProfile) -> Measurement:
    """Return the expected calibration error, to be compared with that of the reference.

    Not with 0: agents correct what is wrong more often than they confirm what is right, so labels
    are no sample of all predictions, in either month.
    """
    reference_errors, month_errors = _label_errors(reference), _label_errors(month)
    details = {"bins": _reliability_bins(month, _bins_of(month))}
    totals = len(reference_errors), len(month_errors)
    if min(totals) < MIN_LABELS:
        return Measurement(count=totals[1], details=details)
    pooled = np.concatenate([reference_errors, month_errors])
    random = np.random.default_rng(0)
    pooled = random.permutation(pooled)[:MAX_DRAWN_LABELS]
    even = np.full(len(pooled), 1 / len(pooled))
    first, second = (
        _calibration_errors(random.multinomial(total, even, DRAWS) @ pooled / total)
        for total in totals
    )
    return Measurement(
        value=float(_calibration_errors(month_errors.mean(axis=0))),
        expected=float(_calibration_errors(reference_errors.mean(axis=0))),
        chance=float(np.quantile(second - first, CHANCE_QUANTILE)),
        count=totals[1],
        details=details,
    )


def _bins_of(profile: MonthProfile) -> np.ndarray:
    """Return the number of the bin of each label."""
    numbers: np.ndarray = (np.array(profile.confidences, float) * BINS).astype(int)
    return np.minimum(numbers, BINS - 1)


def _label_errors(profile: MonthProfile) -> np.ndarray:
    """Return (labels, bins): how far each label is from its confidence, in the column of its bin.

    The calibration error is the sum of the absolute means of the columns.
    """
    errors: np.ndarray = np.array(profile.hits, float) - np.array(profile.confidences, float)
    return errors[:, None] * np.eye(BINS)[_bins_of(profile)]


def _calibration_errors(means: np.ndarray) -> np.ndarray:
    """Return the calibration error of each row of column means."""
    errors: np.ndarray = np.abs(means).sum(axis=-1)
    return errors


def _reliability_bins(
    profile: MonthProfile, bins: np.ndarray
) -> list[dict[str, float | int | None]]:
    """Return for each bin its limits, labels, mean confidence and share of right predictions."""
    confidences, hits = np.array(profile.confidences, float), np.array(profile.hits, float)
    rows: list[dict[str, float | int | None]] = []
    for number in range(BINS):
        is_inside = bins == number
        count = int(is_inside.sum())
        rows.append(
            {
                "from": number / BINS,
                "until": (number + 1) / BINS,
                "count": count,
                "confidence": round(float(confidences[is_inside].mean()), 4) if count else None,
                "right": round(float(hits[is_inside].mean()), 4) if count else None,
            }
        )
    return rows


def _classes(reference: MonthProfile, month: MonthProfile) -> Measurement:
    return _compare_mixes(reference.classes, month.classes)


def _languages(reference: MonthProfile, month: MonthProfile) -> Measurement:
    """Compare the languages; nothing is known while none of the reference is recognised."""
    if sum(count for name, count in reference.languages.items() if name) < MIN_TICKETS:
        return Measurement(count=sum(month.languages.values()))
    return _compare_mixes(reference.languages, month.languages)


def _sentiments(reference: MonthProfile, month: MonthProfile) -> Measurement:
    return _compare_mixes(reference.sentiments, month.sentiments)


def _length(reference: MonthProfile, month: MonthProfile) -> Measurement:
    """Compare the mix of lengths, in classes that hold as many tickets each in the reference."""
    if min(len(reference.lengths), len(month.lengths)) < MIN_TICKETS:
        return Measurement(count=len(month.lengths))
    quantiles = np.linspace(0, 1, LENGTH_BINS + 1)[1:-1]
    edges = np.unique(np.quantile(reference.lengths, quantiles))
    mixes = [
        Counter(str(edge) for edge in np.searchsorted(edges, lengths, side="right"))
        for lengths in (reference.lengths, month.lengths)
    ]
    mixed = _compare_mixes(*mixes)
    medians = [float(np.median(profile.lengths)) for profile in (reference, month)]
    return Measurement(mixed.value, mixed.expected, mixed.chance, mixed.count, {"medians": medians})


def _vocabulary(reference: MonthProfile, month: MonthProfile) -> Measurement:
    """Return the share of words of the month that are in no ticket of the reference.

    Without drift it is the share of words of a reference ticket that are in no other one of them.
    """
    if min(len(reference.words), len(month.words)) < MIN_TICKETS:
        return Measurement(count=len(month.words))
    known = Counter(word for ticket in reference.words for word in set(ticket.words))
    is_itself = reference is month

    def unseen(tickets: Sequence[TicketWords], limit: int) -> tuple[float, float]:
        """Return the share of words in at most ``limit`` tickets, and its standard error."""
        sums = np.array(
            [
                (sum(known[word] <= limit for word in ticket.words), len(ticket.words))
                for ticket in tickets
            ],
            float,
        )
        total = max(1.0, sums[:, 1].sum())
        rate = sums[:, 0].sum() / total
        residuals = sums[:, 0] - rate * sums[:, 1]
        return float(rate), float(np.sqrt((residuals**2).sum()) / total)

    expected, error = unseen(reference.words, 1)
    value, month_error = (expected, error) if is_itself else unseen(month.words, 0)
    return Measurement(
        value=value,
        expected=expected,
        chance=float(STANDARD_ERRORS * np.hypot(error, month_error)),
        count=len(month.words),
        details={"words": [] if is_itself else _new_words(known, month.words)},
    )


def _new_words(known: Counter[str], tickets: Sequence[TicketWords]) -> list[list[str | int]]:
    """Return unknown words with their numbers of tickets, the most frequent first.

    Only from tickets that every agent may see, and only words of several customers.
    """
    ticket_counts: Counter[str] = Counter()
    customers: dict[str, set[int]] = {}
    for ticket in tickets:
        for word in set(ticket.words) if ticket.is_open else ():
            if not known[word]:
                ticket_counts[word] += 1
                customers.setdefault(word, set()).add(ticket.customer_id)
    words = [
        word
        for word, count in ticket_counts.items()
        if count >= MIN_WORD_TICKETS and len(customers[word]) >= MIN_WORD_CUSTOMERS
    ]
    words.sort(key=lambda word: (-ticket_counts[word], word))
    return [[word, ticket_counts[word]] for word in words[:MAX_NEW_WORDS]]


def _centroid(reference: MonthProfile, month: MonthProfile) -> Measurement:
    """Return how far the centroid moved, in units of a ticket's usual distance from it.

    Both distances are roots of cosine distances, so the value is the same in every embedding space
    and about the share of tickets that are new of their kind. Chance is the distance between the
    centroids of two samples of the reference, as large as the two months.
    """
    centroid, sample, other = reference.centroid, reference.vectors, month.centroid
    if centroid is None or sample is None or other is None:
        return Measurement(count=month.embedded)
    if min(reference.embedded, month.embedded) < MIN_TICKETS:
        return Measurement(count=month.embedded)
    spread = max(1e-9, float(np.mean(_cosine_distances(sample, centroid))))
    random = np.random.default_rng(0)
    even = np.full(len(sample), 1 / len(sample))
    first, second = (
        random.multinomial(profile.embedded, even, CENTROID_DRAWS) @ sample / profile.embedded
        for profile in (reference, month)
    )
    drawn = np.quantile(_cosine_distances(first, second), CHANCE_QUANTILE)
    distance = float(_cosine_distances(other[None, :], centroid)[0])
    return Measurement(
        value=float(np.sqrt(distance / spread)),
        chance=float(np.sqrt(drawn / spread)),
        count=month.embedded,
        details={"distance": round(distance, 6), "by_chance": round(float(drawn), 6)},
    )


def _cosine_distances(rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the cosine distance of each row to its row of ``others``, or to the only one."""
    norms = np.linalg.norm(rows, axis=-1) * np.linalg.norm(others, axis=-1)
    distances: np.ndarray = 1 - (rows * others).sum(axis=-1) / np.maximum(norms, 1e-12)
    return np.maximum(distances, 0)


COMPUTE: dict[Measure, Callable[[MonthProfile, MonthProfile], Measurement]] = {
    Measure.OVERRIDES: _overrides,
    Measure.COVERAGE: _coverage,
    Measure.CALIBRATION: _calibration,
    Measure.CLASSES: _classes,
    Measure.VOCABULARY: _vocabulary,
    Measure.LANGUAGES: _languages,
    Measure.SENTIMENTS: _sentiments,
    Measure.LENGTH: _length,
    Measure.CENTROID: _centroid,
}
