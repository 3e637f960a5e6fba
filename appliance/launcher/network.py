"""The address to listen on, and the health check."""

import contextlib
import errno
import http.client
import ipaddress
import json
import os
import secrets
import socket
import ssl
import struct
from collections.abc import Iterator
from typing import Any

from appliance.launcher import port_owner
from appliance.launcher.layout import Installation
from appliance.launcher.terminal import LauncherError

DESK_ID = secrets.token_hex(8)  # by which a launcher knows the desk it has started


@contextlib.contextmanager
def reserved(installation: Installation) -> Iterator[None]:
    """Refuse an address that cannot be bound; inside the block no other desk can start on it.

    The web server binds the address long after this. Until then a socket whose name exists only in
    the kernel, and ends with this process, keeps other desks of this machine away.
    """
    with contextlib.ExitStack() as stack:
        if installation.listens:
            _reserve(installation, stack)
            if reason := port_error(installation):
                raise LauncherError(reason)
        yield


def _reserve(installation: Installation, stack: contextlib.ExitStack) -> None:
    try:
        addresses = _addresses(installation.bind, installation.port)
    except OSError as error:
        raise LauncherError(_bind_error(installation.bind, installation.port, error)) from error
    for _, _, _, _, address in addresses:
        name = f"\0skerry-{address[0]}-{address[1]}"
        reservation = stack.enter_context(socket.socket(socket.AF_UNIX))
        try:
            reservation.bind(name)
            reservation.listen()
        except OSError as error:
            raise LauncherError(
                f"{installation.bind} port {installation.port} is used by {_holder(name)}: "
                "stop it, or choose one with --port."
            ) from error


def _holder(name: str) -> str:
    """Return which process has made the reservation."""
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(name)
            credentials = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        except OSError:
            return "another desk"
    return port_owner.describe_process(struct.unpack("3i", credentials)[0])


def port_error(installation: Installation) -> str | None:
    """Return why the address cannot be bound, with the remedy; None when it can."""
    try:
        servers = _bind(installation.bind, installation.port)
    except OSError as error:
        return _bind_error(installation.bind, installation.port, error)
    for server in servers:
        server.close()
    return None


def listen_addresses(installation: Installation) -> list[str]:
    """Return what the front listens on, in Caddy's notation, one entry for each address."""
    networks = {socket.AF_INET: "tcp4", socket.AF_INET6: "tcp6"}
    return [
        f"{networks[family]}/{f'[{address[0]}]' if family == socket.AF_INET6 else address[0]}:"
        f"{address[1]}"
        for family, _, _, _, address in _addresses(installation.bind, installation.port)
    ]


def _addresses(bind: str, port: int) -> list[Any]:
    """Return what getaddrinfo finds, each address once."""
    results = socket.getaddrinfo(bind, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return list(dict.fromkeys(results))


def _bind(bind: str, port: int) -> list[socket.socket]:
    with contextlib.ExitStack() as stack:
        servers = []
        for family, kind, protocol, _, address in _addresses(bind, port):
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
        owner = port_owner.describe(port)
        return f"{address} is used by {owner}: stop it, or choose one with --port."
    if error.errno == errno.EACCES:
        return (
            f"{address} needs root, which the desk does not keep: choose --port above 1023, or let "
            f"programs have it (sysctl net.ipv4.ip_unprivileged_port_start={port})."
        )
    return (
        f"{bind} is not an address of this machine ({error.strerror}): "
        "choose one of its own with --bind, or leave --bind out."
    )


def trusted_proxies(text: str) -> tuple[str, ...]:
    """Return the addresses and networks of SKERRY_TRUSTED_PROXIES; refuse anything else."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    for word in words:
        try:
            ipaddress.ip_network(word, strict=False)
        except ValueError:
            raise LauncherError(
                f"SKERRY_TRUSTED_PROXIES holds {word!r}, which is no address or network: write "
                "addresses such as 10.0.0.5 or 10.0.0.0/24, separated by commas."
            ) from None
    return tuple(words)


def hosts_warning(installation: Installation) -> str | None:
    """Return a warning when Skerry listens on the network but SKERRY_HOSTS is not set."""
    is_local = installation.bind in ("127.0.0.1", "::1", "localhost")
    if is_local or installation.url or os.environ.get("SKERRY_HOSTS"):
        return None
    return (
        f"the desk listens on {installation.bind}, but SKERRY_HOSTS names no host that browsers "
        "may ask for: set it to the name of this machine."
    )


def health(
    installation: Installation, desk_id: str, timeout_seconds: float = 5
) -> dict[str, Any] | None:
    """Return the response of /healthz, with ``healthy`` and ``is_own``; None without a response.

    ``healthy`` means status 200, ``is_own`` that the desk of this start has answered.
    """
    host = installation.address.partition("://")[2].rpartition(":")[0].strip("[]")
    connection = http.client.HTTPConnection(host, installation.port, timeout=timeout_seconds)
    if installation.serves_tls:  # the id of the desk tells whose it is, not the certificate
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(
            host, installation.port, timeout=timeout_seconds, context=context
        )
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
    is_own = bool(desk_id) and report.pop("desk", "") == desk_id
    return {**report, "healthy": is_own and response.status == 200, "is_own": is_own}
