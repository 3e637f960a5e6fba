"""Jobs. They only wake the worker: what there is to do is found by query (backlog.py)."""

from collections.abc import Callable

import structlog
from procrastinate import JobContext
from procrastinate.contrib.django import app

from appliance.core.database import run_and_close_connection
from appliance.core.deadline_pool import BusyError, DeadlineExecutor
from appliance.triage import services
from appliance.triage.services.queueing import BEHIND

log = structlog.get_logger(__name__)
MAX_SECONDS = 50  # a text that takes longer hangs
SLICE_SECONDS = 10  # of catching up at a time, so that a new ticket need not wait for old ones
KEEP_HOURS = 24  # finished jobs stay this long for whoever looks into a fault
_worker = DeadlineExecutor("worker", threads=2)


@app.task(name="triage.annotate_ticket")
def annotate_ticket(ticket_id: int) -> None:
    _bounded(lambda: services.annotate_soon(ticket_id, budget_seconds=MAX_SECONDS))


@app.task(name="triage.refresh_article")
def refresh_article(article_id: int) -> None:
    _bounded(lambda: services.refresh_article(article_id))


@app.periodic(cron="* * * * *")
@app.task(name="triage.catch_up", queueing_lock="triage.catch_up")
def catch_up(timestamp: int = 0) -> None:
    """What is left to read, a slice at a time until a slice finds nothing more."""
    if _bounded(lambda: services.catch_up(seconds=SLICE_SECONDS)):
        services.queue_catch_up()


@app.periodic(cron="* * * * *")
@app.task(name="triage.tend_spaces", queueing_lock="triage.tend_spaces")
def tend_spaces(timestamp: int = 0) -> None:
    """The space that is read has its indexes, whatever brought it about; what no encoder at hand
    can read goes.
    """
    _bounded(services.tend_spaces)


@app.periodic(cron="* * * * *")
@app.task(name="triage.fill_space", queueing_lock="triage.fill_space", priority=BEHIND)
def fill_space(timestamp: int = 0) -> None:
    """The vectors of the next encoder, a slice at a time; between two slices a pause as long."""
    if _bounded(lambda: services.fill_space(seconds=SLICE_SECONDS)):
        services.queue_filling(pause_seconds=SLICE_SECONDS)


@app.task(name="triage.forget_space")
def forget_space(space: str) -> None:
    """A slice at a time until nothing is left."""
    if _bounded(lambda: services.forget_space(space=space, seconds=SLICE_SECONDS)):
        services.queue_forgetting(space)


@app.periodic(cron="41 3 * * *")
@app.task(name="triage.find_gaps", queueing_lock="triage.find_gaps", lock="triage.find_gaps")
def find_gaps(timestamp: int = 0) -> None:
    """Every night, and when an author asks: where an article is missing."""
    _bounded(services.find_gaps)


@app.periodic(cron="*/2 * * * *")
@app.task(
    name="triage.retry_stalled_jobs", queueing_lock="triage.retry_stalled_jobs", pass_context=True
)
async def retry_stalled_jobs(context: JobContext, timestamp: int) -> None:
    """A worker that died leaves its jobs "doing"; they begin anew."""
    for job in await context.app.job_manager.get_stalled_jobs():
        await context.app.job_manager.retry_job(job)


@app.periodic(cron="17 * * * *")
@app.task(name="triage.remove_old_jobs", queueing_lock="triage.remove_old_jobs", pass_context=True)
async def remove_old_jobs(context: JobContext, timestamp: int) -> None:
    await context.app.job_manager.delete_old_jobs(nb_hours=KEEP_HOURS, include_failed=True)


def _bounded(call: Callable[[], int]) -> int:
    """What ``call`` wrote. A model that hangs costs a thread, not the worker."""
    try:
        return _worker.run(lambda: run_and_close_connection(call), seconds=MAX_SECONDS)
    except (BusyError, TimeoutError) as error:
        log.warning("models_do_not_answer", why=type(error).__name__)
        return 0
