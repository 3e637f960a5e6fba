"""What this desk learned from its labels: the head in use, and the labels as training data."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import numpy as np
import structlog
from django.db.models import FilteredRelation, Q, QuerySet, TextField
from django.db.models.functions import Cast

from appliance.inference.bundle import BundleRef, InferenceError
from appliance.inference.learned import LearnedHead, head_weight
from appliance.inference.linear_head import LinearHead
from appliance.inference.predictions import CategoryPrediction
from appliance.tickets.models import TicketCategory
from appliance.triage import engine
from appliance.triage.head_evaluation import Examples
from appliance.triage.models import (
    DIMENSIONS,
    NOT_SURE,
    CategoryHead,
    CategoryLabel,
    Prediction,
)

log = structlog.get_logger(__name__)
Scores = list[list[str | float]]  # [label, probability] pairs
MAX_TAUGHT = 20_000  # the newest labels; older ones describe a desk of the past
WEAK_COUNT = 0.3  # what a label counts that nobody looked at, beside 1 for a person's choice


def find_head_in_use() -> LearnedHead | None:
    """Return the active head, if the active encoder writes its space. One query, by index."""
    space = engine.active_space()
    if space is None:
        return None
    active = CategoryHead.objects.filter(state=CategoryHead.State.ACTIVE, space=space)
    pk = active.values_list("pk", flat=True).first()
    return _load_head(pk) if pk is not None else None


@lru_cache(maxsize=4)
def _load_head(pk: int) -> LearnedHead | None:
    """Read a head, which never changes once it is stored."""
    row = CategoryHead.objects.filter(pk=pk).first()
    if row is None:
        return None
    try:
        head = LinearHead.from_bytes(bytes(row.content))
    except ValueError:
        log.exception("head_unreadable", head=pk)
        return None
    return LearnedHead(
        version=row.pk,
        space=row.space,
        head=head,
        weight=head_weight(row.counts),
        threshold=row.evaluation.get("threshold"),
    )


# --- predictions, as they are stored


def stored_scores(prediction: CategoryPrediction) -> Scores:
    return [[label, round(score, 4)] for label, score in prediction.scores]


def stored_base(prediction: CategoryPrediction) -> dict[str, Any]:
    """Return the prediction of the classifier alone, if a head took part in this one."""
    base = prediction.base
    if base is None:
        return {}
    return {
        "label": base.label or NOT_SURE,
        "withheld_label": base.withheld_label or NOT_SURE,
        # finer than shown, as a head that is trained later starts from them
        "scores": [[label, round(score, 6)] for label, score in base.scores],
    }


def read_base(prediction: Prediction, active_slugs: Iterable[str]) -> CategoryPrediction | None:
    """Return what the classifier alone predicted, without categories that were removed since.

    None without scores: the text was not classified.
    """
    base = prediction.base or {
        "label": prediction.label,
        "withheld_label": prediction.withheld_label,
        "scores": prediction.scores,
    }
    slugs = set(active_slugs)
    pairs = [(str(slug), float(score)) for slug, score in base["scores"] if slug in slugs]
    total = sum(score for _, score in pairs)
    if not total:
        return None
    label = base["label"] if base["label"] in slugs else NOT_SURE
    return CategoryPrediction(
        label=label or None,
        confidence=pairs[0][1] / total,
        scores=tuple((slug, score / total) for slug, score in pairs),
        bundle=BundleRef(
            "classifier",
            prediction.bundle_name,
            prediction.bundle_version,
            prediction.bundle_digest,
            "",
        ),
        withheld_label=base["withheld_label"] or None,
    )


# --- labels, as training data


@dataclass(frozen=True)
class TrainingData:
    """The labels whose tickets have a vector and a prediction, oldest first."""

    examples: Examples
    at: tuple[datetime, ...]

    def known_at(self, until: datetime | None) -> list[int] | None:
        """Return the rows that a head has learned from; None without a head."""
        if until is None:
            return None
        return [row for row, at in enumerate(self.at) if at <= until]


def labels_to_learn(space: str) -> QuerySet[CategoryLabel]:
    """Return the labels of active categories whose tickets have a vector in this space."""
    return (
        CategoryLabel.objects.filter(category__is_active=True)
        .annotate(
            own=FilteredRelation("ticket__vectors", condition=Q(ticket__vectors__space=space)),
            guess=FilteredRelation(
                "ticket__predictions",
                condition=Q(ticket__predictions__kind=Prediction.Kind.CATEGORY),
            ),
        )
        .filter(own__isnull=False, guess__isnull=False)
    )


def load_training_data(space: str) -> TrainingData:
    """Read the newest MAX_TAUGHT labels with vectors of this space."""
    names = tuple(
        TicketCategory.objects.filter(is_active=True)
        .order_by("slug")
        .values_list("slug", flat=True)
    )
    rows = labels_to_learn(space).order_by("-at", "-pk")
    columns = rows.values_list(
        "at",
        "source",
        "category__slug",
        "guess__scores",
        "guess__base",
        Cast("own__vector", TextField()),  # a list of Python numbers would take 30 MB a thousand
    )
    at: list[datetime] = []
    labels, sources, scores, vectors = [], [], [], []
    for row in columns[:MAX_TAUGHT].iterator(chunk_size=1000):
        if row[3]:
            at.append(row[0])
            sources.append(row[1])
            labels.append(row[2])
            scores.append((row[4] or {}).get("scores") or row[3])
            vectors.append(np.fromstring(row[5][1:-1], dtype=np.float32, sep=","))
    is_choice = np.array(sources[::-1], dtype=object) != CategoryLabel.Source.KEPT
    descriptions, described = embed_descriptions(space)
    examples = Examples(
        vectors=np.stack(vectors[::-1]) if vectors else np.zeros((0, DIMENSIONS), np.float32),
        labels=np.array(labels[::-1], dtype=object),
        counts=np.where(is_choice, 1.0, WEAK_COUNT),
        names=names,
        base=base_matrix(scores[::-1], names),
        descriptions=descriptions,
        described=described,
        is_choice=is_choice.astype(bool),
    )
    return TrainingData(examples, tuple(at[::-1]))


def embed_descriptions(space: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the vectors (phrases, dims) of the categories' descriptions, and their slugs.

    About 0.02 s a phrase. None at all while the encoder is not at hand.
    """
    categories = TicketCategory.objects.filter(is_active=True).order_by("slug")
    try:
        vectors = {
            category.slug: engine.current().embed_description(category.classifier_text, space)
            for category in categories
        }
    except InferenceError as error:
        log.warning("descriptions_not_learned", reason=str(error))
        vectors = {}
    slugs = np.array([slug for slug, rows in vectors.items() for _ in rows], dtype=object)
    return np.concatenate([np.zeros((0, DIMENSIONS), np.float32), *vectors.values()]), slugs


def base_matrix(scores: Sequence[Scores], names: Sequence[str]) -> np.ndarray:
    """Return (texts, names) probabilities; of a category that is newer, what chance gives it."""
    columns = {name: column for column, name in enumerate(names)}
    by_chance = 1 / max(1, len(names))
    matrix = np.full((len(scores), len(names)), by_chance)
    for row, pairs in zip(matrix, scores, strict=True):
        for slug, score in pairs:
            if slug in columns:
                row[columns[str(slug)]] = score
        if total := row.sum():
            row /= total
        else:  # a text without words, of which nothing is said
            row += by_chance
    return matrix
