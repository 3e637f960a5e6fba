"""Talking to supervisord: XML-RPC over its Unix socket."""

import http.client
import socket
import subprocess
import time
import xmlrpc.client
from dataclasses import dataclass
from pathlib import Path
from typing import Any

GIVEN_UP = ("fatal", "exited", "unknown")
REVIVE_SECONDS = 15
RPC_TIMEOUT_SECONDS = 10


class _Connection(http.client.HTTPConnection):
    """HTTP over a Unix socket; the host name is only there for the header."""

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
    """supervisord, as seen by the launcher that runs it or by ``status``."""

    socket: Path
    authorization: str
    process: subprocess.Popen[bytes] | None = None

    def _call(self, method: str, *arguments: object) -> Any:
        # a connection a call: one that was cut in half by a signal must not serve the next
        transport = _Transport(self.socket, self.authorization)
        with xmlrpc.client.ServerProxy("http://localhost", transport) as proxy:
            return getattr(proxy.supervisor, method)(*arguments)

    def answers(self) -> bool:
        """Whether it is up and willing."""
        try:
            return self._call("getState")["statename"] == "RUNNING"
        except (OSError, http.client.HTTPException, xmlrpc.client.Error):
            return False

    def processes(self) -> dict[str, dict[str, Any]]:
        """State, pid and age of every program; empty when supervisord does not answer."""
        try:
            rows = self._call("getAllProcessInfo")
        except (OSError, http.client.HTTPException, xmlrpc.client.Error):
            return {}
        return {
            entry["name"]: {
                "state": entry["statename"].lower(),
                "pid": entry["pid"],
                "up_seconds": max(0, entry["now"] - entry["start"]) if entry["pid"] else 0,
            }
            for entry in rows
        }

    def start(self, name: str) -> None:
        """Start one program without waiting; one that runs already is left alone."""
        try:
            self._call("startProcess", name, False)
        except xmlrpc.client.Fault as fault:
            if "ALREADY_STARTED" not in fault.faultString:
                raise

    def keep_up(self) -> None:
        """Return when supervisord ends. Programs it gave up on are started again and again."""
        if self.process is None:
            raise ValueError("only the launcher that started supervisord can wait for it")
        while True:
            try:
                self.process.wait(REVIVE_SECONDS)
                return
            except subprocess.TimeoutExpired:
                self._revive()

    def _revive(self) -> None:
        for name, info in self.processes().items():
            if info["state"] in GIVEN_UP:
                try:
                    self.start(name)
                except (OSError, http.client.HTTPException, xmlrpc.client.Error):
                    time.sleep(1)
