"""The commands test and dev: pytest and a development server, on real servers."""

import contextlib
import hashlib
import os
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from appliance.launcher import (
    datadir,
    environment,
    network,
    orphans,
    privileges,
    runner,
    subprocesses,
    supervision,
)
from appliance.launcher.layout import Installation
from appliance.launcher.terminal import StopRequested

STOP_SECONDS = 20
# On all cores, files in the order of conftest.py: tests with a browser leave a running event loop.
PARALLEL_OPTIONS = ["-n", "logical", "--dist", "loadfile", "--no-loadscope-reorder"]
REUSED = ("postgres", "secrets", "version.json")  # kept from one test run to the next


def test(installation: Installation, arguments: list[str]) -> int:
    """Run pytest on a PostgreSQL and a Valkey of its own.

    The cluster is kept in the temporary directory for the next run of the same checkout and user.
    A run that starts while another is in progress gets servers that are removed afterwards.
    """
    privileges.ensure_service_user(installation)
    environment.ensure_installed(installation)
    environment.ensure_installed(installation, extra="test")
    scratch = replace(installation, data=Path(tempfile.gettempdir()), testing=True, role="all")
    privileges.drop_root(scratch)
    with _scratch_data(installation.code) as data:
        return _run_pytest(replace(scratch, data=data), arguments)


@contextlib.contextmanager
def _scratch_data(code: Path) -> Iterator[Path]:
    """Yield the data directory of this checkout's tests, or a new one while that is in use."""
    name = hashlib.sha256(os.fsencode(code)).hexdigest()[:8]
    reusable = Path(tempfile.gettempdir()) / f"skerry-test-{os.geteuid()}-{name}"
    if (
        _is_private(reusable)
        and datadir.lock_holder(Installation(code=code, data=reusable)) is None
    ):
        for path in reusable.iterdir():
            if path.name not in REUSED:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        yield reusable
        return
    with tempfile.TemporaryDirectory(prefix="skerry-test-", ignore_cleanup_errors=True) as data:
        yield Path(data)


def _is_private(path: Path) -> bool:
    """Create the directory if it is missing; return whether only this user can access it."""
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=0o700)
    info = path.lstat()
    return stat.S_ISDIR(info.st_mode) and info.st_uid == os.geteuid() and not info.st_mode & 0o077


def _run_pytest(installation: Installation, arguments: list[str]) -> int:
    with datadir.locked(installation):
        supervision.ensure_servers(installation)
        with supervision.running_servers(installation) as supervisor:
            runner.ensure_database(installation, supervisor)
            return _run_in_foreground(
                installation, _pytest_command(installation, arguments), stop="INT"
            )


def _pytest_command(installation: Installation, arguments: list[str]) -> list[str]:
    """Return the command line of pytest: on all cores unless it names test files."""
    is_whole_suite = not any(
        Path(installation.code, word.split("::")[0]).exists() for word in arguments
    )
    parallel_options = PARALLEL_OPTIONS if is_whole_suite else []
    cache_options = [] if os.access(installation.code, os.W_OK) else ["-p", "no:cacheprovider"]
    return [str(installation.python), "-m", "pytest", *parallel_options, *cache_options, *arguments]


def dev(installation: Installation) -> int:
    """Run Django's development server: reloads on a change, DEBUG on, static files from the tree.

    Uses the data directory of ``--data`` (default: var) like a start does, with its own
    PostgreSQL, Valkey and worker.
    """
    os.environ["DEBUG"] = "1"
    privileges.ensure_service_user(installation)
    environment.ensure_installed(installation)
    environment.ensure_installed(installation, extra="test")
    privileges.drop_root(installation)
    with datadir.locked(installation):
        orphans.ensure_stopped(installation)
        supervision.ensure_servers(installation)
        with (
            network.reserved(installation),
            supervision.running_servers(installation) as supervisor,
        ):
            runner.ensure_database(installation, supervisor)
            report = runner.prepare(installation)
            supervisor.start("worker")
            runner.announce(installation, report)
            server = ["-m", "django", "runserver", f"{installation.bind}:{installation.port}"]
            return _run_in_foreground(installation, [str(installation.python), *server], stop="INT")


def _run_in_foreground(installation: Installation, command: list[str], *, stop: str) -> int:
    """Run a command and return its status; it stops when the launcher stops or is killed."""
    temporary = installation.data / "tmp"
    temporary.mkdir(mode=0o700, exist_ok=True)
    process = subprocess.Popen(  # noqa: S603
        subprocesses.tied_to_parent(installation, stop, command),
        cwd=installation.code,
        env={
            **subprocesses.environment(installation, as_owner=installation.testing),
            "TMPDIR": str(temporary),
            "COVERAGE_FILE": str(temporary / "coverage"),
        },
    )
    try:
        return process.wait()
    except StopRequested as request:
        if request.number != signal.SIGINT:  # the terminal sends Ctrl-C to the command, too
            process.send_signal(signal.SIGINT)
        raise
    finally:
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
