"""Jobs of the worker; each finds its work by query."""

from procrastinate.contrib.django import app

from appliance.notifications import services


@app.periodic(cron="* * * * *")
@app.task(name="notifications.deliver", queueing_lock="notifications.deliver")
def deliver(timestamp: int = 0) -> None:
    services.build_digests()
    services.send_due()


@app.periodic(cron="11 * * * *")
@app.task(name="notifications.notify_due_reviews", queueing_lock="notifications.notify_due_reviews")
def notify_due_reviews(timestamp: int = 0) -> None:
    services.notify_due_reviews()


@app.periodic(cron="37 * * * *")
@app.task(
    name="notifications.notify_quality_alarms",
    queueing_lock="notifications.notify_quality_alarms",
)
def notify_quality_alarms(timestamp: int = 0) -> None:
    services.notify_quality_alarms()


@app.periodic(cron="23 * * * *")
@app.task(name="notifications.purge", queueing_lock="notifications.purge")
def purge(timestamp: int = 0) -> None:
    services.purge()
