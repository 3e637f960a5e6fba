"""A desk as the launcher runs it, on a database of its own: one web process, one worker.

No process of it has a way out of this machine (fence.py).
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from appliance import egress_guard, env

READY_SECONDS = 60


@dataclass(frozen=True)
class RealDesk:
    url: str
    setup_path: str  # what the launcher prints on the first start
    log: Path

    def wrote(self, words: str) -> bool:
        return words in self.log.read_text()


@contextmanager
def running(folder: Path, **more: str) -> Iterator[RealDesk]:
    """Prepared and answering, with ``more`` in its environment. Everything it made is gone
    afterwards.
    """
    (folder / "logs").mkdir()
    with _database() as database, (folder / "web.log").open("wb") as log:
        environment = _environment(folder, database) | more
        setup_path = _prepare(environment)
        processes = [_start(name, environment, log) for name in ("serve", "work")]
        try:
            url = f"http://127.0.0.1:{environment['SKERRY_PORT']}"
            _wait_until_ready(url)
            yield RealDesk(url, setup_path, folder / "web.log")
        finally:
            _stop(processes)


@contextmanager
def _database() -> Iterator[str]:
    name = f"test_skerry_{uuid.uuid4().hex[:8]}"
    url = env.text("DATABASE_URL")
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
        try:
            yield make_conninfo(url, dbname=name)
        finally:
            # without FORCE: PostgreSQL sends an autovacuum worker away by itself and waits for
            # it, but lets only a superuser force one
            server.execute(f'DROP DATABASE "{name}"')


def _environment(folder: Path, database: str) -> dict[str, str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    of_the_tests = ("DATABASE_URL_FILE", "DJANGO_ALLOW_ASYNC_UNSAFE")
    kept = {name: value for name, value in os.environ.items() if name not in of_the_tests}
    return kept | {
        "DATABASE_URL": database,
        "SKERRY_DATA": str(folder),
        "SKERRY_BIND": "127.0.0.1",
        "SKERRY_PORT": str(port),
    }


def _command(name: str) -> list[str]:
    return [sys.executable, "-m", "django", name]


def _prepare(environment: dict[str, str]) -> str:
    answer = subprocess.run(
        _command("prepare"), env=environment, capture_output=True, text=True, timeout=120
    )
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout.splitlines()[-1])["setup_path"]


def _start(name: str, environment: dict[str, str], log: object) -> subprocess.Popen:
    return subprocess.Popen(
        _command(name), env=environment, stdout=log, stderr=log, start_new_session=True
    )


def _wait_until_ready(url: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        with suppress(OSError), urllib.request.urlopen(f"{url}/healthz", timeout=5) as answer:
            assert json.load(answer)["database"] == "ok"
            return
        time.sleep(0.1)
    raise AssertionError(f"the desk did not answer within {READY_SECONDS} s")


def _stop(processes: list[subprocess.Popen]) -> None:
    for process in processes:
        process.send_signal(signal.SIGINT)
    for process in processes:
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()


def left_for_another_machine(desk: RealDesk) -> bool:
    """Whether a process of the desk tried to reach another machine."""
    return desk.wrote(egress_guard.BLOCKED_MESSAGE)
