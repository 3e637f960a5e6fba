"""A scratch desk for the benches: PostgreSQL, Valkey and pages, through the launcher's roles.

Everything lies in one folder; what was loaded stays there for the next bench. Nothing else of this
machine is touched, and the servers end with the bench.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 300
READY = re.compile(r"is (?:running on|ready|running\.)")
PASSWORD = "of a scratch desk that only this machine reaches"  # noqa: S105
SECRET = "a key for sessions of a scratch desk, longer than fifty characters"  # noqa: S105


@dataclass(frozen=True)
class Desk:
    """Servers that answer. ``folder`` holds all they own."""

    folder: Path
    database_url: str
    cache_url: str

    def environment(self) -> dict[str, str]:
        """For whatever is part of this desk: a process of its own, or this one."""
        return {
            "DATABASE_URL": self.database_url,
            "DATABASE_PASSWORD": PASSWORD,
            "REDIS_URL": self.cache_url,
            "REDIS_PASSWORD": PASSWORD,
            "SECRET_KEY": SECRET,
            "SKERRY_DATA": str(self.folder / "desk"),
        }

    def enter(self) -> None:
        """Make this process one of the desk: Django is set up on its servers, and the database is
        brought up to this version. Once a process.
        """
        os.environ.update(self.environment())
        os.environ["DJANGO_SETTINGS_MODULE"] = "appliance.settings"
        sys.path.insert(0, str(ROOT))
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)

    def dsn(self) -> str:
        """The database with its password, for connections beside Django's."""
        return f"{self.database_url}?password={quote(PASSWORD)}"

    def as_superuser(self) -> str:
        """How to reach the desk's database with every right: its socket and its secret."""
        secret = (self.folder / "database" / "secrets" / "superuser_password").read_text().strip()
        port = re.search(r":(\d+)/", self.database_url).group(1)
        sockets = self.folder / "database" / "run"
        return f"host={sockets} port={port} user=postgres dbname=skerry password={secret}"

    @contextmanager
    def serving(self, *, role: str = "web") -> Iterator[str]:
        """Its pages (``all``: and its worker), as the product serves them; their address."""
        port = free_port()
        data = self.folder / "desk"
        with _launched(role, data, port, self.environment(), self.folder / f"{role}.log"):
            yield f"http://127.0.0.1:{port}"


@contextmanager
def running(folder: Path | None = None) -> Iterator[Desk]:
    """A database and a cache in ``folder``, or in one that is gone afterwards."""
    with ExitStack() as stack:
        if folder is None:
            made = tempfile.TemporaryDirectory(prefix="skerry-bench-", ignore_cleanup_errors=True)
            folder = Path(stack.enter_context(made))
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
        ports = {}
        for role, password in (("database", "DATABASE_PASSWORD"), ("cache", "REDIS_PASSWORD")):
            ports[role] = free_port()
            given = {password: PASSWORD}
            log = folder / f"{role}.log"
            stack.enter_context(_launched(role, folder / role, ports[role], given, log))
        yield Desk(
            folder,
            database_url=f"postgresql://skerry@127.0.0.1:{ports['database']}/skerry",
            cache_url=f"redis://skerry@127.0.0.1:{ports['cache']}/0",
        )


@contextmanager
def _launched(
    role: str, data: Path, port: int, given: dict[str, str], log: Path
) -> Iterator[subprocess.Popen]:
    """One launcher in one role, answering; stopped in order at the end."""
    command = [sys.executable, str(ROOT / "launcher.py"), "--role", role]
    command += ["--data", str(data), "--port", str(port)]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DATABASE_")}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env=kept | given, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    try:
        _wait_until_ready(process, role, log)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=150)


def _wait_until_ready(process: subprocess.Popen, role: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not READY.search(log.read_text(errors="replace")):
        if process.poll() is not None or time.monotonic() > deadline:
            sys.exit(f"The {role} did not start:\n{log.read_text(errors='replace')}")
        time.sleep(0.1)


def free_port() -> int:
    """One that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]
