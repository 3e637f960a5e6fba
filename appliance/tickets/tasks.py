"""Jobs on tickets. They only wake the worker: what is due is found by query."""

from procrastinate.contrib.django import app

from appliance.tickets import services


@app.periodic(cron="* * * * *")
@app.task(name="tickets.wake_held", queueing_lock="tickets.wake_held")
def wake_held(timestamp: int = 0) -> None:
    services.wake_held_tickets()


@app.periodic(cron="13 * * * *")
@app.task(name="tickets.close_solved", queueing_lock="tickets.close_solved")
def close_solved(timestamp: int = 0) -> None:
    services.close_solved_tickets()
