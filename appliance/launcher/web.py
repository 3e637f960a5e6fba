"""The web: sockets bound once, and the processes that answer on them (decision 16).

    python -m appliance.launcher.web

supervisord runs it as one program. It holds the sockets and nothing else, so what waits in their
queue is not lost with a process that answers; one that ends is followed by another. It stops them
in order, and the kernel does when it cannot any more (parent_death_signal.py).
"""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from appliance.launcher import network
from appliance.launcher.errors import LauncherError

SIGNALS = (signal.SIGINT, signal.SIGTERM)
BIND_SECONDS = 12  # processes of a killed one before may still be finishing their requests
STOP_SECONDS = 12  # less than supervisord waits
QUICK_SECONDS = 10  # who ends sooner than this has hardly served
PAUSE_SECONDS = 1
DEATH_SIGNAL_SCRIPT = str(Path(__file__).with_name("parent_death_signal.py"))


class Place:
    """One of the processes, and whoever follows it."""

    def __init__(self, command: list[str], descriptors: list[int]) -> None:
        self._command, self._descriptors = command, descriptors
        self._wait_until = 0.0
        self.process: subprocess.Popen[bytes] | None = None
        self._started = 0.0

    def fill(self) -> None:
        """Start a process where there is none, unless the last one failed a moment ago."""
        if self.process is None and time.monotonic() >= self._wait_until:
            self.process = subprocess.Popen(self._command, pass_fds=self._descriptors)  # noqa: S603
            self._started = time.monotonic()

    def look(self) -> None:
        """Take note of a process that ended."""
        if self.process is None or self.process.poll() is None:
            return
        lived = time.monotonic() - self._started
        _log("web_process_ended", pid=self.process.pid, status=self.process.returncode)
        self.process = None
        self._wait_until = time.monotonic() + (PAUSE_SECONDS if lived < QUICK_SECONDS else 0)


def serve(sockets: list[socket.socket], count: int) -> int:
    """Keep so many processes up until a signal comes (0), or until none of them lives (1)."""
    descriptors = [each.fileno() for each in sockets]
    command = [
        sys.executable,
        "-I",
        "-S",
        DEATH_SIGNAL_SCRIPT,
        "INT",
        sys.executable,
        "-m",
        "django",
        "serve",
    ]
    command += ["--sockets", *map(str, descriptors)]
    places = [Place(command, descriptors) for _ in range(count)]
    with _bell() as bell:
        while not bell.is_to_stop:
            for place in places:
                place.fill()
            bell.wait(PAUSE_SECONDS)
            for place in places:
                place.look()
            if not any(place.process for place in places):
                return 1  # supervisord sees it, says it, and tries again
        _stop([place.process for place in places if place.process])
    return 0


def _stop(processes: list[subprocess.Popen[bytes]]) -> None:
    """Let them answer what they have begun; insist after a while."""
    for process in processes:
        process.send_signal(signal.SIGINT)
    deadline = time.monotonic() + STOP_SECONDS
    for process in processes:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(0, deadline - time.monotonic()))
    for process in processes:
        process.kill()  # does nothing to those that ended
        process.wait()


class _Bell:
    """Rung by signals: to stop, or because a process ended."""

    def __init__(self, read: int) -> None:
        self._read = read
        self.is_to_stop = False

    def wait(self, seconds: float) -> None:
        if select.select([self._read], [], [], seconds)[0]:
            rung = os.read(self._read, 4096)
            self.is_to_stop = self.is_to_stop or any(number in SIGNALS for number in rung)


@contextlib.contextmanager
def _bell():
    read, write = os.pipe()
    for descriptor in (read, write):
        os.set_blocking(descriptor, False)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    for number in (*SIGNALS, signal.SIGCHLD):
        signal.signal(number, lambda number, frame: None)  # the byte in the pipe says it
    yield _Bell(read)


def _log(event: str, **more: object) -> None:
    """As the processes themselves write into this log."""
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    with contextlib.suppress(OSError):
        line = {"event": event, **more, "logger": __name__, "level": "warning", "timestamp": at}
        print(json.dumps(line), flush=True)


def main() -> int:
    """Bind, serve, stop."""
    bind, port = os.environ["SKERRY_BIND"], int(os.environ["SKERRY_PORT"])
    try:
        sockets = network.listening(bind, port, wait_seconds=BIND_SECONDS)
    except LauncherError as error:
        print(error, file=sys.stderr, flush=True)
        return 1
    return serve(sockets, int(os.environ["SKERRY_WEB_PROCESSES"]))


if __name__ == "__main__":
    sys.exit(main())
