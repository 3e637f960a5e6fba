"""Queue jobs for the worker, in the transaction that causes the work."""

import structlog
from django.db import transaction
from procrastinate.contrib.django import app as jobs
from procrastinate.exceptions import AlreadyEnqueued

from appliance.accounts.models import User
from appliance.knowledge.models import Article
from appliance.tickets.models import Ticket

log = structlog.get_logger(__name__)
QUEUE_DELAY_SECONDS = 1  # the request that created the text annotates it first
DETECTION_DELAY_SECONDS = 5  # so that many tickets at once are looked at once
LOW_PRIORITY = -10  # of jobs that wait for all others


def queue_annotation(ticket: Ticket) -> None:
    """Queue the annotation of a ticket, at most once."""
    _queue("triage.annotate_ticket", f"ticket:{ticket.pk}", ticket_id=ticket.pk)


def queue_article(article: Article) -> None:
    """Queue the passages of an article, at most once."""
    _queue("triage.refresh_article", f"article:{article.pk}", article_id=article.pk)


def queue_catch_up() -> None:
    """Queue the processing of all pending texts: after an import, after new bundles."""
    _queue("triage.catch_up", "triage.catch_up")


def queue_space_filling(*, pause_seconds: float) -> None:
    """Queue the next batch of vectors of the next encoder, after all other jobs."""
    _queue("triage.fill_space", "triage.fill_space", delay=pause_seconds, priority=LOW_PRIORITY)


def queue_space_deletion(space: str) -> None:
    """Queue the deletion of a space that no encoder will use again."""
    _queue("triage.delete_space", f"delete:{space}", priority=LOW_PRIORITY, space=space)


def queue_gap_detection() -> None:
    """Queue the detection of gaps in the knowledge base."""
    _queue("triage.detect_gaps", "triage.detect_gaps")


def queue_drift_update(*, delay: float = QUEUE_DELAY_SECONDS) -> None:
    """Queue the computation of outdated months of the measures of drift."""
    _queue("triage.update_drift", "triage.update_drift", delay=delay, priority=LOW_PRIORITY)


def queue_solution_extraction() -> None:
    """Queue the next batch of solved tickets whose sentences are to be chosen."""
    _queue("triage.extract_solutions", "triage.extract_solutions", priority=LOW_PRIORITY)


def queue_training(*, by: User | None = None) -> None:
    """Queue the training of a head on the labels, at most once."""
    _queue("triage.train_head", "triage.train_head", by_id=by.pk if by else 0)


def queue_backlog() -> None:
    """Queue the prediction of open tickets with the head in use, after all other jobs."""
    _queue("triage.reclassify_backlog", "triage.reclassify_backlog", priority=LOW_PRIORITY)


def queue_incident_detection() -> None:
    """Queue the search for bursts of similar tickets, once for all that arrive meanwhile."""
    _queue("triage.detect_incidents", "triage.detect_incidents", delay=DETECTION_DELAY_SECONDS)


def _queue(
    task: str,
    lock: str,
    *,
    delay: float = QUEUE_DELAY_SECONDS,
    priority: int = 0,
    **arguments: int | str,
) -> None:
    job = jobs.configure_task(
        task, queueing_lock=lock, schedule_in={"seconds": delay}, priority=priority
    )
    try:
        with transaction.atomic():  # a failed insert must not abort the caller's transaction
            job.defer(**arguments)
    except AlreadyEnqueued:
        log.debug("already_queued", lock=lock)
