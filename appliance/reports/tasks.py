"""Jobs. They only wake the worker: what there is to count is found by query."""

import contextlib
from datetime import UTC, datetime

from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from appliance.reports import services

RECENT_DAYS = 100


@app.periodic(cron="*/5 * * * *")
@app.task(name="reports.update_days", queueing_lock="reports.update_days")
def update_days(timestamp: int = 0) -> None:
    """A slice at a time, so that a new ticket need not wait; the rest behind it."""
    if services.update_days():
        with contextlib.suppress(AlreadyEnqueued):
            update_days.defer(timestamp=timestamp)


@app.periodic(cron="41 2 * * *")
@app.task(name="reports.recount", queueing_lock="reports.recount")
def recount(timestamp: int = 0) -> None:
    """Each night what is still looked at, each Sunday everything."""
    is_sunday = datetime.fromtimestamp(timestamp, UTC).isoweekday() == 7
    services.recount(days=None if is_sunday else RECENT_DAYS)
