"""Receiving of e-mail inside the worker, in threads that no job waits for."""

import threading
import time

import structlog
from django.db import connection

from appliance.mail.fetchers import Fetchers
from appliance.mail.listener import Listener

log = structlog.get_logger(__name__)
INTERVAL_SECONDS = 3  # after which changed settings apply


def start() -> None:
    """Fetch from the mailboxes and listen for deliveries, as the settings say from time to time.

    The threads end with the process. Whatever they are at then comes again.
    """
    threading.Thread(target=_run, name="mail", daemon=True).start()


def _run() -> None:
    parts = Fetchers(), Listener()
    while True:
        for part in parts:
            try:
                part.update()
            except Exception as error:  # the database is away, or the address is taken
                log.warning("receiver_failed", part=type(part).__name__, error=str(error)[:200])
                connection.close()
        time.sleep(INTERVAL_SECONDS)
