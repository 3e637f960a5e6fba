"""The desk itself, once its servers run: prepared, serving, announced, and kept that way."""

import json
import os
import time
from dataclasses import replace
from typing import Any

from appliance.launcher import datadir, network, postgres, subprocesses, supervision
from appliance.launcher.errors import LauncherError, with_log_tail
from appliance.launcher.files import ensure_content, read_json
from appliance.launcher.layout import Installation
from appliance.launcher.supervisor_client import Supervisor
from appliance.launcher.terminal import say, warn

SERVE_LIMIT_SECONDS = 90
STATE_FILE = "launcher.json"
FAILING_SECONDS = 6
QUICK_DEATHS_ALLOWED = 5
QUICK_DEATH_SECONDS = 60


def run(installation: Installation) -> None:
    """Start the desk and keep it up; it comes back when even its supervisor is killed."""
    quick_deaths = 0
    while quick_deaths < QUICK_DEATHS_ALLOWED:
        started = time.monotonic()
        with supervision.running(installation) as supervisor:
            ensure_database(installation, supervisor)
            report = start_desk(installation, supervisor) if installation.is_desk else {}
            announce(installation, report)
            supervisor.keep_up()
        is_quick = time.monotonic() - started < QUICK_DEATH_SECONDS
        quick_deaths = quick_deaths + 1 if is_quick else 0
        warn("the supervisor was killed; starting it again.")
        time.sleep(quick_deaths)
    raise with_log_tail(
        "The supervisor keeps dying, so the desk was stopped.",
        installation.logs / "supervisord.log",
    )


def start_desk(installation: Installation, supervisor: Supervisor) -> dict[str, Any]:
    """The pages and the worker, on servers that answer."""
    report = prepare(installation)
    ensure_serving(installation, supervisor)
    return report


def ensure_database(installation: Installation, supervisor: Supervisor) -> None:
    """The box's own database answers and has what the desk needs."""
    if installation.has_own_database:
        postgres.ensure_database(
            installation, FailureWatch(installation, supervisor, "postgres").reason
        )


def prepare(installation: Installation) -> dict[str, Any]:
    """The database is migrated and the demo loaded, before anybody is let in."""
    if not (installation.data / datadir.VERSION_FILE).exists():
        say("Preparing the desk (first start only) ...")
    report = subprocesses.prepare(installation)
    datadir.stamp_version(installation)
    if installation.demo:
        report["demo"] = subprocesses.load_demo(installation)
    return report


def ensure_serving(installation: Installation, supervisor: Supervisor) -> None:
    """The web answers for itself. The worker follows: loading its models would slow the web."""
    name = "web" if installation.serves else "worker"
    failing = FailureWatch(installation, supervisor, name)
    supervisor.start(name)
    deadline = time.monotonic() + SERVE_LIMIT_SECONDS
    while not _is_serving(installation, supervisor):
        if reason := failing.reason():
            raise LauncherError(reason)
        if time.monotonic() > deadline:
            message = f"The desk did not answer in {SERVE_LIMIT_SECONDS} s."
            raise with_log_tail(message, installation.logs / f"{name}.log")
        time.sleep(0.1)
    if installation.works:
        supervisor.start("worker")


def _is_serving(installation: Installation, supervisor: Supervisor) -> bool:
    if installation.serves:
        answer = network.health(installation)
        return bool(answer and answer["healthy"])
    return supervisor.processes().get("worker", {}).get("state") == "running"


class FailureWatch:
    """Tells a program that keeps dying from one that is slow, before supervisord gives up."""

    def __init__(self, installation: Installation, supervisor: Supervisor, name: str) -> None:
        self._log = installation.logs / f"{name}.log"
        self._supervisor, self._name = supervisor, name
        self._failing_since: float | None = None

    def reason(self) -> str | None:
        """The sentence to say once it has failed for a while, else None."""
        state = self._supervisor.processes().get(self._name, {}).get("state")
        if state == "running":
            self._failing_since = None
        elif state in ("backoff", "fatal", "exited"):
            self._failing_since = self._failing_since or time.monotonic()
        if not self._failing_since or time.monotonic() - self._failing_since < FAILING_SECONDS:
            return None
        return str(with_log_tail(f"The {self._name} process does not start.", self._log))


def announce(installation: Installation, report: dict[str, Any]) -> None:
    """Say where the desk is. The set-up link is the one secret a terminal ever shows."""
    state = {
        "pid": os.getpid(),
        "bind": installation.bind,
        "port": installation.port,
        "role": installation.role,
        "version": installation.version,
        "started_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    ensure_content(installation.run / STATE_FILE, json.dumps(state) + "\n")
    if not installation.is_desk:
        say(
            f"Skerry {installation.version}: the {installation.role} is running on "
            f"{installation.bind} port {installation.port}."
        )
        say("Ctrl-C stops it.")
        return
    if not installation.models.joinpath("active.json").exists():
        warn(
            "there are no language models, so tickets stay unsorted; everything else works. "
            "python3 launcher.py doctor says how to add them."
        )
    if not installation.serves:
        say(f"Skerry {installation.version}: the worker is running. Ctrl-C stops it.")
        return
    if missing := network.why_hosts_are_missing(installation):
        warn(missing)
    say(f"Skerry {installation.version} is ready: {installation.address}/")
    if report.get("setup_path"):
        say(f"Set it up once, with this link: {installation.address}{report['setup_path']}")
    if demo := report.get("demo"):
        people = ", ".join(f"{login['email']} ({login['role']})" for login in demo["logins"])
        say(f"Demo log-ins: {people}; their password is in {demo['password_file']}")
    say("Ctrl-C stops it.")


def running_state(installation: Installation) -> dict[str, Any]:
    """What the running launcher wrote about itself; empty when none runs, or not yet."""
    state = read_json(installation.run / STATE_FILE)
    if not state or state.get("pid") != datadir.holder(installation):
        return {}
    return state


def as_running(installation: Installation) -> Installation:
    """The box with the address and role of the desk that runs on its data, if one does."""
    state = running_state(installation)
    known = {key: state[key] for key in ("bind", "port", "role") if key in state}
    return replace(installation, **known)


def ensure_running(installation: Installation) -> None:
    """For commands that need the servers and start none."""
    needs_servers = installation.has_own_database or installation.has_own_cache
    if needs_servers and not datadir.holder(installation):
        raise LauncherError(
            f"No desk runs on {installation.data}: start it first (python3 launcher.py)."
        )
