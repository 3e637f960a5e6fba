"""The commands beside ``start``: install, status, stop and manage."""

import json
import os
import signal
import time
from typing import Any

from appliance.launcher import (
    children,
    datadir,
    desk,
    environment,
    identity,
    manifest,
    network,
    supervision,
)
from appliance.launcher.errors import BoxError
from appliance.launcher.layout import Box, named_in_environment
from appliance.launcher.terminal import say

STOP_LIMIT_SECONDS = 150


def install(box: Box) -> int:
    """Only what a first start would install: for images, and for a start without waiting."""
    manifest.ensure_whole(box)
    identity.ensure_service_user(box)
    environment.ensure_installed(box)
    say("Installed. Start the desk with: python3 launcher.py")
    return 0


def status(box: Box, *, wait_seconds: float, as_json: bool) -> int:
    """Say whether the desk is up, waiting for it if asked; 0 when it is healthy."""
    identity.give_up_root_to_look(box)
    deadline = time.monotonic() + wait_seconds
    while True:
        report = _report(box)
        if report["healthy"] or time.monotonic() >= deadline:
            break
        time.sleep(0.25)
    if as_json:
        say(json.dumps(report))
    else:
        _tell(report)
    return 0 if report["healthy"] else 1


def _report(box: Box) -> dict[str, Any]:
    if not datadir.exists(box):
        return {"running": False, "healthy": False, "data": str(box.data)}
    datadir.ensure_ours(box)
    if not datadir.holder(box):
        return {"running": False, "healthy": False, "data": str(box.data)}
    state = desk.running_state(box)
    here = desk.as_running(box)
    processes = supervision.connect(here).processes()
    health = (network.health(here) or {}) if state and here.serves else {}
    all_up = bool(state) and all(info["state"] == "running" for info in processes.values())
    return {
        "running": True,
        "healthy": all_up and bool(processes) and (health.get("healthy", False) or not here.serves),
        "address": here.address if here.serves else None,
        **{key: state.get(key) for key in ("version", "role", "started_at", "pid")},
        "data": str(box.data),
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


def stop(box: Box) -> int:
    """Ask the launcher of this data directory to stop, and wait until it has."""
    identity.give_up_root_to_look(box)
    if datadir.exists(box):
        datadir.ensure_ours(box)
    launcher = datadir.holder(box)
    if not launcher:
        say(f"No desk runs on {box.data}.")
        return 0
    os.kill(launcher, signal.SIGTERM)
    deadline = time.monotonic() + STOP_LIMIT_SECONDS
    while datadir.holder(box):
        if time.monotonic() > deadline:
            raise BoxError(f"The desk is still stopping after {STOP_LIMIT_SECONDS} s: see its log.")
        time.sleep(0.1)
    say("Stopped.")
    return 0


def manage(box: Box, arguments: list[str]) -> int:
    """Become one of Django's management commands, on the running desk."""
    identity.give_up_root_to_look(box)
    if datadir.exists(box):
        datadir.ensure_ours(box)
    desk.ensure_running(box)
    if not named_in_environment("SECRET_KEY") and not (box.secrets / "secret_key").exists():
        raise BoxError(f"There is no desk in {box.data} yet: start it once (python3 launcher.py).")
    os.chdir(box.code)
    command = [str(box.python), "-m", "django", *arguments]
    os.execve(command[0], command, children.environment(desk.as_running(box)))  # noqa: S606
