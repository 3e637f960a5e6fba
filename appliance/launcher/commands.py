"""The commands install, status, stop and manage."""

import json
import os
import signal
import time
from typing import Any

from appliance.launcher import (
    datadir,
    environment,
    manifest,
    network,
    privileges,
    runner,
    subprocesses,
    supervision,
)
from appliance.launcher.layout import Installation, is_set_in_environment
from appliance.launcher.terminal import LauncherError, say

STOP_TIMEOUT_SECONDS = 150


def install(installation: Installation) -> int:
    """Install what a first start would install: for images, or to make that start faster."""
    manifest.ensure_unchanged(installation)
    privileges.ensure_service_user(installation)
    environment.ensure_installed(installation)
    say("Installed. Start the desk with: python3 launcher.py")
    return 0


def status(installation: Installation, *, wait_seconds: float, as_json: bool) -> int:
    """Print the state and return 0 if Skerry is healthy; wait for it up to ``wait_seconds``."""
    privileges.become_service_user(installation)
    deadline = time.monotonic() + wait_seconds
    while True:
        report = _report(installation)
        if report["healthy"] or time.monotonic() >= deadline:
            break
        time.sleep(0.25)
    if as_json:
        say(json.dumps(report))
    else:
        _print_report(report)
    return 0 if report["healthy"] else 1


def _report(installation: Installation) -> dict[str, Any]:
    if not datadir.exists(installation):
        return {"running": False, "healthy": False, "data": str(installation.data)}
    datadir.ensure_owned(installation)
    if not datadir.lock_holder(installation):
        return {"running": False, "healthy": False, "data": str(installation.data)}
    state = runner.running_state(installation)
    running = runner.as_running(installation)
    processes = supervision.connect(running).processes()
    health = (network.health(running) or {}) if state and running.runs_web else {}
    all_run = bool(state and processes) and all(
        info["state"] == "running" for info in processes.values()
    )
    return {
        "running": True,
        "healthy": all_run and (health.get("healthy", False) or not running.runs_web),
        "address": running.address if running.runs_web else None,
        **{key: state.get(key) for key in ("version", "role", "started_at", "pid")},
        "data": str(installation.data),
        "processes": processes,
        "health": health,
    }


def _print_report(report: dict[str, Any]) -> None:
    if not report["running"]:
        say(f"No desk runs on {report['data']}.")
        return
    health = "healthy" if report["healthy"] else "not healthy yet"
    say(f"The desk is running and {health}: {report['address'] or report['role']}")
    for name, info in report["processes"].items():
        say(f"  {name:<9} {info['state']:<9} pid {info['pid'] or '-':<8} {info['up_seconds']} s")


def stop(installation: Installation) -> int:
    """Signal the launcher of this data directory to stop, and wait for it."""
    privileges.become_service_user(installation)
    if datadir.exists(installation):
        datadir.ensure_owned(installation)
    launcher = datadir.lock_holder(installation)
    if not launcher:
        say(f"No desk runs on {installation.data}.")
        return 0
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
            f"There is no desk in {installation.data} yet: start it once (python3 launcher.py)."
        )
    os.chdir(installation.code)
    command = [str(installation.python), "-m", "django", *arguments]
    os.execve(command[0], command, subprocesses.environment(runner.as_running(installation)))  # noqa: S606
