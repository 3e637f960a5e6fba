"""The commands beside ``start``: status, stop, manage and test."""

import json
import os
import signal
import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from appliance.launcher import (
    children,
    credentials,
    datadir,
    desk,
    environment,
    identity,
    manifest,
    network,
    postgres,
    supervision,
    valkey,
)
from appliance.launcher.errors import BoxError
from appliance.launcher.layout import Box, named_in_environment
from appliance.launcher.stopping import StopRequested
from appliance.launcher.terminal import say

STOP_LIMIT_SECONDS = 150
PYTEST_STOP_SECONDS = 20


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


def test(box: Box, arguments: list[str]) -> int:
    """Run pytest on servers of its own: real ones, on a scratch directory that is then removed."""
    identity.ensure_service_user(box)
    environment.ensure_installed(box)
    environment.ensure_installed(box, extra="test")
    scratch = replace(box, data=Path(tempfile.gettempdir()), testing=True, role="all")
    identity.give_up_root(scratch)
    with tempfile.TemporaryDirectory(prefix="skerry-test-", ignore_cleanup_errors=True) as made:
        return _test_in(replace(scratch, data=Path(made)), arguments)


def _test_in(box: Box, arguments: list[str]) -> int:
    with datadir.held(box):
        credentials.ensure_secrets(box)
        postgres.ensure_cluster(box)
        valkey.ensure_config(box)
        with supervision.running(box) as supervisor:
            desk.ensure_database(box, supervisor)
            return _pytest(box, arguments)


def _pytest(box: Box, arguments: list[str]) -> int:
    """pytest, tied to this process: it ends when the launcher is told to, or is killed."""
    scratch = box.data / "tmp"
    scratch.mkdir(mode=0o700)
    without_cache = [] if os.access(box.code, os.W_OK) else ["-p", "no:cacheprovider"]
    command = [str(box.python), "-m", "pytest", *without_cache, *arguments]
    process = subprocess.Popen(  # noqa: S603
        children.tethered(box, "INT", command),
        cwd=box.code,
        env={**children.environment(box), "TMPDIR": str(scratch)},
    )
    try:
        return process.wait()
    except StopRequested as stop:
        if stop.number != signal.SIGINT:  # Ctrl-C reaches pytest from the terminal itself
            process.send_signal(signal.SIGINT)
        raise
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(PYTEST_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
