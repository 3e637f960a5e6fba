"""Jobs on files."""

import structlog
from procrastinate.contrib.django import app

from appliance.files import services

log = structlog.get_logger(__name__)


@app.periodic(cron="41 3 * * *")
@app.task(name="files.remove_orphans", queueing_lock="files.remove_orphans")
def remove_orphans(timestamp: int = 0) -> None:
    """Remove files without a row, every night."""
    if removed_count := services.remove_orphans():
        log.info("orphan_files_removed", files=removed_count)
