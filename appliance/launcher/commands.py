"""The commands install, status, stop and manage."""

import json
import os
import signal
import time
from pathlib import Path

from appliance.launcher import (
    datadir,
    desk_report,
    environment,
    manifest,
    privileges,
    runner,
    subprocesses,
)
from appliance.launcher.layout import Installation, is_set_in_environment
from appliance.launcher.terminal import LauncherError, say

STOP_TIMEOUT_SECONDS = 150
OWNER_COMMANDS = (["migrate"], ["prepare"])  # they change the schema


def install(installation: Installation) -> int:
    """Install what a first start would install: for images, or to make that start faster."""
    manifest.ensure_unchanged(installation)
    privileges.ensure_service_user(installation)
    environment.ensure_installed(installation)
    say(f"Installed. Start the desk with: {installation.command()}")
    return 0


def status(installation: Installation, *, wait_seconds: float, as_json: bool) -> int:
    """Print the state and return its exit status; wait for a start up to ``wait_seconds``."""
    privileges.become_service_user(installation)
    deadline = time.monotonic() + wait_seconds
    while True:
        report = desk_report.report(installation)
        if report["state"] in desk_report.SERVING or time.monotonic() >= deadline:
            break
        time.sleep(0.25)
    if as_json:
        say(json.dumps(report))
    else:
        desk_report.print_report(report)
    return desk_report.EXIT_CODES[report["state"]]


def stop(installation: Installation) -> int:
    """Signal the launcher of this data directory to stop, and wait for it."""
    privileges.become_service_user(installation)
    if datadir.exists(installation):
        datadir.ensure_owned(installation)
    launcher = datadir.lock_holder(installation)
    if not launcher:
        say(f"No desk runs on {installation.data}.")
        return 0
    if not _is_launcher(launcher):
        raise LauncherError(
            f"A desk runs on {installation.data}, but not on this machine or in this container: "
            "stop it where it was started."
        )
    os.kill(launcher, signal.SIGTERM)
    deadline = time.monotonic() + STOP_TIMEOUT_SECONDS
    while datadir.lock_holder(installation):
        if time.monotonic() > deadline:
            raise LauncherError(
                f"The desk is still stopping after {STOP_TIMEOUT_SECONDS} s: see its log."
            )
        time.sleep(0.1)
    say("Stopped.")
    return 0


def _is_launcher(pid: int) -> bool:
    """Return whether the process is a launcher; a shared folder may hold another's."""
    try:
        return b"launcher.py" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def manage(installation: Installation, arguments: list[str]) -> int:
    """Replace this process with a Django management command, using the running servers."""
    privileges.become_service_user(installation)
    if datadir.exists(installation):
        datadir.ensure_owned(installation)
    runner.ensure_running(installation)
    if (
        not is_set_in_environment("SECRET_KEY")
        and not (installation.secrets / "secret_key").exists()
    ):
        raise LauncherError(
            f"There is no desk in {installation.data} yet: start it once "
            f"({installation.command()})."
        )
    os.chdir(installation.code)
    command = [str(installation.python), "-m", "django", *arguments]
    as_owner = arguments[:1] in OWNER_COMMANDS
    variables = subprocesses.environment(runner.as_running(installation), as_owner=as_owner)
    os.execve(command[0], command, variables)  # noqa: S606
