"""Jobs. They only wake the worker; the work itself is found by query (work_queue.py)."""

from collections.abc import Callable

import structlog
from procrastinate import JobContext
from procrastinate.contrib.django import app
from procrastinate.exceptions import UniqueViolation
from procrastinate.jobs import Status

from appliance.accounts.models import User
from appliance.core.database import run_and_close_connection
from appliance.core.deadline_pool import BusyError, DeadlineExecutor
from appliance.triage import services
from appliance.triage.services.queueing import LOW_PRIORITY

log = structlog.get_logger(__name__)
MAX_SECONDS = 50  # a call that takes longer hangs
BATCH_SECONDS = 10  # so that a new ticket does not wait long for old ones
KEEP_HOURS = 24  # finished jobs, for troubleshooting
_executor = DeadlineExecutor("worker", threads=2)


@app.task(name="triage.annotate_ticket")
def annotate_ticket(ticket_id: int) -> None:
    _bounded(lambda: services.annotate_soon(ticket_id, budget_seconds=MAX_SECONDS))
    services.queue_incident_detection()


@app.task(name="triage.refresh_article")
def refresh_article(article_id: int) -> None:
    _bounded(lambda: services.refresh_article(article_id))


@app.periodic(cron="* * * * *")
@app.task(name="triage.catch_up", queueing_lock="triage.catch_up")
def catch_up(timestamp: int = 0) -> None:
    """Process pending texts in batches until a batch finds none."""
    if _bounded(lambda: services.catch_up(seconds=BATCH_SECONDS)):
        services.queue_catch_up()


@app.periodic(cron="*/5 * * * *")
@app.task(name="triage.recognise_article_languages", queueing_lock="triage.article_languages")
def recognise_article_languages(timestamp: int = 0) -> None:
    """Recognise the language of articles that have none, such as imported and older ones."""
    services.recognise_languages()


@app.periodic(cron="* * * * *")
@app.task(name="triage.maintain_spaces", queueing_lock="triage.maintain_spaces")
def maintain_spaces(timestamp: int = 0) -> None:
    """Create missing indexes of the active space, and delete spaces that no encoder uses."""
    _bounded(services.maintain_spaces)


@app.periodic(cron="* * * * *")
@app.task(name="triage.fill_space", queueing_lock="triage.fill_space", priority=LOW_PRIORITY)
def fill_space(timestamp: int = 0) -> None:
    """Write vectors of the next encoder in batches, with a pause as long between two batches."""
    if _bounded(lambda: services.fill_space(seconds=BATCH_SECONDS)):
        services.queue_space_filling(pause_seconds=BATCH_SECONDS)


@app.task(name="triage.delete_space")
def delete_space(space: str) -> None:
    """Delete a space in batches until nothing is left."""
    if _bounded(lambda: services.delete_space(space=space, seconds=BATCH_SECONDS)):
        services.queue_space_deletion(space)


@app.periodic(cron="41 3 * * *")
@app.task(name="triage.detect_gaps", queueing_lock="triage.detect_gaps", lock="triage.detect_gaps")
def detect_gaps(timestamp: int = 0) -> None:
    """Detect gaps in the knowledge base: every night, and when an author asks for it."""
    _bounded(services.detect_gaps)


@app.periodic(cron="29 * * * *")
@app.task(name="triage.update_drift", queueing_lock="triage.update_drift", priority=LOW_PRIORITY)
def update_drift(timestamp: int = 0) -> None:
    """Compute outdated months of the measures of drift in steps, so that others have their turn.

    Nearly all runs find nothing: months are computed once a day, and after a change of bundles.
    """
    if services.update_drift(seconds=BATCH_SECONDS):
        services.queue_drift_update()


@app.periodic(cron="* * * * *")
@app.task(
    name="triage.extract_solutions",
    queueing_lock="triage.extract_solutions",
    priority=LOW_PRIORITY,
)
def extract_solutions(timestamp: int = 0) -> None:
    """Choose the sentences of solved tickets in batches until none is due."""
    if _bounded(lambda: services.extract_solutions(seconds=BATCH_SECONDS)):
        services.queue_solution_extraction()


@app.periodic(cron="11 3 * * *")
@app.task(name="triage.schedule_missing_solutions", queueing_lock="triage.missing_solutions")
def schedule_missing_solutions(timestamp: int = 0) -> None:
    """Schedule solved tickets that were imported, or solved before this existed: every night."""
    _bounded(services.schedule_missing_solutions)


@app.task(name="triage.train_head", queueing_lock="triage.train_head")
def train_head(by_id: int = 0) -> None:
    """Train a candidate that an admin asked for."""
    _long(lambda: services.train_head(by=User.objects.filter(pk=by_id).first()))


@app.periodic(cron="23 2 * * *")
@app.task(name="triage.learn_nightly", queueing_lock="triage.learn_nightly")
def learn_nightly(timestamp: int = 0) -> None:
    """Record weak labels, train and activate a head, and replay the votes of suggestions."""
    _long(services.learn_nightly)
    _long(services.replay_feedback)


@app.periodic(cron="* * * * *")
@app.task(name="triage.relearn_for_new_space", queueing_lock="triage.relearn_for_new_space")
def relearn_for_new_space(timestamp: int = 0) -> None:
    """Train again for another encoder, and predict open tickets that a head was too late for."""
    _long(services.relearn_for_new_space)
    reclassify_backlog()


@app.task(name="triage.reclassify_backlog", queueing_lock="triage.reclassify_backlog")
def reclassify_backlog(timestamp: int = 0) -> None:
    """Predict open tickets with the head in use in batches until a batch finds none."""
    if _bounded(lambda: services.reclassify_backlog(seconds=BATCH_SECONDS)):
        services.queue_backlog()


@app.periodic(cron="* * * * *")
@app.task(
    name="triage.detect_incidents",
    queueing_lock="triage.detect_incidents",
    lock="triage.detect_incidents",
)
def detect_incidents(timestamp: int = 0) -> None:
    """Look for bursts of similar tickets: after each new ticket, and once a minute."""
    _bounded(services.detect_incidents)


@app.periodic(cron="*/2 * * * *")
@app.task(
    name="triage.retry_stalled_jobs", queueing_lock="triage.retry_stalled_jobs", pass_context=True
)
async def retry_stalled_jobs(context: JobContext, timestamp: int) -> None:
    """Start the jobs again that a dead worker left in the state "doing"."""
    manager = context.app.job_manager
    for job in await manager.get_stalled_jobs():
        try:
            await manager.retry_job(job)
        except UniqueViolation:  # the next of its kind waits already, and will do the work
            await manager.finish_job(job, status=Status.FAILED, delete_job=True)


@app.periodic(cron="17 * * * *")
@app.task(name="triage.remove_old_jobs", queueing_lock="triage.remove_old_jobs", pass_context=True)
async def remove_old_jobs(context: JobContext, timestamp: int) -> None:
    await context.app.job_manager.delete_old_jobs(nb_hours=KEEP_HOURS, include_failed=True)


def _long(call: Callable[[], object]) -> None:
    """Run a call of minutes; it calls no bundle, so it cannot hang."""
    run_and_close_connection(call)


def _bounded(call: Callable[[], int]) -> int:
    """Return what ``call`` returns; a bundle that hangs blocks a thread, not the worker."""
    try:
        return _executor.run(lambda: run_and_close_connection(call), seconds=MAX_SECONDS)
    except (BusyError, TimeoutError) as error:
        log.warning("inference_timed_out", error=type(error).__name__)
        return 0
