"""A ticket is read: what the bundles say of it is written in one short transaction."""

import contextlib
import threading
import time
from collections.abc import Callable

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from appliance.core.database import run_and_close_connection
from appliance.core.deadline_pool import BusyError, DeadlineExecutor
from appliance.inference.bundle import BundleRef, InferenceError
from appliance.inference.predictions import CategoryPrediction, SentimentPrediction
from appliance.tickets import services as tickets_services
from appliance.tickets.event_data import ClassifiedData
from appliance.tickets.models import Ticket, TicketCategory
from appliance.triage import cold_start, engine, inference_calls, work_queue
from appliance.triage.inference_calls import Answers
from appliance.triage.models import NOT_SURE, AnnotationLease, Prediction, TicketVector
from appliance.triage.services.articles import refresh_article
from appliance.triage.texts import digest

# All an annotation says; its ticket and kind are its key.
SAID = [
    "label",
    "held_back",
    "confidence",
    "scores",
    "bundle_name",
    "bundle_version",
    "bundle_digest",
    "text_sha256",
    "created_at",
]
Asking = Callable[[Callable[[], Answers], Callable[[Answers], bool]], Answers]


def _in_this_thread(ask: Callable[[], Answers], write: Callable[[Answers], bool]) -> Answers:
    return ask()


def annotate(ticket_id: int, asking: Asking = _in_this_thread) -> bool:
    """Let the bundles at hand read the ticket. Whether anything was written.

    Writes nothing, and no event, when all is read, when somebody else reads it now, when no
    bundle is there, or when the text has broken these bundles three times. ``asking`` decides
    where the bundles are asked; whoever gives up waiting sees to it that ``write`` is called.
    """
    ticket = Ticket.objects.filter(pk=ticket_id).first()
    if ticket is None:
        return False
    refs, text = work_queue.refs_at_hand(), digest(ticket.text)
    if not work_queue.find_stale_roles(ticket, refs, text):
        return False
    if not claim_text(AnnotationLease.Kind.TICKET, ticket_id, text, refs):
        return False
    # once more: whoever held it before us may have just read it
    roles = work_queue.find_stale_roles(ticket, refs, text)
    space = refs["encoder"].space if "encoder" in refs else None
    careful = cold_start.is_active(refs.get("classifier"))
    labels = work_queue.labels()

    def write(values: Answers) -> bool:
        return _write(AnnotationLease.Kind.TICKET, ticket, values, refs, text)

    try:
        values = asking(
            lambda: inference_calls.ask(ticket.text, roles, labels, space, careful=careful), write
        )
    except BusyError:
        release_text(AnnotationLease.Kind.TICKET, ticket_id, [])
        raise
    return write(values)


def read_ticket_ahead(ticket_id: int, encoder: BundleRef) -> bool:
    """The vector of the next encoder, beside the one that is found. Whether it was written."""
    ticket = Ticket.objects.filter(pk=ticket_id).first()
    refs = {"encoder": encoder}
    if ticket is None:
        return False
    text = digest(ticket.text)
    if not work_queue.find_stale_roles(ticket, refs, text):
        return False
    if not claim_text(AnnotationLease.Kind.NEXT_TICKET, ticket_id, text, refs):
        return False
    values = inference_calls.ask(ticket.text, {"encoder"}, {}, encoder.space)
    return _write(AnnotationLease.Kind.NEXT_TICKET, ticket, values, refs, text)


@transaction.atomic
def _write(
    turn: AnnotationLease.Kind, ticket: Ticket, values: Answers, refs: work_queue.Refs, text: str
) -> bool:
    """What the bundles said, and that the turn is over. Whether anything was new."""
    is_written = not values.is_empty and _store(ticket, values, refs, text)
    release_text(turn, ticket.pk, values.broken)
    return is_written


def _store(ticket: Ticket, answers: Answers, refs: work_queue.Refs, text: str) -> bool:
    """Write what is still missing. False when the text changed meanwhile, or all is there."""
    locked = Ticket.objects.select_for_update(of=["self"]).get(pk=ticket.pk)
    roles = work_queue.find_stale_roles(locked, refs, text)
    if digest(locked.text) != text or not roles:
        return False
    if answers.vector is not None and "encoder" in roles:
        vector = TicketVector(
            ticket=locked, space=refs["encoder"].space, vector=answers.vector, text_sha256=text
        )
        TicketVector.objects.bulk_create(
            [vector],
            update_conflicts=True,
            unique_fields=["space", "ticket"],
            update_fields=["vector", "text_sha256"],
        )
    category = answers.category if "classifier" in roles else None
    sentiment = answers.sentiment if "sentiment" in roles else None
    if category or sentiment:
        _store_sorting(locked, category, sentiment, text)
    return True


def _store_sorting(
    ticket: Ticket,
    category: CategoryPrediction | None,
    sentiment: SentimentPrediction | None,
    text: str,
) -> None:
    data: ClassifiedData = {}
    chosen, rows = ticket.category, []
    if category:
        scores = [[label, round(score, 4)] for label, score in category.scores]
        rows.append(_row(ticket, Prediction.Kind.CATEGORY, category, category.label, scores, text))
        chosen = TicketCategory.objects.filter(slug=category.label).first()
        data["category"] = category.label or NOT_SURE
        data["confidence"] = round(category.confidence, 3)
    if sentiment:
        scores = [[sentiment.label, round(sentiment.confidence, 4)]]
        kind, label = Prediction.Kind.SENTIMENT, sentiment.label
        rows.append(_row(ticket, kind, sentiment, label, scores, text))
        data["sentiment"] = sentiment.label
        data["sentiment_score"] = round(sentiment.score, 3)
    Prediction.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["ticket", "kind"], update_fields=SAID
    )
    tickets_services.record_classification(
        ticket=ticket,
        category=chosen,
        sentiment_score=sentiment.score if sentiment else None,
        bundles=" · ".join(_name(a.bundle) for a in (category, sentiment) if a),
        data=data,
    )


def _row(
    ticket: Ticket,
    kind: Prediction.Kind,
    answer: CategoryPrediction | SentimentPrediction,
    label: str | None,
    scores: list,
    text: str,
) -> Prediction:
    return Prediction(
        ticket=ticket,
        kind=kind,
        label=label or NOT_SURE,
        held_back=getattr(answer, "withheld_label", None) or NOT_SURE,  # sentiments have none
        confidence=answer.confidence,
        scores=scores,
        bundle_name=answer.bundle.name,
        bundle_version=answer.bundle.version,
        bundle_digest=answer.bundle.digest,
        text_sha256=text,
        created_at=timezone.now(),
    )


def _name(bundle: BundleRef) -> str:
    return f"{bundle.name} {bundle.version}"


log = structlog.get_logger(__name__)
_readers = DeadlineExecutor("annotate", threads=2)


def annotate_soon(ticket_id: int, budget_seconds: float | None = None) -> bool:
    """Annotate within the budget (settings.ANNOTATE_BUDGET_SECONDS). Whether it ended in time.

    Never raises. The models read in a thread: what does not fit goes on behind, and is written
    from there; when they hang, later calls return at once. The ticket must be committed.
    """
    if connection.in_atomic_block:
        return False
    seconds = settings.ANNOTATE_BUDGET_SECONDS if budget_seconds is None else budget_seconds

    def within_budget(ask: Callable[[], Answers], write: Callable[[Answers], bool]) -> Answers:
        return _readers.run(
            ask,
            seconds=seconds,
            on_late_result=lambda values: run_and_close_connection(lambda: write(values)),
        )

    try:
        annotate(ticket_id, within_budget)
    except (BusyError, TimeoutError) as error:
        log.info("annotate_later", ticket=ticket_id, why=type(error).__name__)
        return False
    except Exception:
        log.exception("annotate_failed", ticket=ticket_id)
        return False
    return True


def warm() -> None:
    """Load the models in the background, so that the first ticket does not pay for it."""
    threading.Thread(
        target=run_and_close_connection, args=[_warm], name="warm-models", daemon=True
    ).start()


def _warm() -> None:
    models = engine.current()
    models.load()
    with contextlib.suppress(InferenceError):  # the status page names it
        models.classify("warm up", work_queue.labels())  # embeds the categories' phrases


def catch_up(limit: int = 1000, *, seconds: float = 10.0) -> int:
    """Read what is left to read, as far as the seconds go. How many texts were written.

    Any number of workers may do this at once: each text is claimed by one of them.
    """
    ends_at = time.monotonic() + seconds
    refs = work_queue.refs_at_hand()
    work_queue.keep_up(refs)
    # articles first: they are few, and every ticket is answered from them
    work = [(refresh_article, pk) for pk in work_queue.list_articles_to_read(refs, limit)]
    work += [(annotate, pk) for pk in work_queue.list_tickets_to_read(refs, limit)]
    written = 0
    for verb, pk in work:
        if time.monotonic() > ends_at:
            break
        written += verb(pk)
    return written


def claim_text(
    kind: AnnotationLease.Kind, object_id: int, text: str, refs: work_queue.Refs
) -> bool:
    """False while another reads the text, or when it broke these bundles three times."""
    bundles = work_queue.identity(refs)
    return work_queue.claim(kind, object_id, text_sha256=text, bundles=bundles)


def release_text(kind: AnnotationLease.Kind, object_id: int, broken: list[str]) -> None:
    if broken:
        work_queue.fail(kind, object_id, error="; ".join(broken))
    else:
        work_queue.release(kind, object_id)
