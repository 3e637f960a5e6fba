"""No way out of this machine but to the hosts the desk was told of.

An audit hook: Python tells it of every look-up of a name and of every address before it is used.
What is refused is an OSError to whoever tried, an error in the log, and a line in a file, which
the status page counts. libpq speaks for itself; it is given one address, the database's.

Standard library only: the launcher stands behind it, too.
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

REFUSED = "refused a way out to"
LARGEST_RECORD = 256 * 1024  # bytes; what tries a thousand times needs no thousand lines
_LOOKUPS = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}
_SENDS = {"socket.connect", "socket.sendto", "socket.sendmsg", "socket.getnameinfo"}
_log = logging.getLogger(__name__)
_here = threading.local()  # a look-up of our own is not asked about
_hosts: frozenset[str] | None = None  # None: the way out is open
_record: Path | None = None
_watchers: list[list[str]] = []
_hooked = False


class EgressBlockedError(OSError):
    """Something tried to reach a machine nobody configured."""


def close(hosts: Iterable[str] = (), record: Path | None = None) -> None:
    """From now on this process reaches Unix sockets, this machine, and these hosts; refusals are
    written into ``record``. Called again, the new list counts.
    """
    global _hosts, _record
    _hosts = frozenset(host.lower() for host in hosts if host)
    _record = record
    _hook()


@contextmanager
def watched(hosts: Iterable[str] = ()) -> Iterator[list[str]]:
    """Inside, only this machine and these; yields what tried, even if it swallowed the refusal."""
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


def refusals(record: Path) -> list[dict]:
    """What was written there, oldest first: ``at`` (seconds since 1970), ``host``, ``command``."""
    try:
        lines = record.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        with contextlib.suppress(ValueError):  # cut short by a full disk
            found.append(json.loads(line))
    return [one for one in found if isinstance(one, dict)]


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
        allowed = _is_here(host) or _name(host) in _hosts or _is_own_name(host)
    elif event in _SENDS:
        target = arguments[0] if event == "socket.getnameinfo" else arguments[1]
        if not isinstance(target, tuple):
            return  # the path of a Unix socket, or a socket that is connected already
        host = target[0]
        allowed = _is_here(host) or _name(host) in _hosts or _belongs_to_a_host(host)
    else:
        return
    if not allowed:
        _refuse(_name(host))


def _name(host: object) -> str:
    text = host.decode(errors="replace") if isinstance(host, bytes) else str(host)
    return text.lower()


def _is_here(host: object) -> bool:
    if host in (None, "", b"", "localhost", b"localhost"):
        return True
    try:
        address = ipaddress.ip_address(_name(host).split("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified  # 0.0.0.0: all addresses of this machine


def _is_own_name(host: object) -> bool:
    """Letters carry the name of the machine that sent them."""
    return _name(host) == socket.gethostname().lower()


def _belongs_to_a_host(address: object) -> bool:
    """Names that were configured are looked up once more: is this one of their addresses?"""
    if not isinstance(address, str):
        return False
    _here.asks = True
    try:
        for host in _hosts or ():
            with contextlib.suppress(OSError):
                found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
                if address in {target[0] for *_, target in found}:
                    return True
    finally:
        _here.asks = False
    return False


def _refuse(host: str) -> None:
    for attempts in _watchers:
        attempts.append(host)
    _write_down(host)
    _log.error("%s %s", REFUSED, host[:255])
    raise EgressBlockedError(f"{REFUSED} {host[:255]}")


def _write_down(host: str) -> None:
    """One line, at once, also while the disk is full or the folder gone: then the log has it."""
    if _record is None:
        return
    line = {"at": round(time.time()), "host": host[:255], "command": " ".join(sys.argv)[-80:]}
    with contextlib.suppress(OSError):
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        descriptor = os.open(_record, flags, 0o600)
        try:
            if os.fstat(descriptor).st_size < LARGEST_RECORD:
                os.write(descriptor, (json.dumps(line) + "\n").encode())
        finally:
            os.close(descriptor)
