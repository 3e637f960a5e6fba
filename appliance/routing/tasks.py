"""A job every minute: assign pending tickets."""

from procrastinate.contrib.django import app

from appliance.routing import services


@app.periodic(cron="* * * * *")
@app.task(name="routing.assign_pending", queueing_lock="routing.assign_pending")
def assign_pending(timestamp: int = 0) -> None:
    """Assign tickets whose category or agent is now available."""
    services.assign_pending()
