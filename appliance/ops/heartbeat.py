"""The worker's report of its own health, which ``launcher.py status`` reads."""

import contextlib
import json
import threading
import time

from django.conf import settings

from appliance.ops import queries

FILE = "run/worker.json"
INTERVAL_SECONDS = 10


def start() -> None:
    """Write the report every ten seconds, in a thread that ends with the process."""
    threading.Thread(target=_write_forever, name="heartbeat", daemon=True).start()


def _write_forever() -> None:
    while True:
        write()
        time.sleep(INTERVAL_SECONDS)


def write() -> None:
    """Write the report once; a disk that cannot be written is reported by the launcher."""
    report = {**queries.check_health().as_json(), "uptime_seconds": time.monotonic()}
    path = settings.DATA / FILE
    temporary = path.with_suffix(".new")
    with contextlib.suppress(OSError):
        temporary.write_text(json.dumps(report), encoding="utf-8")
        temporary.replace(path)
