"""Paths and options of an installation: one frozen value, passed to every step."""

import hashlib
import os
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from appliance import VERSION, disks, site_url
from appliance.launcher.terminal import LauncherError

ROLES = ("all", "web", "worker", "database", "cache")
PORTS = {"database": 5432, "cache": 6379}  # of the roles that serve no HTTP
MAX_SOCKET_PATH_BYTES = 107  # the kernel's limit for the address of a Unix socket
PLAIN_PATH = re.compile(
    r"[A-Za-z0-9/._+@=~-]+"
)  # no character that a database URL splits or quotes
LONGEST_SOCKET_NAME = "/supervisor.sock.4194304"


def is_set_in_environment(name: str) -> bool:
    """Return whether the operator set this variable, or a file that holds its value."""
    return bool(os.environ.get(name) or os.environ.get(f"{name}_FILE"))


@dataclass(frozen=True)
class Installation:
    """One installation: its code, data directory, address and role."""

    code: Path
    data: Path
    bind: str = "127.0.0.1"
    port: int = 8000
    role: str = "all"
    web_processes: int = 1
    demo: bool = False
    url: str = ""  # which browsers open
    tls_cert: str = ""
    tls_key: str = ""
    insecure_http: bool = False  # plain HTTP on a network is accepted
    is_address_unread: bool = False  # what the last start stored could not be read yet
    trusted_proxies: tuple[str, ...] = ()  # addresses and networks whose headers name the client
    min_free_mb: int = disks.DEFAULT_MIN_FREE_MB  # nothing is saved on a disk with less
    testing: bool = False  # servers and data of a test run, which may create databases

    version = VERSION

    @property
    def venv(self) -> Path:
        return self.code / ".venv"

    @property
    def python(self) -> Path:
        return self.venv / "bin" / "python"

    @property
    def models(self) -> Path:
        return Path(os.environ.get("SKERRY_MODELS") or self.code / "models")

    @property
    def run(self) -> Path:
        return self.data / "run"

    @property
    def logs(self) -> Path:
        return self.data / "logs"

    @property
    def secrets(self) -> Path:
        return self.data / "secrets"

    @property
    def cluster(self) -> Path:
        return self.data / "postgres"

    @property
    def sockets(self) -> Path:
        """Return the directory of the Unix sockets: run/, or one in /tmp for an unusable path."""
        fits = len(os.fsencode(self.run)) + len(LONGEST_SOCKET_NAME) <= MAX_SOCKET_PATH_BYTES
        if fits and PLAIN_PATH.fullmatch(str(self.run)):
            return self.run
        name = hashlib.sha256(os.fsencode(self.data)).hexdigest()[:16]
        return Path("/tmp") / f"skerry-{name}"  # noqa: S108 - owner and mode are checked on use

    @property
    def runs_application(self) -> bool:
        """Return whether this runs Skerry itself, not only a server for other machines."""
        return self.role not in PORTS

    @property
    def has_own_database(self) -> bool:
        if not self.runs_application:
            return self.role == "database"
        return self.testing or not is_set_in_environment("DATABASE_URL")

    @property
    def has_own_cache(self) -> bool:
        if not self.runs_application:
            return self.role == "cache"
        return self.testing or not is_set_in_environment("REDIS_URL")

    @property
    def database_port(self) -> int:
        """Return the port in the socket's name; also a TCP port in the role "database"."""
        return self.port if self.role == "database" else PORTS["database"]

    @property
    def runs_web(self) -> bool:
        return self.role in ("all", "web")

    @property
    def listens(self) -> bool:
        """Return whether it listens on ``bind`` and ``port``."""
        return self.runs_web or not self.runs_application

    @property
    def runs_worker(self) -> bool:
        return self.role in ("all", "worker")

    @property
    def address(self) -> str:
        """Return the URL of the pages, as seen from this machine."""
        every_address = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104
        host = every_address.get(self.bind, self.bind)
        scheme = "https" if self.serves_tls else "http"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def site(self) -> site_url.SiteUrl | None:
        return site_url.parse(self.url) if self.url else None

    @property
    def public_address(self) -> str:
        """Return the URL that people open."""
        return self.site.origin if self.site else self.address

    @property
    def serves_tls(self) -> bool:
        """Return whether the front has a certificate; else a trusted proxy may have it."""
        is_https = bool(self.site and self.site.is_https)
        return self.runs_web and is_https and bool(self.tls_cert or not self.trusted_proxies)

    @property
    def is_exposed(self) -> bool:
        """Return whether pages cross a network unencrypted, without a proxy in front."""
        is_encrypted = self.serves_tls or self.trusted_proxies
        return self.runs_web and not is_encrypted and not site_url.is_loopback(self.bind)

    def command(self, *words: str) -> str:
        """Return a command line for this installation, to be copied into a shell."""
        options = {"--data": str(self.data)} if self.data != self.code / "var" else {}
        if not words:  # a start
            defaults = Installation(code=self.code, data=self.data, role=self.role)
            if self.bind != defaults.bind:
                options["--bind"] = self.bind
            if self.port != PORTS.get(self.role, defaults.port):
                options["--port"] = str(self.port)
            if self.role != "all":
                options["--role"] = self.role
            if self.url:
                options["--url"] = self.url
        arguments = [word for option in options.items() for word in option]
        return shlex.join(["python3", str(self.code / "launcher.py"), *arguments, *words])


def ensure_usable_paths(installation: Installation) -> None:
    """Refuse characters that a module path or supervisord's configuration cannot hold."""
    for path in (installation.code, installation.data):
        if re.search(r"[\x00-\x1f]|\s[;#]", str(path)):
            raise LauncherError(
                f"The path {str(path)!r} holds characters Skerry cannot use: rename it."
            )
    if ":" in str(installation.code):
        raise LauncherError(
            f"The path {installation.code} holds a colon, which Python cannot use: rename it."
        )
