"""``doctor --egress``: does this desk, here, try to reach anybody? Nothing is taken on trust.

A desk on scratch data runs in a network of its own (apart.py), is used as people use it, and
whoever tries to leave is seen: by the kernel's own eye, and by the fence of the Python processes.
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
    apart,
    children,
    credentials,
    datadir,
    desk,
    environment,
    identity,
    manifest,
    postgres,
    supervision,
    valkey,
)
from appliance.launcher.files import read_json
from appliance.launcher.layout import Box
from appliance.launcher.terminal import say
from appliance.launcher.visiting import Visitor

OTHERS = ("DATABASE_", "REDIS_", "SKERRY_")  # what points at a site's own servers is left out
KEPT = ("SKERRY_MODELS",)
ADMIN = "doctor@desk.example"
REFUSED = "blocked-connections.jsonl"
TRY = ("Printer on ward 3 is stuck", "Twelve jobs wait in the queue and the first says error.")
BEHIND_SECONDS = 15  # for what the worker still does when all pages were seen


@dataclass(frozen=True)
class Done:
    """One line of the report."""

    what: str
    how: str
    is_well: bool = True


def examine(box: Box) -> int:
    """Print what was done and who tried to leave; 0 only when all was done and nobody did."""
    manifest.ensure_whole(box)
    identity.ensure_service_user(box)
    environment.ensure_installed(box)
    _surroundings()
    watch = apart.enter()
    watch.begin()
    scratch = replace(
        box, data=Path(tempfile.gettempdir()), bind="127.0.0.1", role="all", demo=True
    )
    identity.give_up_root(scratch)
    say("A desk on scratch data runs in a network of its own; this takes a few minutes ...")
    with tempfile.TemporaryDirectory(prefix="skerry-egress-", ignore_cleanup_errors=True) as made:
        own = replace(scratch, data=Path(made))
        done = _use(own)
        refused = Counter(one["host"] for one in egress_guard.refusals(own.logs / REFUSED))
    return _report(done, watch.attempts(), refused)


def _surroundings() -> None:
    """Nothing of the site's own servers, an admin, and keys for an update."""
    for name in [*os.environ]:
        if name.startswith(OTHERS) and name not in KEPT:
            del os.environ[name]
    os.environ["SKERRY_ADMIN_EMAIL"] = ADMIN
    os.environ["SKERRY_ADMIN_PASSWORD"] = secrets.token_urlsafe(16)
    os.environ["SKERRY_KEY_PASSPHRASE"] = secrets.token_urlsafe(16)


def _use(box: Box) -> list[Done]:
    with _running(box) as report:
        done = list(_visit(box, report["demo"]))
        done.append(_update_models(box))
        time.sleep(BEHIND_SECONDS)
    return done


@contextmanager
def _running(box: Box) -> Iterator[dict[str, Any]]:
    with datadir.held(box):
        credentials.ensure_secrets(box)
        postgres.ensure_cluster(box)
        valkey.ensure_config(box)
        with supervision.running(box) as supervisor:
            desk.ensure_database(box, supervisor)
            yield desk.start_desk(box, supervisor)


def _visit(box: Box, demo: dict[str, Any]) -> Iterator[Done]:
    """Everybody opens every page; the customer asks, all of them search."""
    of_the_demo = Path(demo["password_file"]).read_text(encoding="utf-8").strip()
    people = {one["role"]: (one["email"], of_the_demo) for one in reversed(demo["logins"])}
    people["admin"] = (ADMIN, os.environ["SKERRY_ADMIN_PASSWORD"])
    routes = json.loads(children.run_django(box, "list_routes", "The pages are not known"))
    yield _walk(Visitor(box.address), "nobody", routes)
    for role, (email, password) in people.items():
        visitor = Visitor(box.address)
        if not visitor.log_in(email, password):
            yield Done(f"log in as {role}", f"{email} was not let in", is_well=False)
            continue
        if role == "customer":
            yield _ask_the_desk(visitor)
        status, text = visitor.get("/search/?q=printer+stuck")
        found = text.count("<mark>")
        yield Done(f"search as {role}", f"{status}, {found} words found", status == 200)
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


def _update_models(box: Box) -> Done:
    """The release's own sentiment bundle, under another version: packed, signed, applied."""
    what = "the models are updated"
    named = read_json(box.models / "active.json").get("sentiment")
    if not named:
        return Done(what, "left out: there are no models")
    home, stick = box.data / "publisher", box.data / "stick"
    bundle = _another_version(box.models / named, box.data / "new")
    yes = ["--accept=undecided", "--accept=budget", "--accept=worse"]
    why = [f"--by={ADMIN}", "--reason=doctor --egress tries an update"]
    trust = f"--trust={home / 'metadata' / '1.root.json'}"
    for words in (
        ["keys", "init", str(home)],
        ["pack", f"--home={home}", f"--bundle={bundle}", f"--out={stick}"],
        ["apply", str(stick), trust, *yes, *why],
    ):
        result = _run(box, words)
        if result.returncode:
            said = (result.stderr or result.stdout).strip().splitlines() or ["without a word"]
            text = f"{words[0]} ended with {result.returncode}: {said[-1]}"
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


def _run(box: Box, words: list[str]) -> subprocess.CompletedProcess[str]:
    script = str(box.code / "scripts" / "update_models.py")
    command = [sys.executable, script, f"--data={box.data}", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603


def _report(done: list[Done], seen: dict[str, int], refused: Counter[str]) -> int:
    for one in done:
        say(f"{'ok' if one.is_well else 'fail':<5} {one.what:<26} {one.how}")
    for what, count in seen.items():
        say(f"fail  {'left the machine':<26} {what}, {count} times")
    for host, count in refused.items():
        say(f"fail  {'refused by the fence':<26} {host}, {count} times")
    if seen or refused:
        say("Something tried to reach another machine.")
        return 1
    say(f"ok    {'attempts to leave':<26} none")
    return 0 if all(one.is_well for one in done) else 1
