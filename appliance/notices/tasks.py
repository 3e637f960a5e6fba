"""Jobs. They only wake the worker: what there is to send is found by query."""

from procrastinate.contrib.django import app

from appliance.notices import services


@app.periodic(cron="* * * * *")
@app.task(name="notices.deliver", queueing_lock="notices.deliver")
def deliver(timestamp: int = 0) -> None:
    services.gather_digests()
    services.send_due()


@app.periodic(cron="11 * * * *")
@app.task(name="notices.tell_of_reviews", queueing_lock="notices.tell_of_reviews")
def tell_of_reviews(timestamp: int = 0) -> None:
    services.tell_of_reviews()


@app.periodic(cron="23 * * * *")
@app.task(name="notices.tidy", queueing_lock="notices.tidy")
def tidy(timestamp: int = 0) -> None:
    services.tidy()
