"""Jobs on tickets. They only start a service, which finds by query what is due."""

from uuid import UUID

from procrastinate.contrib.django import app

from appliance.tickets import services


@app.periodic(cron="* * * * *")
@app.task(name="tickets.resume_held", queueing_lock="tickets.resume_held")
def resume_held(timestamp: int = 0) -> None:
    services.resume_held_tickets()


@app.periodic(cron="* * * * *")
@app.task(name="tickets.release", queueing_lock="tickets.release")
def release(timestamp: int = 0) -> None:
    services.release_tickets()


@app.periodic(cron="13 * * * *")
@app.task(name="tickets.close_solved", queueing_lock="tickets.close_solved")
def close_solved(timestamp: int = 0) -> None:
    services.close_solved_tickets()


@app.task(name="tickets.finish_bulk_change")
def finish_bulk_change(change_id: str) -> None:
    services.finish_bulk_change(UUID(change_id))


@app.periodic(cron="* * * * *")
@app.task(name="tickets.finish_abandoned", queueing_lock="tickets.finish_abandoned")
def finish_abandoned(timestamp: int = 0) -> None:
    services.finish_abandoned_bulk_changes()


@app.task(name="tickets.finish_child_update")
def finish_child_update(update_id: str) -> None:
    services.finish_child_update(UUID(update_id))


@app.periodic(cron="* * * * *")
@app.task(name="tickets.finish_due_child_updates", queueing_lock="tickets.finish_due_child_updates")
def finish_due_child_updates(timestamp: int = 0) -> None:
    services.finish_due_child_updates()
