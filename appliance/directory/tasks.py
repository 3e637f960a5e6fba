"""Jobs: a sync an admin has started, the nightly one, and the check of accounts in between."""

from procrastinate.contrib.django import app

from appliance.directory import services
from appliance.directory.models import SyncRun


@app.task(name="directory.carry_out")
def carry_out(run_id: int) -> None:
    """Carry out a run; one that has ended is left alone."""
    if run := SyncRun.objects.select_related("directory").filter(pk=run_id).first():
        services.carry_out_run(run)


@app.periodic(cron="*/2 * * * *")
@app.task(name="directory.check_accounts", queueing_lock="directory.check_accounts")
def check_accounts(timestamp: int = 0) -> None:
    """Lock out within five minutes whom a directory has disabled."""
    services.resume_runs()
    services.check_accounts()
    services.send_alarms()


@app.periodic(cron="17 2 * * *")
@app.task(name="directory.sync_all", queueing_lock="directory.sync_all")
def sync_all(timestamp: int = 0) -> None:
    services.purge()
    services.start_nightly_runs()
