"""Block outgoing connections of this process except to configured hosts.

A Python audit hook sees every name look-up and every address before it is used. A blocked
connection raises EgressBlockedError, is logged as an error, and is appended to a file that the
status page counts. libpq resolves names itself; it only gets the address of the database.

Standard library only, because the launcher installs it too.
"""

import contextlib
import ipaddress
import json
import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

BLOCKED_MESSAGE = "blocked a connection to"
MAX_LOG_BYTES = 256 * 1024  # repeated attempts must not fill the disk
_LOOKUPS = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}
_SENDS = {"socket.connect", "socket.sendto", "socket.sendmsg", "socket.getnameinfo"}
_log = logging.getLogger(__name__)
_here = threading.local()  # set during our own look-ups, which are not checked
_hosts: frozenset[str] | None = None  # None: nothing is blocked
_record: Path | None = None
_watchers: list[list[str]] = []
_hooked = False


class EgressBlockedError(OSError):
    """This process tried to reach a host that is not configured."""


def install(hosts: Iterable[str] = (), record: Path | None = None) -> None:
    """Allow only Unix sockets, this machine and ``hosts`` from now on; log the rest to ``record``.

    A later call replaces the list.
    """
    global _hosts, _record
    _hosts = frozenset(host.lower() for host in hosts if host)
    _record = record
    _hook()


@contextmanager
def recording(hosts: Iterable[str] = ()) -> Iterator[list[str]]:
    """Allow only this machine and ``hosts`` inside; yield the hosts that were tried."""
    global _hosts
    before, _hosts = _hosts, frozenset(hosts)
    attempts: list[str] = []
    _watchers.append(attempts)
    _hook()
    try:
        yield attempts
    finally:
        _watchers.remove(attempts)
        _hosts = before


def blocked_connections(record: Path) -> list[dict]:
    """Return the logged entries, oldest first: ``at`` (Unix time), ``host``, ``command``."""
    try:
        lines = record.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    entries = []
    for line in lines:
        with contextlib.suppress(ValueError):  # cut short by a full disk
            entries.append(json.loads(line))
    return [entry for entry in entries if isinstance(entry, dict)]


def _hook() -> None:
    global _hooked
    if not _hooked:
        _hooked = True
        sys.addaudithook(_guard)


def _guard(event: str, arguments: tuple) -> None:
    if not event.startswith("socket.") or _hosts is None or getattr(_here, "asks", False):
        return
    if event in _LOOKUPS:
        host = arguments[0]
        allowed = _is_this_machine(host) or _host_name(host) in _hosts or _is_own_hostname(host)
    elif event in _SENDS:
        target = arguments[0] if event == "socket.getnameinfo" else arguments[1]
        if not isinstance(target, tuple):
            return  # the path of a Unix socket, or a socket that is connected already
        host = target[0]
        allowed = _is_this_machine(host) or _host_name(host) in _hosts or _is_remote_address(host)
    else:
        return
    if not allowed:
        _block(_host_name(host))


def _host_name(host: object) -> str:
    text = host.decode(errors="replace") if isinstance(host, bytes) else str(host)
    return text.lower()


def _is_this_machine(host: object) -> bool:
    if host in (None, "", b"", "localhost", b"localhost"):
        return True
    try:
        address = ipaddress.ip_address(_host_name(host).split("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified  # 0.0.0.0: all addresses of this machine


def _is_own_hostname(host: object) -> bool:
    """Letters carry the name of the machine that sent them."""
    return _host_name(host) == socket.gethostname().lower()


def _is_remote_address(address: object) -> bool:
    """Names that were configured are looked up once more: is this one of their addresses?"""
    if not isinstance(address, str):
        return False
    _here.asks = True
    try:
        for host in _hosts or ():
            with contextlib.suppress(OSError):
                addresses = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
                if address in {target[0] for *_, target in addresses}:
                    return True
    finally:
        _here.asks = False
    return False


def _block(host: str) -> None:
    for attempts in _watchers:
        attempts.append(host)
    _append_to_log(host)
    _log.error("%s %s", BLOCKED_MESSAGE, host[:255])
    raise EgressBlockedError(f"{BLOCKED_MESSAGE} {host[:255]}")


def _append_to_log(host: str) -> None:
    """One line, at once, also while the disk is full or the folder gone: then the log has it."""
    if _record is None:
        return
    line = {"at": round(time.time()), "host": host[:255], "command": " ".join(sys.argv)[-80:]}
    with contextlib.suppress(OSError):
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        descriptor = os.open(_record, flags, 0o600)
        try:
            if os.fstat(descriptor).st_size < MAX_LOG_BYTES:
                os.write(descriptor, (json.dumps(line) + "\n").encode())
        finally:
            os.close(descriptor)
