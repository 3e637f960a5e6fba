"""Annotate tickets: claim a text, run the bundles on it, write their predictions.

The bundles run outside any transaction; the rows are written in one short transaction, and only
when the text is still the one that was processed.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from appliance.core import queries as core_queries
from appliance.core.database import run_and_close_connection
from appliance.core.deadline_pool import BusyError, DeadlineExecutor
from appliance.core.types import UNSET, Unset
from appliance.inference.bundle import BundleRef, InferenceError
from appliance.inference.learned import LearnedHead
from appliance.inference.predictions import (
    CategoryPrediction,
    LanguagePrediction,
    SentimentPrediction,
)
from appliance.tickets import services as tickets_services
from appliance.tickets.event_data import ClassifiedData
from appliance.tickets.models import Ticket, TicketCategory
from appliance.triage import classifier, engine, inference_calls, language, learning, work_queue
from appliance.triage.inference_calls import TextPredictions
from appliance.triage.learning import Scores
from appliance.triage.models import NOT_SURE, AnnotationLease, Prediction, TicketVector
from appliance.triage.services.articles import refresh_article
from appliance.triage.texts import digest

log = structlog.get_logger(__name__)
_executor = DeadlineExecutor("annotate", threads=2)
# The fields of a prediction; its ticket and kind are its key.
PREDICTION_FIELDS = [
    "label",
    "withheld_label",
    "is_other_language",
    "confidence",
    "scores",
    "head",
    "base",
    "bundle_name",
    "bundle_version",
    "bundle_digest",
    "text_sha256",
    "created_at",
]


@dataclass(frozen=True)
class ClaimedTicket:
    """A ticket whose lease is ours, with all that the bundles need to process its text."""

    ticket: Ticket
    kind: AnnotationLease.Kind
    refs: work_queue.Refs
    text_sha256: str
    roles: frozenset[str]  # the bundles that have not processed this text
    labels: Mapping[str, str]
    cold_start: bool
    desk_languages: Sequence[str]
    learned: LearnedHead | None  # the desk's own head

    @property
    def space(self) -> str | None:
        return self.refs["encoder"].space if "encoder" in self.refs else None


def annotate(ticket_id: int) -> bool:
    """Let the bundles at hand process a ticket. Whether a row was written.

    Nothing is written, and no event, when all predictions are there, when another worker holds the
    ticket, when there is no bundle, or when the text failed permanently.
    """
    claimed = _claim(ticket_id, work_queue.refs_at_hand(), AnnotationLease.Kind.TICKET)
    return claimed is not None and _write(claimed, _predict(claimed))


def annotate_soon(ticket_id: int, budget_seconds: float | None = None) -> bool:
    """Annotate within the budget (settings.ANNOTATE_BUDGET_SECONDS). Whether it ended in time.

    Never raises. The bundles run in a thread: a late result is written by that thread, and while
    bundles hang, calls return at once. The ticket must be committed.
    """
    if connection.in_atomic_block:
        return False
    seconds = settings.ANNOTATE_BUDGET_SECONDS if budget_seconds is None else budget_seconds
    try:
        _annotate_within(ticket_id, seconds)
    except (BusyError, TimeoutError) as error:
        log.info("annotate_later", ticket=ticket_id, error=type(error).__name__)
        return False
    except Exception:
        log.exception("annotate_failed", ticket=ticket_id)
        return False
    return True


def _annotate_within(ticket_id: int, seconds: float) -> None:
    """Raises BusyError or TimeoutError when the bundles do not answer in time."""
    claimed = _claim(ticket_id, work_queue.refs_at_hand(), AnnotationLease.Kind.TICKET)
    if claimed is None:
        return
    try:
        predictions = _executor.run(
            partial(_predict, claimed),
            seconds=seconds,
            on_late_result=partial(_write_late, claimed),
        )
    except BusyError:  # no inference was started, so this was no attempt
        work_queue.release(claimed.kind, ticket_id)
        raise
    _write(claimed, predictions)


def embed_for_next_encoder(ticket_id: int, encoder: BundleRef) -> bool:
    """Write the next encoder's vector beside the active one. Whether it was written."""
    claimed = _claim(ticket_id, {"encoder": encoder}, AnnotationLease.Kind.NEXT_TICKET)
    return claimed is not None and _write(claimed, _predict(claimed))


def _claim(
    ticket_id: int, refs: work_queue.Refs, kind: AnnotationLease.Kind
) -> ClaimedTicket | None:
    """Gather the text and take its lease; None when there is nothing to do."""
    ticket = Ticket.objects.filter(pk=ticket_id).first()
    if ticket is None:
        return None
    text_sha256 = digest(ticket.text)
    if not work_queue.find_stale_roles(ticket, refs, text_sha256):
        return None
    if not work_queue.claim(kind, ticket_id, text_sha256=text_sha256, refs=refs):
        return None
    return ClaimedTicket(
        ticket=ticket,
        kind=kind,
        refs=refs,
        text_sha256=text_sha256,
        # once more: the worker that held the lease before may have just written them
        roles=frozenset(work_queue.find_stale_roles(ticket, refs, text_sha256)),
        labels=classifier.labels() if "classifier" in refs else {},
        cold_start=classifier.is_cold_start(refs.get("classifier")),
        desk_languages=core_queries.desk_languages(),
        learned=learning.find_head_in_use() if "classifier" in refs else None,
    )


def _predict(claimed: ClaimedTicket) -> TextPredictions:
    """Run the bundles. No database: this may be in another thread, or hang."""
    return inference_calls.predict(
        claimed.ticket.text,
        claimed.roles,
        claimed.labels,
        claimed.space,
        cold_start=claimed.cold_start,
        desk_languages=claimed.desk_languages,
        learned=claimed.learned,
    )


def _write_late(claimed: ClaimedTicket, predictions: TextPredictions) -> None:
    run_and_close_connection(partial(_write, claimed, predictions))


@transaction.atomic
def _write(claimed: ClaimedTicket, predictions: TextPredictions) -> bool:
    """Write the predictions and release the lease. Whether a row was written."""
    is_written = not predictions.is_empty and _write_rows(claimed, predictions)
    work_queue.release(claimed.kind, claimed.ticket.pk, errors=predictions.errors)
    return is_written


def _write_rows(claimed: ClaimedTicket, predictions: TextPredictions) -> bool:
    """Write what is still missing. False when the text has changed, or all is there."""
    ticket = Ticket.objects.select_for_update(of=["self"]).get(pk=claimed.ticket.pk)
    roles = work_queue.find_stale_roles(ticket, claimed.refs, claimed.text_sha256)
    if digest(ticket.text) != claimed.text_sha256 or not roles:
        return False
    if predictions.vector is not None and "encoder" in roles:
        vector = TicketVector(
            ticket=ticket,
            space=claimed.refs["encoder"].space,
            vector=predictions.vector,
            text_sha256=claimed.text_sha256,
        )
        TicketVector.objects.bulk_create(
            [vector],
            update_conflicts=True,
            unique_fields=["space", "ticket"],
            update_fields=["vector", "text_sha256"],
        )
    results = TextResults(
        text_sha256=claimed.text_sha256,
        category=predictions.category if "classifier" in roles else None,
        sentiment=predictions.sentiment if "sentiment" in roles else None,
        language=_language_prediction(claimed, predictions) if language.ROLE in roles else None,
    )
    if not results.is_empty:
        _write_predictions(ticket, results)
    return True


@dataclass(frozen=True)
class TextResults:
    """What is new about a text, to be written; None where there is nothing new."""

    text_sha256: str
    category: CategoryPrediction | None
    sentiment: SentimentPrediction | None
    language: LanguagePrediction | None

    @property
    def is_empty(self) -> bool:
        return self.category is None and self.sentiment is None and self.language is None


def _language_prediction(
    claimed: ClaimedTicket, predictions: TextPredictions
) -> LanguagePrediction | None:
    if (recognised := predictions.language) is None:
        return None
    ref = claimed.refs[language.ROLE]
    return LanguagePrediction(recognised.code, recognised.probability, ref)


def _write_predictions(ticket: Ticket, results: TextResults) -> None:
    category, sentiment, text_sha256 = results.category, results.sentiment, results.text_sha256
    data: ClassifiedData = {}
    ticket_category = ticket.category
    predictions: list[Prediction] = []
    if results.language:
        kind = Prediction.Kind.LANGUAGE
        predictions.append(_prediction(ticket, kind, results.language, [], text_sha256))
        data["language"] = results.language.label
    if category:
        scores = learning.stored_scores(category)
        prediction = _prediction(ticket, Prediction.Kind.CATEGORY, category, scores, text_sha256)
        prediction.withheld_label = category.withheld_label or NOT_SURE
        prediction.head, prediction.base = category.head, learning.stored_base(category)
        predictions.append(prediction)
        active = TicketCategory.objects.filter(is_active=True)
        ticket_category = active.filter(slug=category.label).first()
        if ticket_category is None:  # not sure, or it was removed meanwhile
            prediction.label = NOT_SURE
        data["category"] = prediction.label
        data["confidence"] = round(category.confidence, 3)
    if sentiment:
        scores = []
        if sentiment.label:
            scores = [[sentiment.label, round(sentiment.confidence, 4)]]
            data["sentiment"] = sentiment.label
            data["sentiment_score"] = round(sentiment.score, 3)
        kind = Prediction.Kind.SENTIMENT
        predictions.append(_prediction(ticket, kind, sentiment, scores, text_sha256))
    Prediction.objects.bulk_create(
        predictions,
        update_conflicts=True,
        unique_fields=["ticket", "kind"],
        update_fields=PREDICTION_FIELDS,
    )
    if not category and not sentiment:
        tickets_services.record_language(ticket=ticket, language=data["language"])
        return
    tickets_services.record_classification(
        ticket=ticket,
        category=ticket_category,
        sentiment_score=_sentiment_score(sentiment),
        bundles=" · ".join(
            f"{result.bundle.name} {result.bundle.version}"
            for result in (category, sentiment)
            if result
        ),
        data=data,
        language=data.get("language", UNSET),
    )


def _sentiment_score(sentiment: SentimentPrediction | None) -> float | Unset | None:
    """Return the new score: None for a text in another language, UNSET without a prediction."""
    if sentiment is None:
        return UNSET
    return None if sentiment.is_other_language else sentiment.score


def _prediction(
    ticket: Ticket,
    kind: Prediction.Kind,
    prediction: CategoryPrediction | SentimentPrediction | LanguagePrediction,
    scores: Scores,
    text_sha256: str,
) -> Prediction:
    return Prediction(
        ticket=ticket,
        kind=kind,
        label=prediction.label or NOT_SURE,
        withheld_label=NOT_SURE,
        is_other_language=prediction.is_other_language,
        confidence=prediction.confidence,
        scores=scores,
        bundle_name=prediction.bundle.name,
        bundle_version=prediction.bundle.version,
        bundle_digest=prediction.bundle.digest,
        text_sha256=text_sha256,
        created_at=timezone.now(),
    )


def warm_up() -> None:
    """Load the bundles in the background, so that the first ticket does not wait for them."""
    threading.Thread(
        target=run_and_close_connection, args=[_load_bundles], name="warm-up", daemon=True
    ).start()


def _load_bundles() -> None:
    models = engine.current()
    models.load()
    with contextlib.suppress(InferenceError):  # the status page names it
        models.classify("warm up", classifier.labels())  # embeds the descriptions of categories


def catch_up(limit: int = 1000, *, seconds: float = 10.0) -> int:
    """Process pending texts for that many seconds. How many were written.

    Any number of workers may do this at once: each text is claimed by one of them.
    """
    ends_at = time.monotonic() + seconds
    refs = work_queue.refs_at_hand()
    work_queue.refresh(refs)
    # articles first: they are few, and every ticket is answered from them
    work: list[tuple[Callable[[int], bool], int]] = [
        *((refresh_article, pk) for pk in work_queue.list_pending_articles(refs, limit)),
        *((annotate, pk) for pk in work_queue.list_pending_tickets(refs, limit)),
    ]
    written = 0
    for process, pk in work:
        if time.monotonic() > ends_at:
            break
        written += process(pk)
    return written
