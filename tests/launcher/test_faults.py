"""After a kill no data is lost, and the next start works."""

import os
import signal
import time
from contextlib import suppress
from threading import Thread

import psycopg
import pytest

from tests.launcher.conftest import Desk, alive, desk_processes, wait_for

pytestmark = pytest.mark.slow
IS_BLOCKING = """
SELECT EXISTS (
    SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))
)
"""


def test_every_killed_process_is_restarted(desk: Desk) -> None:
    before = {name: desk.pid(name) for name in ("front", "web-1", "worker", "valkey", "postgres")}
    for name, pid in before.items():
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda name=name, pid=pid: desk.pid(name) not in (0, pid))
    wait_for(lambda: desk.status()["healthy"], 30)


def test_killed_supervisor_is_restarted(desk: Desk) -> None:
    before = desk.supervisor_pid()
    os.kill(before, signal.SIGKILL)
    wait_for(lambda: desk.read_output().count("is ready") == 2, 40)
    assert desk.supervisor_pid() != before
    assert desk.is_healthy()


def test_launcher_starts_again_after_it_was_killed(desk: Desk) -> None:
    pids = desk_processes(desk)
    desk.signal(signal.SIGKILL)
    desk.end()
    desk.start()
    assert desk.is_healthy()
    assert not [pid for pid in pids if alive(pid)]


def test_desk_starts_again_after_all_processes_were_killed(desk: Desk) -> None:
    for pid in desk_processes(desk):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    desk.end()
    desk.start()
    assert desk.is_healthy()


def test_launcher_killed_during_its_first_start_starts_again(new_desk) -> None:
    for seconds in (0.3, 1.0, 2.0):  # initdb, bootstrap, migrations
        desk = new_desk()
        desk.launch()
        time.sleep(seconds)
        desk.signal(signal.SIGKILL)
        desk.end()
    desk.start()
    assert desk.is_healthy()


def test_request_in_flight_is_answered_before_the_desk_stops(desk: Desk) -> None:
    url = (desk.data / "secrets" / "database_url").read_text()
    statuses: list[int] = []
    with psycopg.connect(url) as connection:  # blocks requests that read a session
        connection.execute("LOCK TABLE accounts_session IN ACCESS EXCLUSIVE MODE")
        cookie = {"Cookie": f"sessionid={'a' * 32}"}
        request = Thread(target=lambda: statuses.append(desk.get("/", cookie)))
        request.start()
        wait_for(lambda: connection.execute(IS_BLOCKING).fetchone()[0])
        desk.signal(signal.SIGTERM)
        time.sleep(1)
        assert not statuses
    request.join(10)
    assert statuses == [302]  # to the log-in page
    assert desk.end() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_stops_all_processes_within_seconds(desk: Desk, number: int) -> None:
    processes = desk_processes(desk)
    started = time.monotonic()
    desk.signal(number)
    time.sleep(0.2)
    desk.signal(number)  # a second signal changes nothing
    assert desk.end() == 0
    assert time.monotonic() - started < 15
    assert not [pid for pid in processes if alive(pid)]
    assert "Traceback" not in desk.read_output()
    assert "database system is shut down" in (desk.data / "logs" / "postgres.log").read_text()
