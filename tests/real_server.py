"""The server as the launcher runs it, on a database of its own: one web process, one worker.

The egress guard keeps its processes from reaching other machines.
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
class RealServer:
    """Where a running server answers, and its log."""

    url: str
    setup_path: str  # the one-time link that the launcher prints on the first start
    log: Path

    def has_blocked_connections(self) -> bool:
        """Return whether a process tried to reach another machine."""
        return egress_guard.BLOCKED_MESSAGE in self.log.read_text()


@contextmanager
def run_server(folder: Path, **variables: str) -> Iterator[RealServer]:
    """Run a prepared server with these environment variables; stop it and drop its database."""
    (folder / "logs").mkdir()
    with _create_database() as database_urls, (folder / "web.log").open("wb") as log:
        environment = _environment(folder, database_urls) | variables
        setup_path = _prepare(environment)
        del environment["DATABASE_OWNER_URL"]  # web and worker never have it
        processes = [_start(name, environment, log) for name in ("serve", "work")]
        try:
            url = f"http://127.0.0.1:{environment['SKERRY_PORT']}"
            _wait_until_ready(url)
            yield RealServer(url, setup_path, folder / "web.log")
        finally:
            _stop(processes)


@contextmanager
def _create_database() -> Iterator[dict[str, str]]:
    """Create a database; yield the variables with the URLs of application and owner."""
    name = f"test_skerry_{uuid.uuid4().hex[:8]}"
    owner_url, url = env.text("DATABASE_OWNER_URL"), env.text("DATABASE_URL")
    with psycopg.connect(owner_url, autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
        try:
            yield {
                "DATABASE_URL": make_conninfo(url, dbname=name),
                "DATABASE_OWNER_URL": make_conninfo(owner_url, dbname=name),
            }
        finally:
            # without FORCE: PostgreSQL ends an autovacuum worker by itself, but only a superuser
            # may terminate one
            server.execute(f'DROP DATABASE "{name}"')


def _environment(folder: Path, database_urls: dict[str, str]) -> dict[str, str]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    test_only = ("DATABASE_URL_FILE", "DATABASE_OWNER_URL_FILE", "DJANGO_ALLOW_ASYNC_UNSAFE")
    inherited = {name: value for name, value in os.environ.items() if name not in test_only}
    return inherited | {
        **database_urls,
        "SKERRY_DATA": str(folder),
        "SKERRY_BIND": "127.0.0.1",
        "SKERRY_PORT": str(port),
    }


def _command(name: str) -> list[str]:
    return [sys.executable, "-m", "django", name]


def _prepare(environment: dict[str, str]) -> str:
    result = subprocess.run(
        _command("prepare"), env=environment, capture_output=True, text=True, timeout=120
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout.splitlines()[-1])["setup_path"]


def _start(name: str, environment: dict[str, str], log: object) -> subprocess.Popen:
    return subprocess.Popen(
        _command(name), env=environment, stdout=log, stderr=log, start_new_session=True
    )


def _wait_until_ready(url: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        with suppress(OSError), urllib.request.urlopen(f"{url}/healthz", timeout=5) as response:
            assert json.load(response)["database"] == "ok"
            return
        time.sleep(0.1)
    raise AssertionError(f"the server did not answer within {READY_SECONDS} s")


def _stop(processes: list[subprocess.Popen]) -> None:
    for process in processes:
        process.send_signal(signal.SIGINT)
    for process in processes:
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
