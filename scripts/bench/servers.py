"""Scratch installations for the benchmarks: PostgreSQL, Valkey and pages, run by launcher roles.

An installation is in one folder; its data stay there for the next benchmark. Nothing else on this
machine is changed, and the servers stop with the benchmark.
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

import _environment

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 300
READY = re.compile(r"is (?:running on|ready|running\.)")
PASSWORD = "of a scratch installation that only this machine reaches"  # noqa: S105
SECRET_KEY = "a key for sessions of a scratch installation, longer than fifty characters"  # noqa: S105


@dataclass(frozen=True)
class Installation:
    """A running installation; ``folder`` holds all its data."""

    folder: Path
    database_url: str
    cache_url: str

    def environment(self) -> dict[str, str]:
        """Return the environment variables of its processes."""
        return {
            "DATABASE_URL": self.database_url,
            "DATABASE_PASSWORD": PASSWORD,
            "REDIS_URL": self.cache_url,
            "REDIS_PASSWORD": PASSWORD,
            "SECRET_KEY": SECRET_KEY,
            "SKERRY_DATA": str(self.folder / "app"),
        }

    def set_up_django(self) -> None:
        """Set up Django of this process on these servers and migrate the database.

        Call it once per process.
        """
        os.environ.update(self.environment())
        os.environ["DJANGO_SETTINGS_MODULE"] = "appliance.settings"
        sys.path.insert(0, str(ROOT))
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)

    def dsn(self) -> str:
        """Return the database URL with its password, for connections without Django."""
        return f"{self.database_url}?password={quote(PASSWORD)}"

    def superuser_dsn(self) -> str:
        """Return the connection string of the superuser, over the socket."""
        secret = (self.folder / "database" / "secrets" / "superuser_password").read_text().strip()
        port = re.search(r":(\d+)/", self.database_url).group(1)
        sockets = self.folder / "database" / "run"
        return f"host={sockets} port={port} user=postgres dbname=skerry password={secret}"

    @contextmanager
    def serving(self, *, role: str = "web") -> Iterator[str]:
        """Run the web processes (``all``: and the worker); yield the address of the site."""
        port = free_port()
        data = self.folder / "app"
        with _launch(role, data, port, self.environment(), self.folder / f"{role}.log"):
            yield f"http://127.0.0.1:{port}"


@contextmanager
def running(folder: Path | None = None) -> Iterator[Installation]:
    """Run a database and a cache in ``folder``, or in a temporary folder."""
    _environment.install()
    with ExitStack() as stack:
        if folder is None:
            scratch = tempfile.TemporaryDirectory(
                prefix="skerry-bench-", ignore_cleanup_errors=True
            )
            folder = Path(stack.enter_context(scratch))
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
        ports = {}
        for role, password in (("database", "DATABASE_PASSWORD"), ("cache", "REDIS_PASSWORD")):
            ports[role] = free_port()
            variables = {password: PASSWORD, "DATABASE_OWNER_PASSWORD": PASSWORD}
            log = folder / f"{role}.log"
            stack.enter_context(_launch(role, folder / role, ports[role], variables, log))
        yield Installation(
            folder,
            database_url=f"postgresql://skerry_owner@127.0.0.1:{ports['database']}/skerry",
            cache_url=f"redis://skerry@127.0.0.1:{ports['cache']}/0",
        )


@contextmanager
def _launch(
    role: str, data: Path, port: int, variables: dict[str, str], log: Path
) -> Iterator[subprocess.Popen]:
    """Run a launcher in one role until it is ready; stop it at the end."""
    command = [sys.executable, str(ROOT / "launcher.py"), "--role", role]
    command += ["--data", str(data), "--port", str(port)]
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith("DATABASE_")
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env=inherited | variables,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
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
    """Return a port that is free now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]
