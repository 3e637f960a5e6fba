"""Jobs, every minute. What is to be done is found by query; a job that is lost loses nothing."""

from contextlib import suppress

from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from appliance.sla import services

SLICE_SECONDS = 5  # of recomputing at a time, so that a new ticket need not wait for old clocks


@app.periodic(cron="* * * * *")
@app.task(name="sla.escalate", queueing_lock="sla.escalate")
def escalate(timestamp: int = 0) -> None:
    services.escalate_due()
    services.notify_newly_overdue()


@app.periodic(cron="* * * * *")
@app.task(
    name="sla.recompute_outdated_timers",
    queueing_lock="sla.recompute_outdated_timers",
)
def recompute_outdated_timers(timestamp: int = 0) -> None:
    """Open clocks after a policy or a calendar was edited, a slice at a time."""
    if services.recompute_outdated_timers(seconds=SLICE_SECONDS):
        with suppress(AlreadyEnqueued):
            recompute_outdated_timers.defer()
