"""Jobs of this room."""

from procrastinate.contrib.django import app

from appliance.core import audit_chain
from appliance.ops import services


@app.periodic(cron="*/5 * * * *")
@app.task(name="ops.take_sample", queueing_lock="ops.take_sample")
def take_sample(timestamp: int = 0) -> None:
    """Store the current metrics, every five minutes."""
    services.take_sample()


@app.periodic(cron="23 3 * * *")
@app.task(name="ops.verify_audit_log", queueing_lock="ops.verify_audit_log")
def verify_audit_log(timestamp: int = 0) -> None:
    """Verify the chain of hashes over the audit log, every night, for the status page."""
    audit_chain.record_check()
