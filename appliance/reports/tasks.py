"""Periodic jobs. What there is to count is read from the database, so a lost job does no harm."""

import contextlib
from datetime import UTC, datetime

from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from appliance.reports import services

RECENT_DAYS = 100


@app.periodic(cron="*/5 * * * *")
@app.task(name="reports.update_days", queueing_lock="reports.update_days")
def update_days(timestamp: int = 0) -> None:
    """Count for some seconds, then queue the rest, so that other jobs have their turn."""
    if services.update_days():
        with contextlib.suppress(AlreadyEnqueued):
            update_days.defer()


@app.periodic(cron="41 2 * * *")
@app.task(name="reports.recount", queueing_lock="reports.recount")
def recount(timestamp: int = 0) -> None:
    """Recount recent days every night, and all days on Sundays."""
    is_sunday = datetime.fromtimestamp(timestamp, UTC).isoweekday() == 7
    services.recount(days=None if is_sunday else RECENT_DAYS)
