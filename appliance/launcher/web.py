"""Parent of the web processes: binds the sockets once and restarts processes (decision 16).

    python -m appliance.launcher.web

supervisord runs it as one program. It only holds the sockets, so connections that wait in their
queue survive a process that ends, and starts another process in its place. It stops the processes
in order; if it is killed, the kernel signals them (parent_death_signal.py).
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
from collections.abc import Iterator
from pathlib import Path

from appliance.launcher import network
from appliance.launcher.terminal import LauncherError

SIGNALS = (signal.SIGINT, signal.SIGTERM)
BIND_SECONDS = 12  # processes of a killed parent may still be finishing their requests
STOP_SECONDS = 12  # less than supervisord's stopwaitsecs
QUICK_EXIT_SECONDS = 10  # a process that ends sooner is restarted after a pause
PAUSE_SECONDS = 1
DEATH_SIGNAL_SCRIPT = str(Path(__file__).with_name("parent_death_signal.py"))


class WebProcess:
    """One web process and its successors."""

    def __init__(self, command: list[str], descriptors: list[int]) -> None:
        self._command, self._descriptors = command, descriptors
        self._restart_at = 0.0
        self.process: subprocess.Popen[bytes] | None = None
        self._started = 0.0

    def ensure_started(self) -> None:
        """Start the process if none runs, but not at once after a quick exit."""
        if self.process is None and time.monotonic() >= self._restart_at:
            self.process = subprocess.Popen(self._command, pass_fds=self._descriptors)  # noqa: S603
            self._started = time.monotonic()

    def reap(self) -> None:
        """Log the exit of the process, if it has ended."""
        if self.process is None or self.process.poll() is None:
            return
        run_seconds = time.monotonic() - self._started
        _log("web_process_ended", pid=self.process.pid, status=self.process.returncode)
        self.process = None
        self._restart_at = time.monotonic() + (
            PAUSE_SECONDS if run_seconds < QUICK_EXIT_SECONDS else 0
        )


def serve(sockets: list[socket.socket], count: int) -> int:
    """Run ``count`` processes until a signal (returns 0) or until all of them fail (returns 1)."""
    descriptors = [server.fileno() for server in sockets]
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
    web_processes = [WebProcess(command, descriptors) for _ in range(count)]
    with _self_pipe() as pipe:
        while not pipe.is_stop_requested:
            for web_process in web_processes:
                web_process.ensure_started()
            pipe.wait(PAUSE_SECONDS)
            for web_process in web_processes:
                web_process.reap()
            if not any(web_process.process for web_process in web_processes):
                return 1  # supervisord logs it and starts this parent again
        _stop([web_process.process for web_process in web_processes if web_process.process])
    return 0


def _stop(processes: list[subprocess.Popen[bytes]]) -> None:
    """Let the processes finish their requests; kill them after STOP_SECONDS."""
    for process in processes:
        process.send_signal(signal.SIGINT)
    deadline = time.monotonic() + STOP_SECONDS
    for process in processes:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(0, deadline - time.monotonic()))
    for process in processes:
        process.kill()  # does nothing if it has ended
        process.wait()


class SelfPipe:
    """A pipe into which signal handlers write: a stop signal, or SIGCHLD."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.is_stop_requested = False

    def wait(self, seconds: float) -> None:
        if select.select([self._descriptor], [], [], seconds)[0]:
            numbers = os.read(self._descriptor, 4096)
            if any(number in SIGNALS for number in numbers):
                self.is_stop_requested = True


@contextlib.contextmanager
def _self_pipe() -> Iterator[SelfPipe]:
    read, write = os.pipe()
    for descriptor in (read, write):
        os.set_blocking(descriptor, False)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    for number in (*SIGNALS, signal.SIGCHLD):
        signal.signal(number, lambda number, frame: None)  # the byte in the pipe is enough
    yield SelfPipe(read)


def _log(event: str, **details: object) -> None:
    """Print a log line in the format of the web processes, whose log this is."""
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    with contextlib.suppress(OSError):
        entry = {"event": event, **details, "logger": __name__, "level": "warning", "timestamp": at}
        print(json.dumps(entry), flush=True)


def main() -> int:
    """Bind the sockets and run the web processes until a signal."""
    bind, port = os.environ["SKERRY_BIND"], int(os.environ["SKERRY_PORT"])
    try:
        sockets = network.listen(bind, port, wait_seconds=BIND_SECONDS)
    except LauncherError as error:
        print(error, file=sys.stderr, flush=True)
        return 1
    return serve(sockets, int(os.environ["SKERRY_WEB_PROCESSES"]))


if __name__ == "__main__":
    sys.exit(main())
