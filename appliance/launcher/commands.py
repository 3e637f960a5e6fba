"""The commands beside ``start``: install, status, stop and manage."""

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
from appliance.launcher.errors import LauncherError
from appliance.launcher.layout import Installation, named_in_environment
from appliance.launcher.terminal import say

STOP_LIMIT_SECONDS = 150


def install(installation: Installation) -> int:
    """Only what a first start would install: for images, and for a start without waiting."""
    manifest.ensure_whole(installation)
    privileges.ensure_service_user(installation)
    environment.ensure_installed(installation)
    say("Installed. Start the desk with: python3 launcher.py")
    return 0


def status(installation: Installation, *, wait_seconds: float, as_json: bool) -> int:
    """Say whether the desk is up, waiting for it if asked; 0 when it is healthy."""
    privileges.give_up_root_to_look(installation)
    deadline = time.monotonic() + wait_seconds
    while True:
        report = _report(installation)
        if report["healthy"] or time.monotonic() >= deadline:
            break
        time.sleep(0.25)
    if as_json:
        say(json.dumps(report))
    else:
        _tell(report)
    return 0 if report["healthy"] else 1


def _report(installation: Installation) -> dict[str, Any]:
    if not datadir.exists(installation):
        return {"running": False, "healthy": False, "data": str(installation.data)}
    datadir.ensure_ours(installation)
    if not datadir.holder(installation):
        return {"running": False, "healthy": False, "data": str(installation.data)}
    state = runner.running_state(installation)
    here = runner.as_running(installation)
    processes = supervision.connect(here).processes()
    health = (network.health(here) or {}) if state and here.serves else {}
    all_up = bool(state) and all(info["state"] == "running" for info in processes.values())
    return {
        "running": True,
        "healthy": all_up and bool(processes) and (health.get("healthy", False) or not here.serves),
        "address": here.address if here.serves else None,
        **{key: state.get(key) for key in ("version", "role", "started_at", "pid")},
        "data": str(installation.data),
        "processes": processes,
        "health": health,
    }


def _tell(report: dict[str, Any]) -> None:
    if not report["running"]:
        say(f"No desk runs on {report['data']}.")
        return
    word = "healthy" if report["healthy"] else "not healthy yet"
    say(f"The desk is running and {word}: {report['address'] or report['role']}")
    for name, info in report["processes"].items():
        say(f"  {name:<9} {info['state']:<9} pid {info['pid'] or '-':<8} {info['up_seconds']} s")


def stop(installation: Installation) -> int:
    """Ask the launcher of this data directory to stop, and wait until it has."""
    privileges.give_up_root_to_look(installation)
    if datadir.exists(installation):
        datadir.ensure_ours(installation)
    launcher = datadir.holder(installation)
    if not launcher:
        say(f"No desk runs on {installation.data}.")
        return 0
    os.kill(launcher, signal.SIGTERM)
    deadline = time.monotonic() + STOP_LIMIT_SECONDS
    while datadir.holder(installation):
        if time.monotonic() > deadline:
            raise LauncherError(
                f"The desk is still stopping after {STOP_LIMIT_SECONDS} s: see its log."
            )
        time.sleep(0.1)
    say("Stopped.")
    return 0


def manage(installation: Installation, arguments: list[str]) -> int:
    """Become one of Django's management commands, on the running desk."""
    privileges.give_up_root_to_look(installation)
    if datadir.exists(installation):
        datadir.ensure_ours(installation)
    runner.ensure_running(installation)
    if (
        not named_in_environment("SECRET_KEY")
        and not (installation.secrets / "secret_key").exists()
    ):
        raise LauncherError(
            f"There is no desk in {installation.data} yet: start it once (python3 launcher.py)."
        )
    os.chdir(installation.code)
    command = [str(installation.python), "-m", "django", *arguments]
    os.execve(command[0], command, subprocesses.environment(runner.as_running(installation)))  # noqa: S606
