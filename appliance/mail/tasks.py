"""Jobs of the worker; each finds its work by query."""

from procrastinate.contrib.django import app

from appliance.mail import services


@app.periodic(cron="* * * * *")
@app.task(name="mail.process_received", queueing_lock="mail.process_received")
def process_received(timestamp: int = 0) -> None:
    services.process_received()
