"""Predict open tickets again after another head was activated, from what is stored.

The classifier's own prediction and the vector of each ticket are there, so no bundle runs. First
the tickets without a category, then those with one that no person has set; never closed ones.
"""

import time

import numpy as np
from django.db import transaction
from django.db.models import Case, Exists, OuterRef, Q, QuerySet, Value, When

from appliance.core.types import UNSET
from appliance.inference.bundle import Bundle, InferenceError
from appliance.inference.learned import LearnedHead, refine
from appliance.inference.predictions import CategoryPrediction
from appliance.tickets import queries as tickets_queries
from appliance.tickets import services as tickets_services
from appliance.tickets.models import OPEN_STATUSES, Ticket, TicketCategory
from appliance.triage import classifier, engine, learning
from appliance.triage.models import NOT_SURE, Prediction, TicketVector
from appliance.triage.services.learning import open_predictions

BATCH_ROWS = 200


def reclassify_backlog(*, seconds: float = 10.0) -> int:
    """Predict open tickets with the head in use for that many seconds. How many; 0 at the end."""
    try:
        bundle = engine.current().bundle("classifier")
    except InferenceError:
        return 0
    learned = learning.find_head_in_use()
    ends_at, done = time.monotonic() + seconds, 0
    skipped: set[int] = set()  # changed meanwhile: their own annotation uses the head in use
    while time.monotonic() < ends_at:
        batch = list_outdated(bundle, learned, BATCH_ROWS, skipped)
        if not batch:
            break
        for prediction_id in batch:
            if _reclassify(prediction_id, bundle, learned):
                done += 1
            else:
                skipped.add(prediction_id)
    return done


def list_outdated(
    bundle: Bundle, learned: LearnedHead | None, limit: int, skipped: set[int] | None = None
) -> list[int]:
    """Return ids of the predictions that another head made, or none, unsorted tickets first."""
    has_category = Case(When(ticket__category=None, then=Value(0)), default=Value(1))
    predictions = _outdated(bundle, learned).exclude(pk__in=skipped or set())
    ordered = predictions.order_by(has_category, "-ticket__created_at", "-pk")
    return list(ordered.values_list("pk", flat=True)[:limit])


def _outdated(bundle: Bundle, learned: LearnedHead | None) -> QuerySet[Prediction]:
    predictions = (
        open_predictions()
        .filter(bundle_digest=bundle.ref.digest, is_other_language=False)
        .exclude(head=learned.version if learned else 0)
        .exclude(Q(scores=[]) | Q(text_sha256=""))
    )
    if learned is None:
        return predictions
    vectors = TicketVector.objects.filter(
        ticket=OuterRef("ticket_id"), space=learned.space, text_sha256=OuterRef("text_sha256")
    )
    return predictions.filter(Exists(vectors))


@transaction.atomic
def _reclassify(prediction_id: int, bundle: Bundle, learned: LearnedHead | None) -> bool:
    """Predict one ticket again. False when it was closed, sorted or changed meanwhile."""
    prediction = Prediction.objects.filter(pk=prediction_id).first()
    if prediction is None:
        return False
    ticket = Ticket.objects.select_for_update(of=["self"]).get(pk=prediction.ticket_id)
    if ticket.status not in OPEN_STATUSES or tickets_queries.was_category_chosen(ticket):
        return False
    prediction = _outdated(bundle, learned).filter(pk=prediction_id).first()
    base = prediction and learning.read_base(prediction, classifier.labels())
    if not prediction or not base:
        return False
    _update(ticket, prediction, _predict(bundle, base, ticket, learned))
    return True


def _predict(
    bundle: Bundle, base: CategoryPrediction, ticket: Ticket, learned: LearnedHead | None
) -> CategoryPrediction:
    if learned is None:
        return base
    row = TicketVector.objects.get(ticket=ticket, space=learned.space)
    return refine(bundle, base, np.asarray(row.vector, np.float32), learned)


def _update(ticket: Ticket, prediction: Prediction, category: CategoryPrediction) -> None:
    """Write the prediction, and its category to the ticket if that differs."""
    label_before = prediction.label
    prediction.label = category.label or NOT_SURE
    prediction.withheld_label = category.withheld_label or NOT_SURE
    prediction.confidence = category.confidence
    prediction.scores = learning.stored_scores(category)
    prediction.head, prediction.base = category.head, learning.stored_base(category)
    prediction.save(
        update_fields=["label", "withheld_label", "confidence", "scores", "head", "base"]
    )
    if prediction.label == label_before:
        return
    tickets_services.record_classification(
        ticket=ticket,
        category=TicketCategory.objects.filter(slug=category.label, is_active=True).first(),
        sentiment_score=UNSET,
        bundles=prediction.bundle,
        data={"category": prediction.label, "confidence": round(category.confidence, 3)},
    )
