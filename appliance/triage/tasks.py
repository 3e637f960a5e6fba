"""Jobs. They only wake the worker: what there is to do is found by query (backlog.py)."""

import structlog
from procrastinate import JobContext
from procrastinate.contrib.django import app

from appliance.triage import services
from appliance.triage.bounded import Bounded, BusyError

log = structlog.get_logger(__name__)
READ_SECONDS = 50  # for one wake-up; shorter than the minute to the next
KEEP_HOURS = 24  # finished jobs stay this long for whoever looks into a fault
_worker = Bounded("worker", threads=2)


@app.task(name="triage.annotate_ticket")
def annotate_ticket(ticket_id: int) -> None:
    services.annotate_soon(ticket_id, budget_seconds=READ_SECONDS)


@app.task(name="triage.refresh_article")
def refresh_article(article_id: int) -> None:
    _bounded(lambda: services.refresh_article(article_id))


@app.periodic(cron="* * * * *")
@app.task(name="triage.catch_up", queueing_lock="triage.catch_up")
def catch_up(timestamp: int) -> None:
    _bounded(lambda: services.catch_up(seconds=READ_SECONDS))


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


def _bounded(call) -> None:
    """A model that hangs costs a thread, not the worker."""
    try:
        _worker.run(lambda: services.on_own_connection(call), seconds=READ_SECONDS + 5)
    except (BusyError, TimeoutError) as error:
        log.warning("models_do_not_answer", why=type(error).__name__)
