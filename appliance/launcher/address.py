"""The URL that browsers open, and whether it is encrypted. Stored in the data directory."""

import json
import os
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from appliance import site_url
from appliance.launcher import certificates, datadir, front, privileges
from appliance.launcher.files import ensure_content, read_json
from appliance.launcher.layout import PORTS, Installation
from appliance.launcher.supervisor_client import Supervisor
from appliance.launcher.terminal import LauncherError, say, warn

FILE = "address.json"
NO_URL = "none"  # as --url: forget the stored one
TRUE = ("1", "true", "yes", "on")
WATCH_SECONDS = 10


def completed(installation: Installation, options: dict[str, Any]) -> Installation:
    """Take URL, certificate and key from the options, the environment, or the last start."""
    if not installation.runs_web:
        url = options.get("url") or os.environ.get("SKERRY_URL") or ""
        return replace(installation, url=_checked(url))
    stored = privileges.run_as_service_user(lambda: _stored(installation)) or {}
    url = options.get("url") or os.environ.get("SKERRY_URL")
    previous = stored if url in (None, "", stored.get("url")) else {}

    def file(name: str) -> str:
        variable = os.environ.get(f"SKERRY_{name.upper()}")
        path = options.get(name) or variable or previous.get(name)
        return str(Path(path).absolute()) if path else ""

    is_accepted = os.environ.get("SKERRY_INSECURE_HTTP", "").lower() in TRUE
    return replace(
        installation,
        is_address_unread=stored.get("is_unread", False),
        url=_checked(url or previous.get("url", "")),
        insecure_http=bool(
            options.get("insecure_http") or is_accepted or stored.get("insecure_http")
        ),
        tls_cert=file("tls_cert"),
        tls_key=file("tls_key"),
    )


def _stored(installation: Installation) -> dict[str, Any]:
    """Return what the last start has stored.

    A desk of a version that stored nothing may go on with plain HTTP on a network, with a warning.
    Before a start as root gives access to the data, there may be something that cannot be read.
    """
    try:
        if not (installation.data / FILE).exists():
            return {"insecure_http": (installation.data / datadir.VERSION_FILE).exists()}
        return read_json(installation.data / FILE)
    except PermissionError:
        return {"is_unread": True}


def _checked(url: str) -> str:
    if url in ("", NO_URL):
        return ""
    try:
        return site_url.parse(url).origin
    except ValueError as error:
        raise LauncherError(f"--url (SKERRY_URL): {error}") from error


def default_bind(installation: Installation) -> str:
    """Return the address to listen on: with TLS every one, unless the URL is of this machine."""
    is_public = installation.serves_tls and installation.site and not installation.site.is_loopback
    return "0.0.0.0" if is_public else "127.0.0.1"  # noqa: S104


def default_port(installation: Installation) -> int:
    """Return the port to listen on: with TLS the one of the URL."""
    if installation.serves_tls and installation.site:
        return installation.site.port
    return PORTS.get(installation.role, 8000)


def store(installation: Installation) -> None:
    """Store the address for the next start and for other commands.

    Raises LauncherError instead of overwriting one that could not be read.
    """
    if not installation.runs_web:
        return
    if installation.is_address_unread and (installation.data / FILE).exists():
        raise LauncherError(
            f"{installation.data} could not be read before this start gave access to it: "
            "start again, so that its stored URL and certificate are used."
        )
    values = {name: getattr(installation, name) for name in ("url", "tls_cert", "tls_key")}
    values["insecure_http"] = installation.insecure_http and installation.is_exposed
    ensure_content(installation.data / FILE, json.dumps(values) + "\n")


def ensure_acceptable(installation: Installation) -> None:
    """Refuse plain HTTP on a network that nobody has accepted, and an unusable certificate."""
    if installation.is_exposed and not installation.insecure_http:
        raise LauncherError(
            f"On {installation.bind} passwords and tickets would cross the network unencrypted: "
            "name the URL of the desk (--url https://desk.example), or the proxy that encrypts "
            "(SKERRY_TRUSTED_PROXIES), or accept it with --insecure-http."
        )
    if not installation.runs_web or not (installation.tls_cert or installation.tls_key):
        return
    if not (installation.tls_cert and installation.tls_key):
        raise LauncherError("--tls-cert and --tls-key belong together: name both files.")
    if not installation.serves_tls or not installation.site:
        raise LauncherError(
            "--tls-cert needs the URL of the desk: add --url https:// and the name it is for."
        )
    certificates.ensure_usable(
        Path(installation.tls_cert), Path(installation.tls_key), installation.site.host
    )


class CertificateWatch:
    """Lets the front read a certificate again when its file has been replaced."""

    def __init__(self, installation: Installation, supervisor: Supervisor) -> None:
        self._installation, self._supervisor = installation, supervisor
        self._next_check = 0.0
        self._digest = front.certificate_digest(installation)

    def check(self) -> None:
        """Look every ten seconds; a certificate that cannot be used leaves the old one."""
        if not self._installation.tls_cert or time.monotonic() < self._next_check:
            return
        self._next_check = time.monotonic() + WATCH_SECONDS
        digest = front.certificate_digest(self._installation)
        if digest in ("", self._digest):
            return
        self._digest = digest
        try:
            ensure_acceptable(self._installation)
        except LauncherError as error:
            warn(f"the old certificate is still served: {error}")
            return
        front.ensure_config(self._installation)
        if pid := self._supervisor.processes().get("front", {}).get("pid"):
            os.kill(pid, signal.SIGUSR1)
            say("The certificate was replaced.")
