"""The state of a desk, for the command status and for the end of an upgrade."""

import time
from pathlib import Path
from typing import Any

from appliance import disks
from appliance.launcher import datadir, disk_watch, network, runner, supervision
from appliance.launcher.files import read_json
from appliance.launcher.layout import Installation
from appliance.launcher.terminal import say

STOPPED, STARTING, DOWN, DEGRADED, HEALTHY = "stopped", "starting", "down", "degraded", "healthy"
SERVING = (HEALTHY, DEGRADED)
# 2 is the exit status of a wrong command line
EXIT_CODES = {HEALTHY: 0, STOPPED: 1, STARTING: 1, DOWN: 1, DEGRADED: 3}
SERVING_CODES = [EXIT_CODES[state] for state in SERVING]
WORKER_FILE = "worker.json"  # written by the worker every ten seconds
WORKER_TIMEOUT_SECONDS = 60
WORDS = {
    STARTING: "starting",
    DOWN: "running and not healthy",
    DEGRADED: "running and degraded",
    HEALTHY: "running and healthy",
}


def report(installation: Installation) -> dict[str, Any]:
    """Return the state, everything that is wrong, and the details behind both."""
    stopped = {"running": False, "healthy": False, "state": STOPPED, "data": str(installation.data)}
    if not datadir.exists(installation):
        return stopped
    datadir.ensure_owned(installation)
    if not datadir.lock_holder(installation):
        return stopped
    start = runner.running_state(installation)
    running = runner.as_running(installation)
    processes = supervision.connect(running).processes()
    health = network.health(running, start.get("desk", "")) if start and running.runs_web else None
    failures = [*_failures(running, processes, health)]
    problems = [*_problems(running, processes, health or {})]
    state = DEGRADED if problems else HEALTHY
    if failures or not start.get("is_ready"):
        state = DOWN if start.get("is_ready") else STARTING
    return {
        "running": True,
        "state": state,
        "healthy": state == HEALTHY,
        "problems": [*failures, *problems],
        "address": running.address if running.runs_web and start else None,
        **{key: start.get(key) for key in ("version", "role", "started_at", "pid")},
        "data": str(installation.data),
        "processes": processes,
        "health": health or {},
    }


def print_report(report: dict[str, Any]) -> None:
    """Print the report for a person."""
    if not report["running"]:
        say(f"No desk runs on {report['data']}.")
        return
    place = report["address"] or report["role"] or report["data"]
    say(f"The desk is {WORDS[report['state']]}: {place}")
    for problem in report["problems"] if report["state"] != STARTING else []:
        say(f"  {problem}")
    for name, info in report["processes"].items():
        say(f"  {name:<9} {info['state']:<9} pid {info['pid'] or '-':<8} {info['up_seconds']} s")


def _failures(
    installation: Installation, processes: dict[str, dict[str, Any]], health: dict[str, Any] | None
) -> list[str]:
    """Return what keeps the desk from answering."""
    failures = [] if processes else ["The supervisor does not answer."]
    is_paused = _is_database_disk_full(installation)
    for name, process in processes.items():
        if process["state"] != "running" and not (name == "worker" and is_paused):
            failures.append(f"The {name} process is {process['state']}.")
    if installation.runs_web and not (health and health["is_own"]):
        failures.append("The pages do not answer.")
    elif health and not health["healthy"]:
        failures.append("The database does not answer.")
    return failures


def _problems(
    installation: Installation, processes: dict[str, dict[str, Any]], health: dict[str, Any]
) -> list[str]:
    """Return what does not work although the desk answers."""
    problems = [
        disks.describe(disk) for disk in disk_watch.list_disks(installation) if not disk.is_writable
    ]
    if health.get("cache", "ok") != "ok":
        problems.append("The cache does not answer: pages are slower.")
    problems += _model_problems(installation, health.get("models", {}))
    if processes.get("worker", {}).get("state") == "running":
        problems += _worker_problems(installation, processes["worker"]["up_seconds"])
    return problems


def _model_problems(installation: Installation, states: dict[str, str]) -> list[str]:
    """Return the models that are not used although some are installed."""
    models = runner.running_state(installation).get("models") or installation.models
    folders = (Path(models), installation.data / "models")
    if not any((folder / "active.json").exists() for folder in folders):
        return []
    return [
        f"The {role} model is {state}: see System status, or {installation.command('doctor')}."
        for role, state in states.items()
        if state != "ok"
    ]


def _worker_problems(installation: Installation, up_seconds: int) -> list[str]:
    """Return what the worker reports, or that it reports nothing."""
    worker = read_json(installation.run / WORKER_FILE)
    age_seconds = time.monotonic() - worker.get("uptime_seconds", 0)  # since the machine's start
    if not worker or not 0 <= age_seconds <= WORKER_TIMEOUT_SECONDS:
        is_new = up_seconds < WORKER_TIMEOUT_SECONDS
        return [] if is_new else ["The worker does not respond."]
    if worker.get("database") != "ok":
        return ["The database of the worker does not answer."]
    return [] if installation.runs_web else _model_problems(installation, worker.get("models", {}))


def _is_database_disk_full(installation: Installation) -> bool:
    return any(
        disks.DATABASE in disk.uses and not disk.is_writable
        for disk in disk_watch.list_disks(installation)
    )
