"""The server as the launcher runs it, on a database of its own: front, web process, worker.

The egress guard keeps its processes from reaching other machines.
"""

import json
import os
import shutil
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
from appliance.launcher import datadir, files, front
from appliance.launcher.layout import Installation

CODE = Path(__file__).resolve().parents[1]
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
    installation = _installation(folder)
    with _create_database() as database_urls, (folder / "web.log").open("wb") as log:
        environment = _environment(installation, database_urls) | variables
        setup_path = _prepare(environment)
        del environment["DATABASE_OWNER_URL"]  # web and worker never have it
        (web_socket,) = front.web_sockets(installation).values()
        commands = [
            front.command(installation),
            _command("serve", "--socket", str(web_socket)),
            _command("work"),
        ]
        processes = [_start(command, environment, log) for command in commands]
        try:
            _wait_until_ready(installation.address)
            yield RealServer(installation.address, setup_path, folder / "web.log")
        finally:
            _stop(processes)
            shutil.rmtree(installation.sockets, ignore_errors=True)


def _installation(folder: Path) -> Installation:
    """Return an installation with the folders and the configuration of a start."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    installation = Installation(code=CODE, data=folder, port=port, web_processes=1)
    installation.logs.mkdir()
    files.ensure_private_dir(installation.run)
    datadir.ensure_sockets(installation)
    front.ensure_config(installation)
    return installation


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


def _environment(installation: Installation, database_urls: dict[str, str]) -> dict[str, str]:
    test_only = ("DATABASE_URL_FILE", "DATABASE_OWNER_URL_FILE", "DJANGO_ALLOW_ASYNC_UNSAFE")
    inherited = {name: value for name, value in os.environ.items() if name not in test_only}
    return inherited | {
        **database_urls,
        "XDG_DATA_HOME": str(installation.data),
        "SKERRY_DATA": str(installation.data),
        "SKERRY_BIND": installation.bind,
        "SKERRY_PORT": str(installation.port),
    }


def _command(*words: str) -> list[str]:
    return [sys.executable, "-m", "django", *words]


def _prepare(environment: dict[str, str]) -> str:
    result = subprocess.run(
        _command("prepare"), env=environment, capture_output=True, text=True, timeout=120
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout.splitlines()[-1])["setup_path"]


def _start(command: list[str], environment: dict[str, str], log: object) -> subprocess.Popen:
    return subprocess.Popen(
        command, env=environment, stdout=log, stderr=log, start_new_session=True
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
