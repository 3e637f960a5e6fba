"""Jobs: a run started on a page, and what is looked at by itself."""

from procrastinate.contrib.django import app

from appliance.model_updates import services
from appliance.model_updates.models import UpdateRun


@app.task(name="model_updates.carry_out")
def carry_out(run_id: int) -> None:
    """Once more after a worker that died: a run that is over stays over."""
    run = UpdateRun.objects.filter(pk=run_id).first()
    if run is not None:
        services.carry_out(run)


@app.periodic(cron="* * * * *")
@app.task(name="model_updates.watch", queueing_lock="model_updates.watch")
def watch(timestamp: int = 0) -> None:
    services.watch()
