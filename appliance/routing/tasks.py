"""A job every minute: tickets that wait for somebody to begin work."""

from procrastinate.contrib.django import app

from appliance.routing import services


@app.periodic(cron="* * * * *")
@app.task(name="routing.place_waiting", queueing_lock="routing.place_waiting")
def place_waiting(timestamp: int = 0) -> None:
    services.place_waiting()
