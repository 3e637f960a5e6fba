"""Run Skerry on its servers: prepare the database, start web and worker, announce, restart."""

import json
import os
import time
from dataclasses import replace
from typing import Any

from appliance.launcher import (
    address,
    datadir,
    disk_watch,
    front,
    network,
    port_owner,
    postgres,
    subprocesses,
    supervision,
)
from appliance.launcher.files import ensure_content, read_json
from appliance.launcher.layout import Installation
from appliance.launcher.supervisor_client import Supervisor
from appliance.launcher.terminal import LauncherError, say, warn, with_log_tail

START_TIMEOUT_SECONDS = 90
STATE_FILE = "launcher.json"
FAILURE_SECONDS = 6
MAX_QUICK_EXITS = 5
QUICK_EXIT_SECONDS = 60
STARTED_AT = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def run(installation: Installation) -> None:
    """Run until a stop is requested; start again when the supervisor is killed."""
    quick_exits = 0
    is_first = True
    write_state(installation, is_ready=False)
    while quick_exits < MAX_QUICK_EXITS:
        started = time.monotonic()
        try:
            _run_once(installation)
        except (LauncherError, OSError):
            if is_first or not disk_watch.wait_until_writable(installation):
                raise
            continue  # the disk was full, and that is over
        is_first = False
        is_quick = time.monotonic() - started < QUICK_EXIT_SECONDS
        quick_exits = quick_exits + 1 if is_quick else 0
        warn("the supervisor was killed; starting it again.")
        time.sleep(quick_exits)
    raise with_log_tail(
        "The supervisor keeps dying, so the desk was stopped.",
        installation.logs / "supervisord.log",
    )


def _run_once(installation: Installation) -> None:
    """Start everything, announce it, and wait until the supervisor ends."""
    with supervision.running_servers(installation) as supervisor:
        ensure_database(installation, supervisor)
        report: dict[str, Any] = {}
        if installation.runs_application:
            report = start_application(installation, supervisor)
        announce(installation, report)
        watches = (
            disk_watch.DiskWatch(installation, supervisor),
            address.CertificateWatch(installation, supervisor),
        )

        def check() -> None:
            for watch in watches:
                watch.check()

        supervisor.wait(on_tick=check)


def start_application(installation: Installation, supervisor: Supervisor) -> dict[str, Any]:
    """Prepare the database and start web and worker; the servers must run. Return the report."""
    report = prepare(installation)
    ensure_serving(installation, supervisor)
    return report


def ensure_database(installation: Installation, supervisor: Supervisor) -> None:
    """Wait for the own database server, and create role, database and extensions."""
    if installation.has_own_database:
        postgres.ensure_database(
            installation, FailureDetector(installation, supervisor, "postgres").error
        )


def prepare(installation: Installation) -> dict[str, Any]:
    """Migrate the database and load the demo data, before the web starts. Return the report."""
    if not (installation.data / datadir.VERSION_FILE).exists():
        say("Preparing the desk (first start only) ...")
    report = subprocesses.prepare(installation)
    datadir.record_version(installation)
    if installation.demo:
        report["demo"] = subprocesses.load_demo(installation)
    return report


def ensure_serving(installation: Installation, supervisor: Supervisor) -> None:
    """Start the web and wait until it is healthy, then start the worker.

    The worker is second because loading its models would slow down the web.
    """
    write_state(installation, is_ready=False)
    names = [*front.web_sockets(installation), "front"] if installation.runs_web else ["worker"]
    detectors = [FailureDetector(installation, supervisor, name) for name in names]
    for name in names:
        supervisor.start(name)
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while not _is_serving(installation, supervisor):
        for detector in detectors:
            if error := detector.error():
                raise LauncherError(error)
        if time.monotonic() > deadline:
            message = f"The desk did not answer in {START_TIMEOUT_SECONDS} s."
            raise with_log_tail(message, detectors[0].log)
        time.sleep(0.1)
    if installation.runs_worker:
        supervisor.start("worker")


def _is_serving(installation: Installation, supervisor: Supervisor) -> bool:
    if installation.runs_web:
        health = network.health(installation, network.DESK_ID)
        if health and not health["is_own"]:
            raise LauncherError(
                f"{installation.bind} port {installation.port} is used by "
                f"{port_owner.describe(installation.port)}: stop it, or choose one with --port."
            )
        return bool(health and health["healthy"])
    return supervisor.processes().get("worker", {}).get("state") == "running"


class FailureDetector:
    """Detects a program that keeps failing, in contrast to one that is slow to start."""

    def __init__(self, installation: Installation, supervisor: Supervisor, name: str) -> None:
        self.log = installation.logs / f"{name.partition('-')[0]}.log"
        self._supervisor, self._name = supervisor, name
        self._failing_since: float | None = None

    def error(self) -> str | None:
        """Return a message once the program has failed for FAILURE_SECONDS, else None."""
        state = self._supervisor.processes().get(self._name, {}).get("state")
        if state == "running":
            self._failing_since = None
        elif state in ("backoff", "fatal", "exited"):
            self._failing_since = self._failing_since or time.monotonic()
        if not self._failing_since or time.monotonic() - self._failing_since < FAILURE_SECONDS:
            return None
        return str(with_log_tail(f"The {self._name} process does not start.", self.log))


def announce(installation: Installation, report: dict[str, Any]) -> None:
    """Write the state file and print the address. Only the set-up link is secret in it."""
    write_state(installation, is_ready=True)
    if not installation.runs_application:
        say(
            f"Skerry {installation.version}: the {installation.role} is running on "
            f"{installation.bind} port {installation.port}."
        )
        say("Ctrl-C stops it.")
        return
    if not installation.models.joinpath("active.json").exists():
        warn(
            "there are no language models, so tickets are not classified; everything else works. "
            f"{installation.command('doctor')} says how to add them."
        )
    for warning in report.get("warnings", []):
        warn(warning)
    if not installation.runs_web:
        say(f"Skerry {installation.version}: the worker is running. Ctrl-C stops it.")
        return
    if hosts_warning := network.hosts_warning(installation):
        warn(hosts_warning)
    if installation.is_exposed:
        warn("pages cross the network unencrypted: see docs/tls.md.")
    say(f"Skerry {installation.version} is ready: {installation.public_address}/")
    if root := front.own_root(installation):
        say(f"Browsers need the root certificate of this desk once: {root}")
    if report.get("setup_path"):
        say(f"Set it up once, with this link: {installation.public_address}{report['setup_path']}")
    if demo := report.get("demo"):
        logins = ", ".join(f"{login['email']} ({login['role']})" for login in demo["logins"])
        file = demo["password_file"]
        say(f"Demo log-ins: {logins}" + (f"; their first password is in {file}" if file else ""))
    say("Ctrl-C stops it.")


def write_state(installation: Installation, *, is_ready: bool) -> None:
    """Write what ``status`` and the web processes read about this start."""
    state = {
        "pid": os.getpid(),
        "desk": network.DESK_ID,
        "is_ready": is_ready,
        "bind": installation.bind,
        "port": installation.port,
        "role": installation.role,
        "min_free_mb": installation.min_free_mb,
        "url": installation.url,
        "tls_cert": installation.tls_cert,
        "tls_key": installation.tls_key,
        "insecure_http": installation.insecure_http,
        "trusted_proxies": installation.trusted_proxies,
        "models": str(installation.models),
        "version": installation.version,
        "started_at": STARTED_AT,
    }
    ensure_content(installation.run / STATE_FILE, json.dumps(state) + "\n")


def running_state(installation: Installation) -> dict[str, Any]:
    """Return the state file of the running launcher; empty when none runs, or not yet."""
    state = read_json(installation.run / STATE_FILE)
    if not state or state.get("pid") != datadir.lock_holder(installation):
        return {}
    return state


def as_running(installation: Installation) -> Installation:
    """Return the installation with address and role of the running launcher, if one runs."""
    state = running_state(installation)
    keys = ("bind", "port", "role", "min_free_mb", "url", "tls_cert", "tls_key", "insecure_http")
    values = {key: state[key] for key in keys if key in state}
    return replace(installation, **values, trusted_proxies=tuple(state.get("trusted_proxies", ())))


def ensure_running(installation: Installation) -> None:
    """Refuse when the own servers do not run; for commands that do not start them."""
    needs_servers = installation.has_own_database or installation.has_own_cache
    if needs_servers and not datadir.lock_holder(installation):
        raise LauncherError(
            f"No desk runs on {installation.data}: start it first ({installation.command()})."
        )
