"""The address to listen on, and the health check."""

import contextlib
import errno
import http.client
import json
import os
import socket
import time
from typing import Any

from appliance.launcher.layout import Installation
from appliance.launcher.terminal import LauncherError

BACKLOG = 1024  # connections that wait for a process; the kernel may allow fewer


def ensure_port_free(installation: Installation) -> None:
    """Refuse an address that the web server could not bind."""
    if not installation.listens:
        return
    reason = port_error(installation)
    if reason:
        raise LauncherError(reason)


def port_error(installation: Installation) -> str | None:
    """Return why the address cannot be bound, with the remedy; None when it can."""
    try:
        servers = _bind(installation.bind, installation.port)
    except OSError as error:
        return _bind_error(installation.bind, installation.port, error)
    for server in servers:
        server.close()
    return None


def listen(bind: str, port: int, wait_seconds: float) -> list[socket.socket]:
    """Return listening sockets, one for each address of ``bind``; wait while it is in use."""
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            servers = _bind(bind, port)
            break
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                raise LauncherError(_bind_error(bind, port, error)) from error
            time.sleep(0.1)
    for server in servers:
        server.listen(BACKLOG)
    return servers


def _bind(bind: str, port: int) -> list[socket.socket]:
    addresses = socket.getaddrinfo(bind, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    with contextlib.ExitStack() as stack:
        servers = []
        for family, kind, protocol, _, address in dict.fromkeys(addresses):
            server = stack.enter_context(socket.socket(family, kind, protocol))
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            server.bind(address)
            servers.append(server)
        stack.pop_all()
        return servers


def _bind_error(bind: str, port: int, error: OSError) -> str:
    address = f"{bind} port {port}"
    if error.errno == errno.EADDRINUSE:
        return f"{address} is used by another program: stop it, or choose one with --port."
    if error.errno == errno.EACCES:
        return f"{address} needs root, which the desk does not keep: choose --port above 1023."
    return (
        f"{bind} is not an address of this machine ({error.strerror}): "
        "choose one of its own with --bind, or leave --bind out."
    )


def hosts_warning(installation: Installation) -> str | None:
    """Return a warning when Skerry listens on the network but SKERRY_HOSTS is not set."""
    if installation.bind in ("127.0.0.1", "::1", "localhost") or os.environ.get("SKERRY_HOSTS"):
        return None
    return (
        f"the desk listens on {installation.bind}, but SKERRY_HOSTS names no host that browsers "
        "may ask for: set it to the name of this machine."
    )


def health(installation: Installation, timeout_seconds: float = 5) -> dict[str, Any] | None:
    """Return the response of /healthz and ``healthy`` (status 200); None without a response."""
    host = installation.address.removeprefix("http://").rpartition(":")[0].strip("[]")
    connection = http.client.HTTPConnection(host, installation.port, timeout=timeout_seconds)
    try:
        # This host is always allowed, whatever address it listens on.
        connection.request("GET", "/healthz", headers={"Host": f"127.0.0.1:{installation.port}"})
        response = connection.getresponse()
        body = response.read(65536)
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    try:
        report = json.loads(body)
    except ValueError:
        report = {}
    if not isinstance(report, dict):
        report = {}
    return {**report, "healthy": response.status == 200}
