"""``launcher.py test`` and ``launcher.py dev``: pytest and a development server on real servers."""

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
    credentials,
    datadir,
    environment,
    network,
    orphans,
    postgres,
    privileges,
    runner,
    subprocesses,
    supervision,
    valkey,
)
from appliance.launcher.layout import Installation
from appliance.launcher.stopping import StopRequested

STOP_SECONDS = 20
STORED = ("postgres", "secrets", "version.json")  # what a test run leaves for the next one


def test(installation: Installation, arguments: list[str]) -> int:
    """Run pytest on a PostgreSQL and a Valkey of its own.

    The cluster is kept in the temporary directory for the next run of the same checkout and user.
    A run that starts while another is in progress gets servers that are removed afterwards.
    """
    privileges.ensure_service_user(installation)
    environment.ensure_installed(installation)
    environment.ensure_installed(installation, extra="test")
    scratch = replace(installation, data=Path(tempfile.gettempdir()), testing=True, role="all")
    privileges.give_up_root(scratch)
    with _scratch_data(installation.code) as data:
        return _run_pytest(replace(scratch, data=data), arguments)


@contextlib.contextmanager
def _scratch_data(code: Path) -> Iterator[Path]:
    """The data directory of this checkout's tests, or a new one while that is in use."""
    name = hashlib.sha256(os.fsencode(code)).hexdigest()[:8]
    reused = Path(tempfile.gettempdir()) / f"skerry-test-{os.geteuid()}-{name}"
    if _is_private(reused) and datadir.holder(Installation(code=code, data=reused)) is None:
        for path in reused.iterdir():
            if path.name not in STORED:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        yield reused
        return
    with tempfile.TemporaryDirectory(prefix="skerry-test-", ignore_cleanup_errors=True) as new:
        yield Path(new)


def _is_private(path: Path) -> bool:
    """Whether the directory is ours alone, made here if it does not exist yet."""
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=0o700)
    info = path.lstat()
    return stat.S_ISDIR(info.st_mode) and info.st_uid == os.geteuid() and not info.st_mode & 0o077


def _run_pytest(installation: Installation, arguments: list[str]) -> int:
    with datadir.held(installation):
        credentials.ensure_secrets(installation)
        postgres.ensure_cluster(installation)
        valkey.ensure_config(installation)
        with supervision.running(installation) as supervisor:
            runner.ensure_database(installation, supervisor)
            return _run_in_foreground(
                installation, [*_pytest_command(installation, arguments)], stop="INT"
            )


def _pytest_command(installation: Installation, arguments: list[str]) -> list[str]:
    """pytest; on all cores unless the caller names tests or a number of processes."""
    is_whole_suite = not any(
        Path(installation.code, word.split("::")[0]).exists() for word in arguments
    )
    parallel = ["-n", "logical", "--dist", "loadfile"] if is_whole_suite else []
    without_cache = [] if os.access(installation.code, os.W_OK) else ["-p", "no:cacheprovider"]
    return [str(installation.python), "-m", "pytest", *parallel, *without_cache, *arguments]


def dev(installation: Installation) -> int:
    """Run Django's development server: reloads on a change, DEBUG on, static files from the tree.

    Uses the data directory of ``--data`` (default: var) like a start does, with its own
    PostgreSQL, Valkey and worker.
    """
    os.environ["DEBUG"] = "1"
    privileges.ensure_service_user(installation)
    environment.ensure_installed(installation)
    environment.ensure_installed(installation, extra="test")
    privileges.give_up_root(installation)
    with datadir.held(installation):
        orphans.ensure_none(installation)
        network.ensure_port_free(installation)
        credentials.ensure_secrets(installation)
        postgres.ensure_cluster(installation)
        valkey.ensure_config(installation)
        with supervision.running(installation) as supervisor:
            runner.ensure_database(installation, supervisor)
            report = runner.prepare(installation)
            supervisor.start("worker")
            runner.announce(installation, report)
            server = ["-m", "django", "runserver", f"{installation.bind}:{installation.port}"]
            return _run_in_foreground(installation, [str(installation.python), *server], stop="INT")


def _run_in_foreground(installation: Installation, command: list[str], *, stop: str) -> int:
    """Run a command tied to this process: it ends when the launcher is told to, or is killed."""
    scratch = installation.data / "tmp"
    scratch.mkdir(mode=0o700, exist_ok=True)
    process = subprocess.Popen(  # noqa: S603
        subprocesses.tied_to_parent(installation, stop, command),
        cwd=installation.code,
        env={
            **subprocesses.environment(installation),
            "TMPDIR": str(scratch),
            "COVERAGE_FILE": str(scratch / "coverage"),
        },
    )
    try:
        return process.wait()
    except StopRequested as request:
        if request.number != signal.SIGINT:  # Ctrl-C reaches the command from the terminal itself
            process.send_signal(signal.SIGINT)
        raise
    finally:
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
