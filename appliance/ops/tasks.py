"""Jobs of this room."""

from procrastinate.contrib.django import app

from appliance.ops import services


@app.periodic(cron="*/5 * * * *")
@app.task(name="ops.take_sample", queueing_lock="ops.take_sample")
def take_sample(timestamp: int = 0) -> None:
    """Store the current metrics, every five minutes."""
    services.take_sample()
