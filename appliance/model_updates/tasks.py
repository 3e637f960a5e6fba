"""Jobs: runs started on a page, and the review of active bundles."""

from procrastinate.contrib.django import app

from appliance.model_updates import services
from appliance.model_updates.models import UpdateRun


@app.task(name="model_updates.carry_out")
def carry_out(run_id: int) -> None:
    """Carry out a run, also again after a worker died; a run that has ended is left alone."""
    run = UpdateRun.objects.filter(pk=run_id).first()
    if run is not None:
        services.carry_out(run)


@app.periodic(cron="* * * * *")
@app.task(name="model_updates.review", queueing_lock="model_updates.review")
def review(timestamp: int = 0) -> None:
    services.review_active_bundles()
