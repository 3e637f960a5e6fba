"""Where everything is and what was asked for: one frozen value, passed to every step."""

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from appliance import VERSION
from appliance.launcher.errors import LauncherError

ROLES = ("all", "web", "worker", "database", "cache")
PORTS = {"database": 5432, "cache": 6379}  # of the roles that speak no HTTP
SOCKET_PATH_LIMIT = 107  # bytes the kernel allows in the address of a Unix socket
PLAIN_PATH = re.compile(r"[A-Za-z0-9/._+@=~-]+")  # nothing a database address would split or quote
LONGEST_SOCKET_NAME = "/supervisor.sock.4194304"


def named_in_environment(name: str) -> bool:
    """Whether the operator gave this variable, or a file that holds it."""
    return bool(os.environ.get(name) or os.environ.get(f"{name}_FILE"))


@dataclass(frozen=True)
class Installation:
    """One desk: its code, its data directory, its address, its role."""

    code: Path
    data: Path
    bind: str = "127.0.0.1"
    port: int = 8000
    role: str = "all"
    web_processes: int = 1
    demo: bool = False
    testing: bool = False  # own servers, own scratch data, may create databases

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
        """Where the Unix sockets are: run/, unless its path is too long or too odd for one."""
        fits = len(os.fsencode(self.run)) + len(LONGEST_SOCKET_NAME) <= SOCKET_PATH_LIMIT
        if fits and PLAIN_PATH.fullmatch(str(self.run)):
            return self.run
        name = hashlib.sha256(os.fsencode(self.data)).hexdigest()[:16]
        return Path("/tmp") / f"skerry-{name}"  # noqa: S108 - owner and mode are checked on use

    @property
    def is_desk(self) -> bool:
        """Whether this runs the desk itself, or only one of the servers it needs."""
        return self.role not in PORTS

    @property
    def has_own_database(self) -> bool:
        if not self.is_desk:
            return self.role == "database"
        return self.testing or not named_in_environment("DATABASE_URL")

    @property
    def has_own_cache(self) -> bool:
        if not self.is_desk:
            return self.role == "cache"
        return self.testing or not named_in_environment("REDIS_URL")

    @property
    def database_port(self) -> int:
        """Names the Unix socket; a TCP port as well when this machine is the database."""
        return self.port if self.role == "database" else PORTS["database"]

    @property
    def serves(self) -> bool:
        return self.role in ("all", "web")

    @property
    def listens(self) -> bool:
        return self.serves or not self.is_desk

    @property
    def works(self) -> bool:
        return self.role in ("all", "worker")

    @property
    def address(self) -> str:
        host = self.bind if self.bind not in ("0.0.0.0", "::", "") else "127.0.0.1"  # noqa: S104
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"


def ensure_plain_paths(installation: Installation) -> None:
    """Refuse the few characters that a module path or the supervisor's file cannot carry."""
    for path in (installation.code, installation.data):
        if re.search(r"[\x00-\x1f]|\s[;#]", str(path)):
            raise LauncherError(
                f"The path {str(path)!r} holds characters Skerry cannot use: rename it."
            )
    if ":" in str(installation.code):
        raise LauncherError(
            f"The path {installation.code} holds a colon, which Python cannot use: rename it."
        )
