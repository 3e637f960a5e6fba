"""The servers of ``doctor --egress`` are good enough for the desk's own clients."""

import asyncio
import socket
import threading
from collections.abc import Iterator

import pytest
from django.core.mail import EmailMessage

from appliance.directory import services as directory_services
from appliance.directory.models import SyncRun
from appliance.mail import imap
from appliance.mail import services as mail_services
from appliance.mail.models import InboundEmail, Mailbox
from appliance.notifications import senders, smtp
from appliance.ops import services, trial_servers

ADDRESS = "127.0.0.1"


def free_ports(count: int) -> list[int]:
    probes = [socket.create_server((ADDRESS, 0)) for _ in range(count)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


@pytest.fixture
def events(dan) -> Iterator[list[str]]:
    """Use running servers and yield what they report."""
    events: list[str] = []
    ports, credential = trial_servers.Ports(*free_ports(3)), trial_servers.Credential(ADDRESS)
    services.use_trial_servers(ADDRESS, ports, credential.certificate)
    loop, is_ready = asyncio.new_event_loop(), threading.Event()

    def report(event: str) -> None:
        events.append(event)
        is_ready.set()

    serving = loop.create_task(trial_servers.serve(ADDRESS, ports, credential, report))
    thread = threading.Thread(target=run_until_cancelled, args=[loop, serving])
    thread.start()
    assert is_ready.wait(10)
    yield events
    loop.call_soon_threadsafe(serving.cancel)
    thread.join()


def run_until_cancelled(loop: asyncio.AbstractEventLoop, task: asyncio.Task) -> None:
    try:
        loop.run_until_complete(task)
    except asyncio.CancelledError:
        loop.close()


def test_desk_fetches_an_email_sends_one_and_searches_the_directory(events, settings):
    settings.EMAIL_BACKEND = "appliance.notifications.smtp.EmailBackend"  # not that of tests
    mailbox = Mailbox.objects.get()
    with imap.connected(mailbox) as client:
        assert mail_services.fetch_new(client, mailbox) == 1
        assert mail_services.fetch_new(client, mailbox) == 0
    assert InboundEmail.objects.get().size == len(trial_servers.EMAIL)
    with smtp.connect(senders.find_mail_server()) as connection:
        email = EmailMessage("Lift", "It moves.", "desk@trial.example", ["pia@trial.example"])
        assert connection.send_messages([email]) == 1
    run = SyncRun.objects.get()
    directory_services.carry_out_run(run)
    run.refresh_from_db()
    assert run.state == SyncRun.State.DONE, run.problem
    assert set(events) == {"ready", "e-mail fetched", "e-mail sent", "directory searched"}
