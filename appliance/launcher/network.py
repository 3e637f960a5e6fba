"""The address of the desk: free before it starts, healthy before it is announced."""

import contextlib
import errno
import http.client
import json
import os
import socket
import time
from typing import Any

from appliance.launcher.errors import LauncherError
from appliance.launcher.layout import Installation

BACKLOG = 1024  # connections that wait until a process takes them; the kernel may allow fewer


def ensure_port_free(installation: Installation) -> None:
    """Bind once to see that the web server will be able to."""
    if not installation.listens:
        return
    reason = why_port_is_not_free(installation)
    if reason:
        raise LauncherError(reason)


def why_port_is_not_free(installation: Installation) -> str | None:
    """The sentence to say, or None."""
    try:
        bound = _bind(installation.bind, installation.port)
    except OSError as error:
        return _sentence(installation.bind, installation.port, error)
    for each in bound:
        each.close()
    return None


def listening(bind: str, port: int, wait_seconds: float) -> list[socket.socket]:
    """Sockets on which connections queue from now on, one for each address of ``bind``."""
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            bound = _bind(bind, port)
            break
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                raise LauncherError(_sentence(bind, port, error)) from error
            time.sleep(0.1)
    for each in bound:
        each.listen(BACKLOG)
    return bound


def _bind(bind: str, port: int) -> list[socket.socket]:
    addresses = socket.getaddrinfo(bind, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    with contextlib.ExitStack() as stack:
        bound = []
        for family, kind, protocol, _, address in dict.fromkeys(addresses):
            server = stack.enter_context(socket.socket(family, kind, protocol))
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            server.bind(address)
            bound.append(server)
        stack.pop_all()
        return bound


def _sentence(bind: str, port: int, error: OSError) -> str:
    where = f"{bind} port {port}"
    if error.errno == errno.EADDRINUSE:
        return f"{where} is used by another program: stop it, or choose one with --port."
    if error.errno == errno.EACCES:
        return f"{where} needs root, which the desk does not keep: choose --port above 1023."
    return (
        f"{bind} is not an address of this machine ({error.strerror}): "
        "choose one of its own with --bind, or leave --bind out."
    )


def why_hosts_are_missing(installation: Installation) -> str | None:
    """A desk that listens to others but answers only to its own address is no use to them."""
    if installation.bind in ("127.0.0.1", "::1", "localhost") or os.environ.get("SKERRY_HOSTS"):
        return None
    return (
        f"the desk listens on {installation.bind}, but SKERRY_HOSTS names no host that browsers "
        "may ask "
        "for: set it to the name of this machine."
    )


def health(installation: Installation, timeout_seconds: float = 5) -> dict[str, Any] | None:
    """What /healthz answers, None when nothing answers; ``healthy`` says whether it was a 200."""
    host = installation.address.removeprefix("http://").rpartition(":")[0].strip("[]")
    connection = http.client.HTTPConnection(host, installation.port, timeout=timeout_seconds)
    try:
        # by a name the desk always knows, whatever address it listens on
        connection.request("GET", "/healthz", headers={"Host": f"127.0.0.1:{installation.port}"})
        response = connection.getresponse()
        body = response.read(65536)
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    try:
        answer = json.loads(body)
    except ValueError:
        answer = {}
    if not isinstance(answer, dict):
        answer = {}
    return {**answer, "healthy": response.status == 200}
