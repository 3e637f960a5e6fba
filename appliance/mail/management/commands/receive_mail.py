import signal
import threading

import structlog
from django.core.management import BaseCommand
from django.db import connection

from appliance.core.database import set_statement_timeout
from appliance.mail.fetchers import Fetchers
from appliance.mail.listener import Listener

log = structlog.get_logger(__name__)
INTERVAL_SECONDS = 3  # after which changed settings apply


class Command(BaseCommand):
    help = "Receive e-mail: fetch from the mailboxes, and listen for deliveries."
    requires_system_checks = []

    def handle(self, **options: object) -> None:
        set_statement_timeout(seconds=60)
        stopped = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *arguments: stopped.set())
        fetchers, listener = Fetchers(), Listener()
        while not stopped.wait(INTERVAL_SECONDS):
            for part in (fetchers, listener):
                try:
                    part.update()
                except Exception:  # the database is away, or the address is taken
                    log.exception("receive_mail_failed")
                    connection.close()
        listener.stop()
        fetchers.stop()
