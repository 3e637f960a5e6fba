"""A worker is woken, in the transaction that gives it something to do."""

import structlog
from django.db import transaction
from procrastinate.contrib.django import app as jobs
from procrastinate.exceptions import AlreadyEnqueued

from appliance.knowledge.models import Article
from appliance.tickets.models import Ticket

log = structlog.get_logger(__name__)
QUEUE_DELAY_SECONDS = 1  # the request that made the text tries first; the worker comes behind
BEHIND = -10  # the priority of what may wait for everything else


def queue_annotation(ticket: Ticket) -> None:
    """Wake a worker for this ticket once the transaction commits; twice is once."""
    _queue("triage.annotate_ticket", f"ticket:{ticket.pk}", ticket_id=ticket.pk)


def queue_article(article: Article) -> None:
    """Wake a worker for this article once the transaction commits; twice is once."""
    _queue("triage.refresh_article", f"article:{article.pk}", article_id=article.pk)


def queue_catch_up() -> None:
    """Wake a worker for whatever is left to read: after an import, after new bundles."""
    _queue("triage.catch_up", "triage.catch_up")


def queue_filling(*, pause_seconds: float) -> None:
    """Go on writing the vectors of the next encoder, after whatever else there is to do."""
    _queue("triage.fill_space", "triage.fill_space", delay=pause_seconds, priority=BEHIND)


def queue_forgetting(space: str) -> None:
    """Wake a worker to take away a space that nobody will read again."""
    _queue("triage.forget_space", f"forget:{space}", priority=BEHIND, space=space)


def queue_gaps() -> None:
    """Wake a worker to look where an article is missing."""
    _queue("triage.find_gaps", "triage.find_gaps")


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
        with transaction.atomic():  # a refused insert must not spoil the caller's transaction
            job.defer(**arguments)
    except AlreadyEnqueued:
        log.debug("already_queued", lock=lock)
