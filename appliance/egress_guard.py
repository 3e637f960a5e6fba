"""Block outgoing connections of this process except to configured hosts.

A Python audit hook sees every name look-up and every address before it is used. A blocked
connection raises EgressBlockedError, is logged as an error, and is appended to a file that the
status page reads. The hook does not see libpq, which resolves names itself and connects only to
the configured database.

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
# is_resolving: set during our own look-ups, which are not checked; more_hosts: of ``allowing``
_thread = threading.local()
_allowed_hosts: frozenset[str] | None = None  # None: nothing is blocked
_log_file: Path | None = None
_attempt_lists: list[list[str]] = []  # one for each open block of ``recording``
_is_hook_installed = False


class EgressBlockedError(OSError):
    """This process tried to reach a host that is not configured."""


def install(hosts: Iterable[str] = (), log_file: Path | None = None) -> None:
    """Allow only Unix sockets, this machine and ``hosts`` from now on; log others to ``log_file``.

    A later call replaces the list.
    """
    global _allowed_hosts, _log_file
    _allowed_hosts = frozenset(host.lower() for host in hosts if host)
    _log_file = log_file
    _ensure_hook()


@contextmanager
def allowing(host: str) -> Iterator[None]:
    """Allow one more host to this thread inside the block.

    For a server that an administrator has entered in the settings: a mailbox, a mail server, a
    directory. A test lists the modules that use it.
    """
    previous_hosts = _more_hosts()
    _thread.more_hosts = previous_hosts | {host.lower()}
    try:
        yield
    finally:
        _thread.more_hosts = previous_hosts


@contextmanager
def recording(hosts: Iterable[str] = ()) -> Iterator[list[str]]:
    """Allow only this machine and ``hosts`` inside the block; yield the list of blocked hosts."""
    global _allowed_hosts
    previous_hosts, _allowed_hosts = _allowed_hosts, frozenset(hosts)
    attempts: list[str] = []
    _attempt_lists.append(attempts)
    _ensure_hook()
    try:
        yield attempts
    finally:
        _attempt_lists.remove(attempts)
        _allowed_hosts = previous_hosts


def blocked_connections(log_file: Path) -> list[dict]:
    """Return the logged entries, oldest first: ``at`` (Unix time), ``host``, ``command``."""
    try:
        lines = log_file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    entries = []
    for line in lines:
        with contextlib.suppress(ValueError):  # truncated by a full disk
            entries.append(json.loads(line))
    return [entry for entry in entries if isinstance(entry, dict)]


def _ensure_hook() -> None:
    global _is_hook_installed
    if not _is_hook_installed:
        _is_hook_installed = True
        sys.addaudithook(_check_event)


def _check_event(event: str, arguments: tuple) -> None:
    if (
        not event.startswith("socket.")
        or _allowed_hosts is None
        or getattr(_thread, "is_resolving", False)
    ):
        return
    if event in _LOOKUPS:
        host = arguments[0]
        allowed = is_this_machine(host) or _host_name(host) in _hosts() or _is_own_hostname(host)
    elif event in _SENDS:
        target = arguments[0] if event == "socket.getnameinfo" else arguments[1]
        if not isinstance(target, tuple):
            return  # the path of a Unix socket, or a socket that is already connected
        host = target[0]
        allowed = (
            is_this_machine(host) or _host_name(host) in _hosts() or _is_configured_address(host)
        )
    else:
        return
    if not allowed:
        _block(_host_name(host))


def _hosts() -> frozenset[str]:
    """Return the hosts that this thread may reach, in lower case."""
    return (_allowed_hosts or frozenset()) | _more_hosts()


def _more_hosts() -> frozenset[str]:
    return getattr(_thread, "more_hosts", frozenset())


def _host_name(host: object) -> str:
    """Return the host in lower case."""
    text = host.decode(errors="replace") if isinstance(host, bytes) else str(host)
    return text.lower()


def is_this_machine(host: object) -> bool:
    """Return whether a name or address is that of this machine alone."""
    if host in (None, "", b"", "localhost", b"localhost"):
        return True
    try:
        address = ipaddress.ip_address(_host_name(host).split("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified  # 0.0.0.0: all addresses of this machine


def _is_own_hostname(host: object) -> bool:
    """Return whether it is the name of this machine, which Django looks up to send e-mail."""
    return _host_name(host) == socket.gethostname().lower()


def _is_configured_address(address: object) -> bool:
    """Return whether it is an address of a configured host, whose name is looked up again."""
    if not isinstance(address, str):
        return False
    _thread.is_resolving = True
    try:
        for host in _hosts():
            with contextlib.suppress(OSError):
                results = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
                if address in {socket_address[0] for *_, socket_address in results}:
                    return True
    finally:
        _thread.is_resolving = False
    return False


def _block(host: str) -> None:
    for attempts in _attempt_lists:
        attempts.append(host)
    _append_to_log(host)
    _log.error("%s %s", BLOCKED_MESSAGE, host[:255])
    raise EgressBlockedError(f"{BLOCKED_MESSAGE} {host[:255]}")


def _append_to_log(host: str) -> None:
    """Append one line. A full disk or a missing folder is ignored: the process log has it too."""
    if _log_file is None:
        return
    entry = {"at": round(time.time()), "host": host[:255], "command": " ".join(sys.argv)[-80:]}
    with contextlib.suppress(OSError):
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        descriptor = os.open(_log_file, flags, 0o600)
        try:
            if os.fstat(descriptor).st_size < MAX_LOG_BYTES:
                os.write(descriptor, (json.dumps(entry) + "\n").encode())
        finally:
            os.close(descriptor)
