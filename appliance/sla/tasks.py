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
    services.tell_of_lines_crossed()


@app.periodic(cron="* * * * *")
@app.task(name="agreements.catch_up", queueing_lock="agreements.catch_up")
def catch_up(timestamp: int = 0) -> None:
    """Open clocks after a policy or a calendar was edited, a slice at a time."""
    if services.catch_up(seconds=SLICE_SECONDS):
        with suppress(AlreadyEnqueued):
            catch_up.defer()
