"""Fixtures for tests that start and stop Skerry with ``launcher.py``.

Each runs on a temporary directory and a free port, in the environment of the tests. Only one first
start is done: later ones use a copy of its data.
"""

import http.client
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

CODE = Path(__file__).resolve().parents[2]
START_LIMIT_SECONDS = 180


def free_port() -> int:
    """Return a port below those from which Linux numbers outgoing connections (32768 and up).

    A port of that range could be taken by any connection while a desk is stopped and started again.
    """
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def plain_environment() -> dict[str, str]:
    """Return the variables of an operator's shell, without the servers of the test run."""
    names = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")
    return {name: os.environ[name] for name in names if name in os.environ}


def wait_for(condition: Callable[[], object], seconds: float = 20) -> object:
    """Return the first true result; fail the test when there is none in time."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < deadline, f"waited {seconds} s in vain"
        time.sleep(0.05)
    return result


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


class Desk:
    """One launcher on one data directory, controlled from the command line."""

    def __init__(self, data: Path, **environment: str) -> None:
        self.data = data
        self.launcher = CODE / "launcher.py"
        self.port = free_port()
        models = str(data.parent / "no-models")  # faster, and Skerry must work without models
        defaults = {"SKERRY_MODELS": models, "SKERRY_WEB_PROCESSES": "2"}
        self.environment = {**plain_environment(), **defaults, **environment}
        self.output = data.with_name(f"{data.name}.out")
        self.process: subprocess.Popen[bytes] | None = None

    def command(self, *arguments: str) -> list[str]:
        launcher = [sys.executable, str(self.launcher), "--data", str(self.data)]
        return [*launcher, "--port", str(self.port), *arguments]

    def call(self, *arguments: str, seconds: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a launcher command to its end."""
        return subprocess.run(
            self.command(*arguments),
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    def start(self, *arguments: str) -> "Desk":
        self.launch(*arguments)
        wait_for(self.is_announced, START_LIMIT_SECONDS)
        return self

    def launch(self, *arguments: str) -> None:
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                self.command(*arguments),
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    def is_announced(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.read_output()
        return "Ctrl-C stops it." in self.read_output()

    def read_output(self) -> str:
        return self.output.read_text()

    def status(self, *arguments: str) -> dict:
        return json.loads(self.call("status", "--json", *arguments).stdout)

    def pid(self, name: str) -> int:
        return self.status()["processes"][name]["pid"]

    def supervisor_pid(self) -> int:
        return int((self.data / "run" / "supervisord.pid").read_text())

    def get(self, path: str, headers: dict[str, str] | None = None) -> int:
        """Return the status of one request; 0 when nothing answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path, headers=headers or {})
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()

    def is_healthy(self) -> bool:
        return self.get("/healthz") == 200

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def end(self, seconds: float = 40) -> int:
        """Wait until the launcher has ended and return its exit status."""
        assert self.process is not None
        return self.process.wait(seconds)

    def close(self) -> None:
        if self.process and self.process.poll() is None:
            self.signal(signal.SIGTERM)
            try:
                self.end()
            except subprocess.TimeoutExpired:
                self.process.kill()


@pytest.fixture(scope="session")
def scratch() -> Iterator[Path]:
    """Yield a directory with a short path, because the address of a Unix socket has 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="skl", ignore_cleanup_errors=True) as folder:
        yield Path(folder).resolve()


@pytest.fixture(scope="session")
def first_start(scratch: Path) -> Desk:
    """Return a desk that was started once and stopped; its data can be copied."""
    desk = Desk(scratch / "first")
    try:
        desk.start()
        desk.listening = listening_sockets(desk)
        desk.arguments = every_argument(desk)
    finally:
        desk.close()
    return desk


@pytest.fixture(scope="session")
def moved_desk(first_start: Desk, scratch: Path) -> Iterator[Desk]:
    """Yield a desk on a copy of the first one's data, in another directory and on another port."""
    desk = Desk(scratch / "moved")
    shutil.copytree(first_start.data, desk.data)
    yield desk
    desk.close()


@pytest.fixture
def desk(moved_desk: Desk) -> Desk:
    """Return the running desk that all tests share; start it again if a test has stopped it."""
    if moved_desk.process is None or moved_desk.process.poll() is not None:
        moved_desk.start()
    return moved_desk


@pytest.fixture
def new_desk(scratch: Path) -> Iterator[Callable[..., Desk]]:
    """Yield a function that creates desks which are not started yet."""
    desks: list[Desk] = []

    def make(data: Path | None = None, **environment: str) -> Desk:
        desks.append(Desk(data or Path(tempfile.mkdtemp(dir=scratch)) / "data", **environment))
        return desks[-1]

    yield make
    for created in desks:
        created.close()
        if created.data.is_relative_to(scratch):
            shutil.rmtree(created.data, ignore_errors=True)


def desk_processes(desk: Desk) -> list[int]:
    """Return the pids of the launcher, supervisord and all their children."""
    assert desk.process is not None
    pids, parents = [], {desk.process.pid}
    while parents:
        pids += parents
        children = set()
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            if parent in parents:
                children.add(int(entry.name))
        parents = children
    return pids


def every_argument(desk: Desk) -> str:
    return "\n".join(
        Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ") for pid in desk_processes(desk)
    )


def listening_sockets(desk: Desk) -> set[str]:
    """Return the local addresses of the TCP sockets on which a process of the desk listens."""
    inodes = set()
    for pid in desk_processes(desk):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            try:
                inodes.add(os.readlink(descriptor).removeprefix("socket:[").rstrip("]"))
            except OSError:
                continue
    addresses = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                addresses.add(fields[1])
    return addresses
