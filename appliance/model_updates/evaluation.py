"""Evaluate new bundles on the installation's own tickets, beside the active ones."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from django.db.models import Exists, OuterRef, Q

from appliance.accounts.models import Role
from appliance.core.audit import ANONYMOUS
from appliance.inference.bundle import ROLES, Bundle, InferenceError
from appliance.model_updates import sandbox, statistics
from appliance.model_updates.errors import UNDECIDED, Step, UpdateRejectedError
from appliance.model_updates.run_context import RunContext
from appliance.model_updates.sandbox import SandboxPredictions
from appliance.model_updates.statistics import Comparison, Verdict
from appliance.tickets.models import Event, Status, Ticket, TicketCategory
from appliance.triage import classifier, engine

MIN_PHRASES = 12
MIN_AGREEMENT = 0.7  # of two sentiment bundles on the installation's own tickets
MAX_TICKETS = 300  # the newest, since older ones may be about other subjects
SENTIMENTS = Path(__file__).with_name("sentiment_sentences.json")
Folders = dict[str, Path]  # by role
IsCorrect = Callable[[SandboxPredictions, int], bool]  # predictions, number of the text


@dataclass(frozen=True)
class ConfirmedTicket:
    """The text of a ticket and the category that an agent confirmed."""

    text: str
    category: str  # its slug
    is_chosen: bool


@dataclass(frozen=True)
class Evaluation:
    """The verdict on one bundle, its reason, and the figures behind it."""

    verdict: Verdict
    reason: str
    data: dict[str, Any]


@dataclass(frozen=True)
class EvaluationSet:
    """What the bundles are evaluated on."""

    active: Folders
    tickets: list[ConfirmedTicket]
    labels: dict[str, str]

    @property
    def texts(self) -> list[str]:
        return [ticket.text for ticket in self.tickets]

    @property
    def categories(self) -> list[str]:
        return [ticket.category for ticket in self.tickets]


def evaluate(context: RunContext) -> dict[str, Any]:
    """Evaluate every new bundle together with the active ones of the other roles."""
    evaluation_set = EvaluationSet(_active_folders(), list_confirmed_tickets(), classifier.labels())
    results: dict[str, Any] = {}
    for bundle in context.bundles:
        role, about = bundle.ref.role, f"{bundle.ref.name}/{bundle.ref.version}"
        evaluation = EVALUATIONS[role](bundle, evaluation_set)
        results[role] = {
            "verdict": evaluation.verdict,
            "why": evaluation.reason,
            **evaluation.data,
        }
        if evaluation.verdict == "worse":
            text = f"{about} is worse than the active bundle: {evaluation.reason}"
            _reject(context, "worse", text, results, None)
        if evaluation.verdict == "not enough":
            text = (
                f"Not enough evidence about {about}: {evaluation.reason} An admin must approve it."
            )
            _reject(context, "undecided", text, results, UNDECIDED)
    return results


def _reject(
    context: RunContext, finding: str, text: str, results: dict[str, Any], code: int | None
) -> None:
    try:
        context.reject_unless_accepted(finding, Step.EVALUATION, text, code=code)
    except UpdateRejectedError as error:
        error.details = results  # the evidence for the admin who decides
        raise


def _active_folders() -> Folders:
    folders = {}
    for role in ROLES:
        try:
            folders[role] = engine.current().bundle(role).folder
        except InferenceError:
            continue  # a role without a bundle has nothing to compare with
    return folders


def _predict(
    folders: Folders,
    role: str,
    texts: list[str],
    labels: dict[str, str],
    outputs: list[str],
    phrases: list[str] | None = None,
) -> SandboxPredictions | None:
    """Predict in the sandbox; None without a text, or without a bundle of this role."""
    if role not in folders or not (texts or phrases):
        return None
    return sandbox.predict_texts(folders, texts, labels, outputs, phrases)


def _compare(
    old: SandboxPredictions | None,
    new: SandboxPredictions | None,
    classes: Sequence[str],
    is_correct: IsCorrect,
    *,
    min_texts: int = statistics.MIN_TEXTS,
    by_class: bool = True,
) -> Comparison:
    numbers = range(len(classes))
    before = [old is not None and is_correct(old, number) for number in numbers]
    after = [new is not None and is_correct(new, number) for number in numbers]
    groups = classes if by_class else [""] * len(classes)
    return statistics.compare(before, after, groups, min_texts=min_texts)


def _evaluate_classifier(bundle: Bundle, evaluation_set: EvaluationSet) -> Evaluation:
    """Compare the heads on the categories' example phrases, then head and similarity on tickets.

    The similarity to those same phrases would hide exchanged labels, hence the heads alone.
    """
    phrases = list_phrases()
    texts, categories = evaluation_set.texts, evaluation_set.categories
    slugs = [slug for _, slug in phrases]
    old, new = (
        _predict(
            folders,
            "classifier",
            texts,
            evaluation_set.labels,
            ["category", "head"],
            [phrase for phrase, _ in phrases],
        )
        for folders in (
            evaluation_set.active,
            {**evaluation_set.active, "classifier": bundle.folder},
        )
    )

    def is_head_correct(predictions: SandboxPredictions, number: int) -> bool:
        return predictions["head"][number] == slugs[number]

    def is_first_correct(predictions: SandboxPredictions, number: int) -> bool:
        return predictions["first"][number] == categories[number]

    def is_not_wrong(predictions: SandboxPredictions, number: int) -> bool:
        return predictions["category"][number] in (None, categories[number])

    heads = _compare(old, new, slugs, is_head_correct, min_texts=MIN_PHRASES, by_class=False)
    first = _compare(old, new, categories, is_first_correct)
    sure = _compare(old, new, categories, is_not_wrong, by_class=False)
    data = {
        "tickets": len(texts),
        "chosen": sum(ticket.is_chosen for ticket in evaluation_set.tickets),
        "first choice": first.as_json(),
        "not wrong while sure": sure.as_json(),
        "phrases of the categories": heads.as_json(),
        "not sure": {"before": _unsure_share(old), "after": _unsure_share(new)},
    }
    if heads.verdict == "worse":
        after, before = heads.overall.after, heads.overall.before
        reason = f"it classifies {after:.0%} of the categories' own phrases correctly, "
        return Evaluation("worse", f"{reason}before {before:.0%}.", data)
    return _conclude([first, sure], data, len(texts))


def _unsure_share(predictions: SandboxPredictions | None) -> float | None:
    if not predictions or not predictions["category"]:
        return None
    labels = predictions["category"]
    return round(sum(label is None for label in labels) / len(labels), 3)


def _conclude(comparisons: list[Comparison], data: dict[str, Any], tickets: int) -> Evaluation:
    for comparison in comparisons:
        if comparison.verdict == "worse":
            part = next(
                difference
                for difference in (comparison.overall, *comparison.classes)
                if difference.verdict == "worse"
            )
            about = f" of “{part.name}”" if part.name else ""
            reason = f"on {part.texts} tickets{about} {part.after:.0%} are correct, "
            return Evaluation("worse", f"{reason}before {part.before:.0%}.", data)
    if any(comparison.verdict == "not enough" for comparison in comparisons):
        reason = f"{tickets} confirmed tickets cannot tell them apart."
        return Evaluation("not enough", reason, data)
    return Evaluation("as good", f"on {tickets} confirmed tickets.", data)


def _evaluate_sentiment(bundle: Bundle, evaluation_set: EvaluationSet) -> Evaluation:
    """Compare on sentences with a known sentiment, and measure the agreement on tickets."""
    sentences = json.loads(SENTIMENTS.read_text(encoding="utf-8"))
    texts = [text for _, text in sentences]
    sentiments = [sentiment for sentiment, _ in sentences]
    folders = {**evaluation_set.active, "sentiment": bundle.folder}
    old = _predict(
        evaluation_set.active, "sentiment", texts + evaluation_set.texts, {}, ["sentiment"]
    )
    new = _predict(folders, "sentiment", texts + evaluation_set.texts, {}, ["sentiment"])

    def is_correct(predictions: SandboxPredictions, number: int) -> bool:
        return predictions["sentiment"][number] == sentiments[number]

    correct = _compare(old, new, sentiments, is_correct, min_texts=MIN_PHRASES)
    agreements: list[bool] = []
    if old and new:
        pairs = zip(old["sentiment"], new["sentiment"], strict=True)
        agreements = [before == after for before, after in pairs][len(texts) :]
    agreement = sum(agreements) / len(agreements) if agreements else None
    data = {
        "plain sentences": correct.as_json(),
        "tickets": len(evaluation_set.tickets),
        "same sentiment": agreement,
    }
    if correct.verdict == "worse":
        reason = f"it classifies {correct.overall.after:.0%} of plain sentences correctly, before "
        return Evaluation("worse", f"{reason}{correct.overall.before:.0%}.", data)
    is_enough = len(agreements) >= statistics.MIN_TEXTS
    if agreement is not None and is_enough and agreement < MIN_AGREEMENT:
        reason = (
            f"it predicts another sentiment in {1 - agreement:.0%} of {len(agreements)} tickets."
        )
        return Evaluation("worse", reason, data)
    return Evaluation("not enough", "no one confirms sentiments.", data)


def _evaluate_encoder(bundle: Bundle, evaluation_set: EvaluationSet) -> Evaluation:
    """Compare whether nearest tickets share a category, and the classifier with each encoder."""
    folders = {**evaluation_set.active, "encoder": bundle.folder}
    texts, categories = evaluation_set.texts, evaluation_set.categories
    has_classifier = "classifier" in evaluation_set.active and bool(evaluation_set.labels)
    outputs = ["vector", *(["category"] if has_classifier else [])]
    old = _predict(evaluation_set.active, "encoder", texts, evaluation_set.labels, outputs)
    new = _predict(folders, "encoder", texts, evaluation_set.labels, outputs)
    nearest = statistics.compare(
        _has_nearest_of_same_category(old, categories),
        _has_nearest_of_same_category(new, categories),
        [""] * len(categories),
    )
    comparisons, data = [nearest], {"tickets": len(texts), "nearest": nearest.as_json()}
    if has_classifier:

        def is_first_correct(predictions: SandboxPredictions, number: int) -> bool:
            return predictions["first"][number] == categories[number]

        first = _compare(old, new, categories, is_first_correct)
        comparisons.append(first)
        data["first choice"] = first.as_json()
    return _conclude(comparisons, data, len(texts))


def _has_nearest_of_same_category(
    predictions: SandboxPredictions | None, categories: list[str]
) -> list[bool]:
    if predictions is None or len(categories) < 2:
        return [False] * len(categories)
    vectors = np.array(predictions["vector"], dtype=np.float32)
    return statistics.has_nearest_of_same_class(vectors, categories)


EVALUATIONS: dict[str, Callable[[Bundle, EvaluationSet], Evaluation]] = {
    "classifier": _evaluate_classifier,
    "sentiment": _evaluate_sentiment,
    "encoder": _evaluate_encoder,
}


def list_confirmed_tickets(limit: int = MAX_TICKETS) -> list[ConfirmedTicket]:
    """Return the newest tickets whose category an agent set, or left when solving. Two queries."""
    by_agent = Event.objects.filter(ticket=OuterRef("pk"), actor__role__in=[Role.AGENT, Role.ADMIN])
    is_chosen = Exists(by_agent.filter(kind__in=[Event.Kind.CATEGORY, Event.Kind.CONFIRMED]))
    is_solved = Exists(by_agent.filter(kind=Event.Kind.STATUS))
    tickets = (
        Ticket.objects.filter(category__is_active=True)
        .exclude(subject=ANONYMOUS, description="")
        .annotate(is_chosen=is_chosen)
        .filter(Q(is_chosen=True) | Q(is_solved, status__in=[Status.SOLVED, Status.CLOSED]))
        .select_related("category")
        .defer("search_vector")
        .order_by("-created_at", "-id")[:limit]
    )
    return [
        ConfirmedTicket(ticket.text, ticket.category.slug, ticket.is_chosen)
        for ticket in tickets
        if ticket.category is not None
    ]


def list_phrases() -> list[tuple[str, str]]:
    """Return (phrase, slug) of the example phrases of all active categories."""
    return [
        (str(phrase), category.slug)
        for category in TicketCategory.objects.filter(is_active=True)
        for phrase in category.examples
    ]
