"""A client for supervisord: XML-RPC over its Unix socket."""

import http.client
import socket
import subprocess
import time
import xmlrpc.client
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FAILED_STATES = ("fatal", "exited", "unknown")
RESTART_INTERVAL_SECONDS = 15
TICK_SECONDS = 1
RPC_TIMEOUT_SECONDS = 10


class _Connection(http.client.HTTPConnection):
    """HTTP over a Unix socket; the host name is only used in the header."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=RPC_TIMEOUT_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(RPC_TIMEOUT_SECONDS)
        self.sock.connect(str(self._path))


class _Transport(xmlrpc.client.Transport):
    def __init__(self, path: Path, authorization: str) -> None:
        super().__init__(headers=[("Authorization", authorization)])
        self._path = path

    def make_connection(self, host: object) -> http.client.HTTPConnection:
        return _Connection(self._path)


@dataclass(frozen=True)
class Supervisor:
    """The running supervisord; ``process`` is set in the launcher that started it."""

    socket: Path
    authorization: str
    process: subprocess.Popen[bytes] | None = None

    def _call(self, method: str, *arguments: object) -> Any:
        # One connection per call: after an interrupted call it could not be used again.
        transport = _Transport(self.socket, self.authorization)
        with xmlrpc.client.ServerProxy("http://localhost", transport) as proxy:
            return getattr(proxy.supervisor, method)(*arguments)

    def is_ready(self) -> bool:
        """Return whether it answers and accepts commands."""
        try:
            return self._call("getState")["statename"] == "RUNNING"
        except (OSError, http.client.HTTPException, xmlrpc.client.Error):
            return False

    def processes(self) -> dict[str, dict[str, Any]]:
        """Return state, pid and age of every program; empty when supervisord does not answer."""
        try:
            entries = self._call("getAllProcessInfo")
        except (OSError, http.client.HTTPException, xmlrpc.client.Error):
            return {}
        return {
            entry["name"]: {
                "state": entry["statename"].lower(),
                "pid": entry["pid"],
                "up_seconds": max(0, entry["now"] - entry["start"]) if entry["pid"] else 0,
            }
            for entry in entries
        }

    def start(self, name: str) -> None:
        """Start one program, unless it runs, without waiting for it."""
        try:
            self._call("startProcess", name, False)
        except xmlrpc.client.Fault as fault:
            if "ALREADY_STARTED" not in fault.faultString:
                raise

    def stop(self, name: str) -> None:
        """Stop one program, unless it has stopped, without waiting for it."""
        try:
            self._call("stopProcess", name, False)
        except xmlrpc.client.Fault as fault:
            if "NOT_RUNNING" not in fault.faultString:
                raise

    def wait(self, on_tick: Callable[[], None]) -> None:
        """Wait until supervisord ends; restart the programs that it has given up on.

        Calls ``on_tick`` every second.
        """
        if self.process is None:
            raise ValueError("only the launcher that started supervisord can wait for it")
        restart_at = time.monotonic() + RESTART_INTERVAL_SECONDS
        while True:
            try:
                self.process.wait(TICK_SECONDS)
                return
            except subprocess.TimeoutExpired:
                on_tick()
            if time.monotonic() > restart_at:
                self._restart_failed()
                restart_at = time.monotonic() + RESTART_INTERVAL_SECONDS

    def _restart_failed(self) -> None:
        for name, info in self.processes().items():
            if info["state"] in FAILED_STATES:
                try:
                    self.start(name)
                except (OSError, http.client.HTTPException, xmlrpc.client.Error):
                    time.sleep(1)
