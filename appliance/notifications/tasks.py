"""Jobs. They only wake the worker: what there is to send is found by query."""

from procrastinate.contrib.django import app

from appliance.notifications import services


@app.periodic(cron="* * * * *")
@app.task(name="notifications.deliver", queueing_lock="notifications.deliver")
def deliver(timestamp: int = 0) -> None:
    services.gather_digests()
    services.send_due()


@app.periodic(cron="11 * * * *")
@app.task(name="notices.tell_of_reviews", queueing_lock="notices.tell_of_reviews")
def tell_of_reviews(timestamp: int = 0) -> None:
    services.tell_of_reviews()


@app.periodic(cron="23 * * * *")
@app.task(name="notifications.tidy", queueing_lock="notifications.tidy")
def tidy(timestamp: int = 0) -> None:
    services.tidy()
