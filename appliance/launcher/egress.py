"""The command ``doctor --egress``: does Skerry try to reach another machine?

It runs on scratch data in a network namespace (network_namespace.py) and is used as people use it.
Two checks see each attempt to leave: the packet monitor, and the egress guard of the processes.
A mailbox, a mail server and a directory are configured, so that connections which are allowed are
made as well: to these servers alone.
"""

import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from appliance import egress_guard
from appliance.launcher import (
    datadir,
    environment,
    manifest,
    network_namespace,
    privileges,
    runner,
    subprocesses,
    supervision,
)
from appliance.launcher.files import read_json
from appliance.launcher.http_session import HttpSession
from appliance.launcher.layout import Installation
from appliance.launcher.terminal import say

# Variables that may name servers of the site are removed.
SERVER_PREFIXES = ("DATABASE_", "REDIS_", "SKERRY_")
KEPT_VARIABLES = ("SKERRY_MODELS",)
ADMIN = "doctor@desk.example"
BLOCKED_CONNECTIONS_LOG = "blocked-connections.jsonl"
TICKET = ("Printer on ward 3 is stuck", "Twelve jobs wait in the queue and the first says error.")
WORKER_SECONDS = 15  # for the jobs of the worker, after all pages were opened
TRIAL_SECONDS = 180  # for a mailbox to be read, an answer to be sent and a directory to be searched
TRIAL_EVENTS = ("e-mail fetched", "e-mail sent", "directory searched")


@dataclass(frozen=True)
class CheckResult:
    """One line of the report."""

    action: str
    outcome: str
    is_ok: bool = True


def run_check(installation: Installation) -> int:
    """Print all actions and attempts to leave; return 0 if all succeeded and there were none."""
    manifest.ensure_unchanged(installation)
    privileges.ensure_service_user(installation)
    environment.ensure_installed(installation)
    _prepare_environment()
    monitor = network_namespace.enter()
    monitor.start()
    scratch = replace(
        installation,
        data=Path(tempfile.gettempdir()),
        bind="127.0.0.1",
        role="all",
        demo=True,
        url="",
    )
    privileges.drop_root(scratch)
    say("A desk on scratch data runs in a network of its own; this takes a few minutes ...")
    with tempfile.TemporaryDirectory(prefix="skerry-egress-", ignore_cleanup_errors=True) as folder:
        own = replace(scratch, data=Path(folder))
        results = _use_application(own)
        blocked_hosts = Counter(
            entry["host"]
            for entry in egress_guard.blocked_connections(own.logs / BLOCKED_CONNECTIONS_LOG)
        )
    return _report(results, monitor.attempts(), blocked_hosts)


def _prepare_environment() -> None:
    """Remove variables that name servers of the site; add an admin and a passphrase."""
    for name in [*os.environ]:
        if name.startswith(SERVER_PREFIXES) and name not in KEPT_VARIABLES:
            del os.environ[name]
    os.environ["SKERRY_ADMIN_EMAIL"] = ADMIN
    os.environ["SKERRY_ADMIN_PASSWORD"] = secrets.token_urlsafe(16)
    os.environ["SKERRY_KEY_PASSPHRASE"] = secrets.token_urlsafe(16)


def _use_application(installation: Installation) -> list[CheckResult]:
    with _running(installation) as report, _trial_servers(installation) as log:
        results = [*_use_pages(installation, report["demo"]), _update_models(installation)]
        time.sleep(WORKER_SECONDS)
        results += _use_servers(log)
    return results


@contextmanager
def _trial_servers(installation: Installation) -> Iterator[Path]:
    """Run mail and directory servers, configure the desk to use them, and yield their log."""
    log = installation.data / "trial.log"
    ports = [f"--{name}={port}" for name, port in network_namespace.SERVER_PORTS.items()]
    command = [str(installation.python), "-m", "django", "trial_servers"]
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603
            [*command, network_namespace.SERVER_ADDRESS, *ports],
            cwd=installation.code,
            env=subprocesses.environment(installation),
            stdout=output,
            stderr=output,
        )
        try:
            yield log
        finally:
            process.send_signal(signal.SIGINT)
            process.wait()


def _use_servers(log: Path) -> Iterator[CheckResult]:
    """Wait until the desk has used each server."""
    deadline = time.monotonic() + TRIAL_SECONDS
    while time.monotonic() < deadline:
        events = Counter(log.read_text(encoding="utf-8", errors="replace").splitlines())
        if all(events[event] for event in TRIAL_EVENTS):
            break
        time.sleep(1)
    for event in TRIAL_EVENTS:
        yield CheckResult(event, f"{events[event]} times", is_ok=bool(events[event]))


@contextmanager
def _running(installation: Installation) -> Iterator[dict[str, Any]]:
    with datadir.locked(installation):
        supervision.ensure_servers(installation)
        with supervision.running_servers(installation) as supervisor:
            runner.ensure_database(installation, supervisor)
            yield runner.start_application(installation, supervisor)


def _use_pages(installation: Installation, demo: dict[str, Any]) -> Iterator[CheckResult]:
    """Open every page and search in each role, and create a ticket as a customer."""
    demo_password = Path(demo["password_file"]).read_text(encoding="utf-8").strip()
    logins = {login["role"]: (login["email"], demo_password) for login in reversed(demo["logins"])}
    logins["admin"] = (ADMIN, os.environ["SKERRY_ADMIN_PASSWORD"])
    routes = json.loads(
        subprocesses.run_django(installation, "list_routes", "The pages are not known")
    )
    yield _open_every_page(HttpSession(installation.address), "nobody", routes)
    for role, (email, password) in logins.items():
        session = HttpSession(installation.address)
        if not session.log_in(email, password):
            yield CheckResult(f"log in as {role}", f"{email} was not let in", is_ok=False)
            continue
        if role == "customer":
            yield _create_ticket(session)
        status, text = session.get("/search/?q=printer+stuck")
        hit_count = text.count("<mark>")
        yield CheckResult(f"search as {role}", f"{status}, {hit_count} words found", status == 200)
        yield _open_every_page(session, role, routes)


def _create_ticket(session: HttpSession) -> CheckResult:
    subject, description = TICKET
    fields = {"subject": subject, "description": description, "priority": "2"}
    status, text = session.submit("/create-ticket/", fields)
    return CheckResult("a ticket is created", f"{status}", status == 200 and subject in text)


def _open_every_page(session: HttpSession, role: str, routes: list[str]) -> CheckResult:
    """Open each route once, with the first listed ticket and 1 for all other parameters."""
    link = re.search(r'href="/tickets/(\d+)/"', session.get("/")[1])
    ticket_id = link.group(1) if link else "1"
    statuses: Counter[int] = Counter()
    broken_paths = []
    for route in routes:
        path = "/" + re.sub("<[^>]*>", "1", route.replace("<int:ticket_id>", ticket_id))
        status, _ = session.get(path)
        statuses[status] += 1
        if status >= 500:
            broken_paths.append(path)
    counts = ", ".join(f"{count} × {status}" for status, count in sorted(statuses.items()))
    errors = "".join(f"; broken: {path}" for path in broken_paths)
    text = f"{len(routes)} pages: {counts}{errors}"
    return CheckResult(f"pages as {role}", text, not broken_paths)


def _update_models(installation: Installation) -> CheckResult:
    """Pack, sign and apply the sentiment bundle of the release under another version."""
    action = "the models are updated"
    active = read_json(installation.models / "active.json").get("sentiment")
    if not active:
        return CheckResult(action, "left out: there are no models")
    home, medium = installation.data / "publisher", installation.data / "medium"
    bundle = _with_next_version(installation.models / active, installation.data / "new")
    overrides = ["--accept=undecided", "--accept=budget", "--accept=worse"]
    audit = [f"--by={ADMIN}", "--reason=doctor --egress tries an update"]
    trust = f"--trust={home / 'metadata' / '1.root.json'}"
    for arguments in (
        ["keys", "init", str(home)],
        ["pack", f"--home={home}", f"--bundle={bundle}", f"--out={medium}"],
        ["apply", str(medium), trust, *overrides, *audit],
    ):
        result = _run(installation, arguments)
        if result.returncode:
            lines = (result.stderr or result.stdout).strip().splitlines() or ["no reason given"]
            text = f"{arguments[0]} ended with {result.returncode}: {lines[-1]}"
            return CheckResult(action, text, is_ok=False)
    return CheckResult(action, "packed, signed, checked, applied")


def _with_next_version(source: Path, folder: Path) -> Path:
    """Copy a bundle under another version, and change it a little: an equal one is refused."""
    description = json.loads((source / "bundle.json").read_text(encoding="utf-8"))
    description["version"] = f"{description['version']}.1"
    description["calibration"]["temperature"] *= 1.001
    target = folder / description["name"] / description["version"]
    shutil.copytree(source, target)
    (target / "bundle.json").write_text(json.dumps(description), encoding="utf-8")
    return target


def _run(installation: Installation, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    script = str(installation.code / "scripts" / "update_models.py")
    command = [sys.executable, script, f"--data={installation.data}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603


def _report(
    results: list[CheckResult], packets: dict[str, int], blocked_hosts: Counter[str]
) -> int:
    """Print the results; return 1 if an action failed or something tried to leave."""
    for check in results:
        say(f"{'ok' if check.is_ok else 'fail':<5} {check.action:<26} {check.outcome}")
    servers = {
        f"tcp {network_namespace.SERVER_ADDRESS}:{port}": name
        for name, port in network_namespace.SERVER_PORTS.items()
    }
    for destination in servers.keys() & packets.keys():
        count, name = packets.pop(destination), f"configured {servers[destination]} server"
        say(f"ok    {name:<26} {destination}, {count} packets")
    for destination, count in packets.items():
        say(f"fail  {'left the machine':<26} {destination}, {count} times")
    for host, count in blocked_hosts.items():
        say(f"fail  {'blocked by egress guard':<26} {host}, {count} times")
    if packets or blocked_hosts:
        say("Something tried to reach another machine.")
        return 1
    say(f"ok    {'attempts to leave':<26} none")
    return 0 if all(check.is_ok for check in results) else 1
