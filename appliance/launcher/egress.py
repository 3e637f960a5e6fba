"""``doctor --egress``: does this desk, here, try to reach anybody? Nothing is taken on trust.

A desk on scratch data runs in a network of its own (network_namespace.py), is used as people use
it, and whoever tries to leave is seen: by the kernel's own eye, and by the fence of the Python
processes.
"""

import json
import os
import re
import secrets
import shutil
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
    credentials,
    datadir,
    environment,
    manifest,
    network_namespace,
    postgres,
    privileges,
    runner,
    subprocesses,
    supervision,
    valkey,
)
from appliance.launcher.files import read_json
from appliance.launcher.http_session import Visitor
from appliance.launcher.layout import Installation
from appliance.launcher.terminal import say

OTHERS = ("DATABASE_", "REDIS_", "SKERRY_")  # what points at a site's own servers is left out
KEPT = ("SKERRY_MODELS",)
ADMIN = "doctor@desk.example"
BLOCKED_MESSAGE = "blocked-connections.jsonl"
TRY = ("Printer on ward 3 is stuck", "Twelve jobs wait in the queue and the first says error.")
BEHIND_SECONDS = 15  # for what the worker still does when all pages were seen


@dataclass(frozen=True)
class Done:
    """One line of the report."""

    what: str
    how: str
    is_well: bool = True


def examine(installation: Installation) -> int:
    """Print what was done and who tried to leave; 0 only when all was done and nobody did."""
    manifest.ensure_whole(installation)
    privileges.ensure_service_user(installation)
    environment.ensure_installed(installation)
    _surroundings()
    watch = network_namespace.enter()
    watch.begin()
    scratch = replace(
        installation, data=Path(tempfile.gettempdir()), bind="127.0.0.1", role="all", demo=True
    )
    privileges.give_up_root(scratch)
    say("A desk on scratch data runs in a network of its own; this takes a few minutes ...")
    with tempfile.TemporaryDirectory(prefix="skerry-egress-", ignore_cleanup_errors=True) as folder:
        own = replace(scratch, data=Path(folder))
        done = _use(own)
        refused = Counter(
            entry["host"] for entry in egress_guard.blocked_connections(own.logs / BLOCKED_MESSAGE)
        )
    return _report(done, watch.attempts(), refused)


def _surroundings() -> None:
    """Nothing of the site's own servers, an admin, and keys for an update."""
    for name in [*os.environ]:
        if name.startswith(OTHERS) and name not in KEPT:
            del os.environ[name]
    os.environ["SKERRY_ADMIN_EMAIL"] = ADMIN
    os.environ["SKERRY_ADMIN_PASSWORD"] = secrets.token_urlsafe(16)
    os.environ["SKERRY_KEY_PASSPHRASE"] = secrets.token_urlsafe(16)


def _use(installation: Installation) -> list[Done]:
    with _running(installation) as report:
        done = list(_visit(installation, report["demo"]))
        done.append(_update_models(installation))
        time.sleep(BEHIND_SECONDS)
    return done


@contextmanager
def _running(installation: Installation) -> Iterator[dict[str, Any]]:
    with datadir.held(installation):
        credentials.ensure_secrets(installation)
        postgres.ensure_cluster(installation)
        valkey.ensure_config(installation)
        with supervision.running(installation) as supervisor:
            runner.ensure_database(installation, supervisor)
            yield runner.start_desk(installation, supervisor)


def _visit(installation: Installation, demo: dict[str, Any]) -> Iterator[Done]:
    """Everybody opens every page; the customer asks, all of them search."""
    of_the_demo = Path(demo["password_file"]).read_text(encoding="utf-8").strip()
    people = {login["role"]: (login["email"], of_the_demo) for login in reversed(demo["logins"])}
    people["admin"] = (ADMIN, os.environ["SKERRY_ADMIN_PASSWORD"])
    routes = json.loads(
        subprocesses.run_django(installation, "list_routes", "The pages are not known")
    )
    yield _walk(Visitor(installation.address), "nobody", routes)
    for role, (email, password) in people.items():
        visitor = Visitor(installation.address)
        if not visitor.log_in(email, password):
            yield Done(f"log in as {role}", f"{email} was not let in", is_well=False)
            continue
        if role == "customer":
            yield _ask_the_desk(visitor)
        status, text = visitor.get("/search/?q=printer+stuck")
        hit_count = text.count("<mark>")
        yield Done(f"search as {role}", f"{status}, {hit_count} words found", status == 200)
        yield _walk(visitor, role, routes)


def _ask_the_desk(visitor: Visitor) -> Done:
    subject, description = TRY
    fields = {"subject": subject, "description": description, "priority": "2"}
    status, text = visitor.send("/create-ticket/", fields)
    return Done("a ticket is created", f"{status}", status == 200 and subject in text)


def _walk(visitor: Visitor, role: str, routes: list[str]) -> Done:
    """Each route once, with the first ticket this person sees and 1 for whatever else it asks."""
    own = re.search(r'href="/tickets/(\d+)/"', visitor.get("/")[1])
    ticket = own.group(1) if own else "1"
    answers: Counter[int] = Counter()
    broken = []
    for route in routes:
        path = "/" + re.sub("<[^>]*>", "1", route.replace("<int:ticket_id>", ticket))
        status, _ = visitor.get(path)
        answers[status] += 1
        if status >= 500:
            broken.append(path)
    counted = ", ".join(f"{count} × {status}" for status, count in sorted(answers.items()))
    text = f"{len(routes)} pages: {counted}" + "".join(f"; broken: {path}" for path in broken)
    return Done(f"pages as {role}", text, not broken)


def _update_models(installation: Installation) -> Done:
    """The release's own sentiment bundle, under another version: packed, signed, applied."""
    what = "the models are updated"
    named = read_json(installation.models / "active.json").get("sentiment")
    if not named:
        return Done(what, "left out: there are no models")
    home, medium = installation.data / "publisher", installation.data / "stick"
    bundle = _another_version(installation.models / named, installation.data / "new")
    yes = ["--accept=undecided", "--accept=budget", "--accept=worse"]
    why = [f"--by={ADMIN}", "--reason=doctor --egress tries an update"]
    trust = f"--trust={home / 'metadata' / '1.root.json'}"
    for words in (
        ["keys", "init", str(home)],
        ["pack", f"--home={home}", f"--bundle={bundle}", f"--out={medium}"],
        ["apply", str(medium), trust, *yes, *why],
    ):
        result = _run(installation, words)
        if result.returncode:
            lines = (result.stderr or result.stdout).strip().splitlines() or ["without a word"]
            text = f"{words[0]} ended with {result.returncode}: {lines[-1]}"
            return Done(what, text, is_well=False)
    return Done(what, "packed, signed, checked, applied")


def _another_version(source: Path, new: Path) -> Path:
    described = json.loads((source / "bundle.json").read_text(encoding="utf-8"))
    described["version"] = f"{described['version']}.1"
    described["calibration"]["temperature"] *= 1.001  # the very same bundle would be refused
    target = new / described["name"] / described["version"]
    shutil.copytree(source, target)
    (target / "bundle.json").write_text(json.dumps(described), encoding="utf-8")
    return target


def _run(installation: Installation, words: list[str]) -> subprocess.CompletedProcess[str]:
    script = str(installation.code / "scripts" / "update_models.py")
    command = [sys.executable, script, f"--data={installation.data}", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603


def _report(done: list[Done], seen: dict[str, int], refused: Counter[str]) -> int:
    for check in done:
        say(f"{'ok' if check.is_well else 'fail':<5} {check.what:<26} {check.how}")
    for what, count in seen.items():
        say(f"fail  {'left the machine':<26} {what}, {count} times")
    for host, count in refused.items():
        say(f"fail  {'refused by the fence':<26} {host}, {count} times")
    if seen or refused:
        say("Something tried to reach another machine.")
        return 1
    say(f"ok    {'attempts to leave':<26} none")
    return 0 if all(check.is_well for check in done) else 1
