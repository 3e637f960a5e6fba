"""Jobs, every minute. Each finds its work by query, so a lost job loses nothing."""

from contextlib import suppress

from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from appliance.sla import services

SLICE_SECONDS = 5  # of recomputing per job, so that jobs of new tickets need not wait for it


@app.periodic(cron="* * * * *")
@app.task(name="sla.escalate", queueing_lock="sla.escalate")
def escalate(timestamp: int = 0) -> None:
    """Carry out the escalations that are due."""
    services.escalate_due()
    services.notify_newly_overdue()


@app.periodic(cron="* * * * *")
@app.task(
    name="sla.recompute_outdated_timers",
    queueing_lock="sla.recompute_outdated_timers",
)
def recompute_outdated_timers(timestamp: int = 0) -> None:
    """Recompute open timers after policies or business hours were edited, a slice at a time."""
    if services.recompute_outdated_timers(seconds=SLICE_SECONDS):
        with suppress(AlreadyEnqueued):
            recompute_outdated_timers.defer()
