"""Threads that fetch e-mail, one for each mailbox: a server that hangs keeps no other waiting."""

import threading
import time
from datetime import timedelta
from typing import Any

import structlog
from django.db import connection
from imapclient import IMAPClient

from appliance.core.database import run_and_close_connection
from appliance.core.errors import SkerryError
from appliance.mail import imap, queries, services
from appliance.mail.models import Mailbox

log = structlog.get_logger(__name__)
IDLE_SLICE_SECONDS = 5  # after which a thread sees that it is to stop
MAX_CONNECTION_SECONDS = 20 * 60  # servers end an IDLE of half an hour


class Fetcher(threading.Thread):
    """Fetch the e-mails of one mailbox until ``stop``; settings are read once."""

    def __init__(self, mailbox: Mailbox) -> None:
        super().__init__(name=f"mailbox {mailbox.pk}", daemon=True)
        self.settings = settings_of(mailbox)
        self._mailbox = mailbox
        self._stopped = threading.Event()

    def stop(self) -> None:
        self._stopped.set()

    def run(self) -> None:
        run_and_close_connection(self._fetch_until_stopped)

    def _fetch_until_stopped(self) -> None:
        while not self._stopped.is_set():
            try:
                pause = self._fetch()
            except Exception:  # the database is away, or the server sends what nobody foresaw
                log.exception("fetcher_failed", mailbox=self._mailbox.pk)
                connection.close()
                pause = timedelta(seconds=self._mailbox.poll_seconds)
            self._stopped.wait(pause.total_seconds())

    def _fetch(self) -> timedelta:
        """Connect once, and return the pause until the next connection."""
        mailbox = self._mailbox
        try:
            with imap.connected(mailbox) as client:
                self._fetch_new(client)
                if mailbox.uses_idle and client.has_capability("IDLE"):
                    self._fetch_when_told(client)
                    return timedelta(0)
        except (imap.MailServerError, SkerryError) as error:
            log.warning("mailbox_failed", mailbox=mailbox.pk, error=str(error)[:200])
            return services.record_failure(mailbox, str(error))
        return timedelta(seconds=mailbox.poll_seconds)

    def _fetch_new(self, client: IMAPClient) -> None:
        services.fetch_new(client, self._mailbox, is_stopped=self._stopped.is_set)
        services.record_success(self._mailbox)
        self._mailbox.failures = 0

    def _fetch_when_told(self, client: IMAPClient) -> None:
        """Fetch whenever the server announces something, and at the latest after the interval."""
        until = time.monotonic() + MAX_CONNECTION_SECONDS
        while not self._stopped.is_set() and time.monotonic() < until:
            self._wait_for_news(client)
            if not self._stopped.is_set():
                self._fetch_new(client)

    def _wait_for_news(self, client: IMAPClient) -> None:
        until = time.monotonic() + max(self._mailbox.poll_seconds, IDLE_SLICE_SECONDS)
        client.idle()
        while not self._stopped.is_set() and time.monotonic() < until:
            started = time.monotonic()
            responses = client.idle_check(timeout=IDLE_SLICE_SECONDS)
            is_closed = time.monotonic() - started < IDLE_SLICE_SECONDS / 2  # idle_done says why
            if responses or is_closed:
                break
        client.idle_done()


class Fetchers:
    """One thread for each mailbox that is fetched, as the settings are now."""

    def __init__(self) -> None:
        self._fetchers: dict[int, Fetcher] = {}

    def update(self) -> None:
        """Start, stop and restart threads where mailboxes were added, removed or changed."""
        mailboxes = {mailbox.pk: mailbox for mailbox in queries.list_fetched_mailboxes()}
        for pk, fetcher in [*self._fetchers.items()]:
            mailbox = mailboxes.get(pk)
            is_current = mailbox is not None and settings_of(mailbox) == fetcher.settings
            if not is_current or not fetcher.is_alive():
                fetcher.stop()
                del self._fetchers[pk]
        for pk, mailbox in mailboxes.items():
            if pk not in self._fetchers:
                self._fetchers[pk] = Fetcher(mailbox)
                self._fetchers[pk].start()

    def stop(self) -> None:
        for fetcher in self._fetchers.values():
            fetcher.stop()
        for fetcher in self._fetchers.values():
            fetcher.join(timeout=2)


def settings_of(mailbox: Mailbox) -> dict[str, Any]:
    """Return what an admin may change, not how the last connection went."""
    names = [field.name for field in Mailbox._meta.fields if field.editable]
    return {name: getattr(mailbox, name) for name in names}
