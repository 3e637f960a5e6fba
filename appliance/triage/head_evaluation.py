"""Fit a candidate head and judge it on newer tickets than it was fitted on. Pure.

Per category the oldest two thirds of the labels teach, the newest third tests. The candidate is
compared with what is in use, on the same tickets: the classifier, with the head that is active, if
any, fitted again without the tests. So neither has seen a test.
"""

from collections import Counter
from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np

from appliance.inference.learned import head_weight, mix
from appliance.inference.linear_head import LinearHead, fit_head

MIN_LABELS = 60  # of all categories together: fewer prove nothing
MIN_LABELS_PER_CATEGORY = 10  # from then on a category is learned
MIN_TAUGHT_PER_CATEGORY = 5  # of them before the tests
MIN_TESTS_PER_CATEGORY = 10  # those with fewer are judged together
TEST_SHARE = 1 / 3
MAX_TESTS = 3000
# What a phrase of a description counts beside a label. On the demo data with 13 labels a category
# 0.3, 0.6 and 1 give 70 % right first choices, without phrases it is 65 %, the classifier 55 %.
DESCRIPTION_COUNT = 0.6
MIN_RIGHT = 0.92  # of the tests that a threshold decides
MIN_DECIDED = 30  # tests above it, with a category that a person chose
MIN_THRESHOLD = 0.5
RESAMPLES = 2000
MIN_TESTS = 15
MARGIN = 0.02  # of all tests: a mean loss beyond it is refused, although chance could explain it
MIN_KAPPA = 0.3  # agreement beyond chance; labels at random have none
SEED = 20261129  # the same labels give the same verdict
OTHERS = ""  # stands for the categories with few tests

Verdict = Literal["better", "as good", "worse", "not enough"]
# Why a candidate is refused; empty: it is accepted.
Reason = Literal["", "few labels", "few per category", "worse", "category worse", "no agreement"]


@dataclass(frozen=True)
class Examples:
    """Labelled tickets, oldest first."""

    vectors: np.ndarray  # (texts, dims) of unit length
    labels: np.ndarray  # (texts,) slugs
    counts: np.ndarray  # (texts,) how much each counts
    names: tuple[str, ...]  # the active categories
    base: np.ndarray  # (texts, names) probabilities of the classifier alone
    descriptions: np.ndarray  # (phrases, dims): what the descriptions of the categories say
    described: np.ndarray  # (phrases,) slugs
    is_choice: np.ndarray  # (texts,) whether a person chose the label

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, chosen: np.ndarray) -> "Examples":
        """Return these rows: a mask or indices."""
        return replace(
            self,
            vectors=self.vectors[chosen],
            labels=self.labels[chosen],
            counts=self.counts[chosen],
            base=self.base[chosen],
            is_choice=self.is_choice[chosen],
        )


@dataclass(frozen=True)
class Fitted:
    """A head with the number of labels of each category that it saw."""

    head: LinearHead
    counts: dict[str, int]

    @property
    def weight(self) -> float:
        return head_weight(self.counts)

    def mixture(self, examples: Examples) -> np.ndarray:
        """Return (texts, names) probabilities of classifier and head together."""
        opinion = self.head.probabilities(examples.vectors)
        return mix(examples.base, examples.names, self.head.labels, opinion, self.weight)


@dataclass(frozen=True)
class Difference:
    """Shares of right first choices before and after, with the 95 % interval of the difference."""

    category: str  # its slug; OTHERS: all with few tests; "*": all tests
    tests: int
    before: float
    after: float
    low: float
    high: float
    verdict: Verdict


@dataclass(frozen=True)
class Evaluation:
    """The verdict on a candidate and the figures it rests on."""

    reason: Reason
    labels: int
    tests: int
    kappa: float
    overall: Difference | None
    categories: tuple[Difference, ...]
    category: str = ""  # the one that got worse
    threshold: float | None = None  # of the confidence; None: the classifier's own thresholds

    @property
    def is_accepted(self) -> bool:
        return not self.reason

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def fit(examples: Examples, minimum: int = MIN_LABELS_PER_CATEGORY) -> Fitted | None:
    """Fit a head on the categories with enough labels; None without any.

    The phrases of all descriptions teach beside the labels, so that a category without labels is
    not forgotten.
    """
    numbers = Counter(examples.labels.tolist())
    counts = {name: numbers[name] for name in examples.names if numbers[name] >= minimum}
    taught = examples.take(np.isin(examples.labels, list(counts)))
    labels = [*taught.labels.tolist(), *examples.described.tolist()]
    if not counts or len(set(labels)) < 2:
        return None
    phrases = np.full(len(examples.described), DESCRIPTION_COUNT)
    vectors = np.vstack(
        [taught.vectors, examples.descriptions.reshape(-1, taught.vectors.shape[1])]
    )
    return Fitted(fit_head(vectors, labels, np.concatenate([taught.counts, phrases])), counts)


def split(labels: np.ndarray) -> np.ndarray:
    """Return (texts,) whether a ticket is a test: the newest third of each category."""
    is_test = np.zeros(len(labels), bool)
    for name in set(labels.tolist()):
        rows = np.flatnonzero(labels == name)
        is_test[rows[len(rows) - int(len(rows) * TEST_SHARE) :]] = True
    tests = np.flatnonzero(is_test)
    if len(tests) > MAX_TESTS:
        is_test[np.random.default_rng(SEED).permutation(tests)[MAX_TESTS:]] = False
    return is_test


def evaluate(examples: Examples, active: Collection[int] | None = None) -> Evaluation:
    """Judge a head fitted on these labels against what is in use.

    ``active``: the rows that the active head has learned from; None without one.
    """
    is_test = split(examples.labels)
    taught, tests = examples.take(~is_test), examples.take(is_test)
    candidate = fit(taught, MIN_TAUGHT_PER_CATEGORY)
    if len(examples) < MIN_LABELS or len(tests) < MIN_TESTS:
        return _refused("few labels", examples, tests)
    if candidate is None:
        return _refused("few per category", examples, tests)
    in_use = tests.base
    if active is not None:
        was_known = np.zeros(len(examples), bool)
        was_known[list(active)] = True
        former = fit(examples.take(was_known & ~is_test), MIN_TAUGHT_PER_CATEGORY)
        in_use = former.mixture(tests) if former else in_use
    return _judge(examples, tests, in_use, candidate.mixture(tests))


def without_head(evaluation: Evaluation) -> Evaluation:
    """Return the evaluation of labels of which no two categories have enough to be learned."""
    return replace(evaluation, reason="few per category")


def _refused(reason: Reason, examples: Examples, tests: Examples) -> Evaluation:
    return Evaluation(reason, len(examples), len(tests), 0.0, None, ())


def _judge(
    examples: Examples, tests: Examples, in_use: np.ndarray, candidate: np.ndarray
) -> Evaluation:
    names = np.array(tests.names)
    chosen = names[candidate.argmax(-1)]
    before, after = names[in_use.argmax(-1)] == tests.labels, chosen == tests.labels
    groups = _groups(tests.labels)
    overall = compare("*", before, after)
    categories = tuple(
        compare(name, before[groups == name], after[groups == name])
        for name in sorted(set(groups.tolist()), key=lambda name: (name == OTHERS, name))
    )
    kappa = agreement_beyond_chance(chosen, tests.labels)
    worse = next((part.category for part in categories if part.verdict == "worse"), None)
    reason: Reason = ""
    if overall.verdict == "worse" or overall.after - overall.before < -MARGIN:
        reason = "worse"
    elif kappa < MIN_KAPPA:
        reason = "no agreement"
    elif worse is not None:
        reason = "category worse"
    right_choices = after[tests.is_choice]
    return Evaluation(
        reason=reason,
        labels=len(examples),
        tests=len(tests),
        kappa=round(kappa, 3),
        overall=overall,
        categories=categories,
        category=worse if worse is not None else "",
        threshold=find_threshold(candidate.max(-1)[tests.is_choice], right_choices),
    )


def find_threshold(confidences: np.ndarray, right: np.ndarray) -> float | None:
    """Return the lowest confidence from which MIN_RIGHT of the tests are right.

    Only tests whose category a person chose may be asked: the others agree by construction. None
    while fewer than MIN_DECIDED are above it.
    """
    order = np.argsort(-confidences)
    shares = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    enough = [
        row
        for row, share in enumerate(shares)
        if row + 1 >= MIN_DECIDED
        and share >= MIN_RIGHT
        and confidences[order[row]] >= MIN_THRESHOLD
    ]
    return round(float(confidences[order[enough[-1]]]), 4) if enough else None


def _groups(labels: np.ndarray) -> np.ndarray:
    """Return each test's category, or OTHERS if it has few tests."""
    numbers = Counter(labels.tolist())
    return np.array(
        [name if numbers[name] >= MIN_TESTS_PER_CATEGORY else OTHERS for name in labels.tolist()]
    )


def compare(category: str, before: np.ndarray, after: np.ndarray) -> Difference:
    """Compare which tests were right, by a paired bootstrap of the same tests.

    Worse or better: the whole interval is on one side of zero. As good: it is within MARGIN around
    it. Otherwise there is not enough evidence.
    """
    gains = after.astype(float) - before.astype(float)
    picks = np.random.default_rng(SEED).integers(0, len(gains), size=(RESAMPLES, len(gains)))
    low, high = np.quantile(gains[picks].mean(axis=1), [0.025, 0.975])
    verdict: Verdict = "not enough"
    if low > 0:
        verdict = "better"
    elif high < 0:
        verdict = "worse"
    elif low >= -MARGIN and len(gains) >= MIN_TESTS_PER_CATEGORY:
        verdict = "as good"
    return Difference(
        category=category,
        tests=len(gains),
        before=round(float(before.mean()), 4),
        after=round(float(after.mean()), 4),
        low=round(float(low), 4),
        high=round(float(high), 4),
        verdict=verdict,
    )


def agreement_beyond_chance(chosen: np.ndarray, labels: np.ndarray) -> float:
    """Return Cohen's kappa: 0 for choices that have nothing to do with the labels, 1 for equal."""
    names = set(chosen.tolist()) | set(labels.tolist())
    by_chance = sum(float((chosen == name).mean() * (labels == name).mean()) for name in names)
    equal = float((chosen == labels).mean())
    return (equal - by_chance) / (1 - by_chance) if by_chance < 1 else 1.0
