"""A desk of its own for the tests that start, break and stop one.

Every desk is started by ``launcher.py`` itself, on a scratch directory and a free port, with the
environment the tests already run in. The first start is paid for once: later desks get a copy.
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
    """What an operator's shell would hold: nothing of the test run's own servers."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")
    return {name: os.environ[name] for name in kept if name in os.environ}


def wait_for(what: Callable[[], object], seconds: float = 20) -> object:
    """The first true answer; fails the test when there is none in time."""
    deadline = time.monotonic() + seconds
    while not (answer := what()):
        assert time.monotonic() < deadline, f"waited {seconds} s in vain"
        time.sleep(0.05)
    return answer


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


class Desk:
    """One launcher on one data directory, as the person at the terminal sees it."""

    def __init__(self, data: Path, **environment: str) -> None:
        self.data = data
        self.launcher = CODE / "launcher.py"
        self.port = free_port()
        models = str(data.parent / "no-models")  # faster, and the desk is to work without
        given = {"SKERRY_MODELS": models, "SKERRY_WEB_PROCESSES": "2"}  # on one core, too
        self.environment = {**plain_environment(), **given, **environment}
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
        assert self.process.poll() is None, self.said()
        return "Ctrl-C stops it." in self.said()

    def said(self) -> str:
        return self.output.read_text()

    def status(self, *arguments: str) -> dict:
        return json.loads(self.call("status", "--json", *arguments).stdout)

    def pid(self, name: str) -> int:
        return self.status()["processes"][name]["pid"]

    def supervisor_pid(self) -> int:
        return int((self.data / "run" / "supervisord.pid").read_text())

    def get(self, path: str, headers: dict[str, str] | None = None) -> int:
        """The status of one request; 0 when nothing answers."""
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
        """Wait for the launcher to be gone."""
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
    """A short path: a Unix socket's address has 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="skl", ignore_cleanup_errors=True) as made:
        yield Path(made).resolve()


@pytest.fixture(scope="session")
def first_start(scratch: Path) -> Iterator[Desk]:
    """A desk that was started once, looked at, and stopped; its data can be copied."""
    desk = Desk(scratch / "first")
    try:
        desk.start()
        desk.listening = listening_sockets(desk)
        desk.arguments = every_argument(desk)
    finally:
        desk.close()
    yield desk


@pytest.fixture(scope="session")
def moved_desk(first_start: Desk, scratch: Path) -> Iterator[Desk]:
    """The same desk, moved to another directory and port: its second start."""
    desk = Desk(scratch / "moved")
    shutil.copytree(first_start.data, desk.data)
    yield desk
    desk.close()


@pytest.fixture
def desk(moved_desk: Desk) -> Desk:
    """One running desk, shared by all tests: whoever breaks it leaves it to be started again."""
    if moved_desk.process is None or moved_desk.process.poll() is not None:
        moved_desk.start()
    return moved_desk


@pytest.fixture
def new_desk(scratch: Path) -> Iterator[Callable[..., Desk]]:
    """Makes desks that were not started yet."""
    made: list[Desk] = []

    def make(data: Path | None = None, **environment: str) -> Desk:
        made.append(Desk(data or Path(tempfile.mkdtemp(dir=scratch)) / "data", **environment))
        return made[-1]

    yield make
    for each in made:
        each.close()
        if each.data.is_relative_to(scratch):
            shutil.rmtree(each.data, ignore_errors=True)


def desk_processes(desk: Desk) -> list[int]:
    """The launcher, supervisord and everything below them."""
    assert desk.process is not None
    found, parents = [], {desk.process.pid}
    while parents:
        found += parents
        children = set()
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            if parent in parents:
                children.add(int(entry.name))
        parents = children
    return found


def every_argument(desk: Desk) -> str:
    return "\n".join(
        Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ") for pid in desk_processes(desk)
    )


def listening_sockets(desk: Desk) -> set[str]:
    """Local addresses of the TCP sockets on which one of the desk's processes listens."""
    inodes = set()
    for pid in desk_processes(desk):
        for handle in Path(f"/proc/{pid}/fd").iterdir():
            try:
                inodes.add(os.readlink(handle).removeprefix("socket:[").rstrip("]"))
            except OSError:
                continue
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                found.add(fields[1])
    return found
