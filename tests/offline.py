"""No way out of this machine: sockets reach Unix sockets and loopback, nothing else.

``python -m tests.offline serve`` runs a command of the desk like that, in a process of its own.
"""

import ipaddress
import sys
from collections.abc import Iterator
from contextlib import contextmanager

REFUSED = "refused a way out to"
_LOOKUPS = {"socket.getaddrinfo", "socket.gethostbyname"}
_SENDS = {"socket.connect", "socket.sendto", "socket.sendmsg"}
_attempts: list[str] | None = None  # None: the way out is open


class WayOutError(OSError):
    """Something tried to reach another machine."""


def _is_here(host: object) -> bool:
    host = host.decode() if isinstance(host, bytes) else host
    if host in (None, "", "localhost"):
        return True
    try:
        return ipaddress.ip_address(str(host)).is_loopback
    except ValueError:
        return False


def _guard(event: str, arguments: tuple) -> None:
    """An audit hook: Python tells it of every look-up and every address before it is used."""
    if _attempts is None or event not in _LOOKUPS | _SENDS:
        return
    target = arguments[0] if event in _LOOKUPS else arguments[1]
    if event in _SENDS and not isinstance(target, tuple):
        return  # the path of a Unix socket, or a socket that is connected already
    host = target if event in _LOOKUPS else target[0]
    if not _is_here(host):
        _attempts.append(str(host))
        print(REFUSED, host, file=sys.stderr, flush=True)
        raise WayOutError(f"{REFUSED} {host}")


sys.addaudithook(_guard)


@contextmanager
def closed() -> Iterator[list[str]]:
    """Closes the way out; yields what tried to take it, even if it swallowed the refusal."""
    global _attempts
    before, _attempts = _attempts, []
    try:
        yield _attempts
    finally:
        _attempts = before


if __name__ == "__main__":
    from django.core.management import execute_from_command_line

    with closed():
        execute_from_command_line(["skerry", *sys.argv[1:]])
