"""A worker is woken, in the transaction that gives it something to do."""

import structlog
from django.db import transaction
from procrastinate.contrib.django import app as jobs
from procrastinate.exceptions import AlreadyEnqueued

from appliance.knowledge.models import Article
from appliance.tickets.models import Ticket

log = structlog.get_logger(__name__)
QUEUE_DELAY_SECONDS = 1  # the request that made the text tries first; the worker comes behind


def queue_annotation(ticket: Ticket) -> None:
    """Wake a worker for this ticket once the transaction commits; twice is once."""
    _queue("triage.annotate_ticket", f"ticket:{ticket.pk}", ticket_id=ticket.pk)


def queue_article(article: Article) -> None:
    """Wake a worker for this article once the transaction commits; twice is once."""
    _queue("triage.refresh_article", f"article:{article.pk}", article_id=article.pk)


def queue_catch_up() -> None:
    """Wake a worker for whatever is left to read: after an import, after new bundles."""
    _queue("triage.catch_up", "triage.catch_up")


def _queue(task: str, lock: str, **arguments: int) -> None:
    job = jobs.configure_task(
        task, queueing_lock=lock, schedule_in={"seconds": QUEUE_DELAY_SECONDS}
    )
    try:
        with transaction.atomic():  # a refused insert must not spoil the caller's transaction
            job.defer(**arguments)
    except AlreadyEnqueued:
        log.debug("already_queued", lock=lock)
