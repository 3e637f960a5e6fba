"""From one Skerry to the next: back up, migrate, try, and go back when anything fails.

``upgrade --from OLD`` is run by the new code; the old one stays where it is, unchanged. What was
reached stands in ``upgrade.json`` of the data directory, written before each step that could not
simply be done again. Whatever cuts it short, the same command goes on:

    backing up     nothing was changed yet: the old desk may start, the backup is made anew
    migrating      the backup is whole, the data is the new Skerry's: migrate and try again
    going back     the backup is being put back: put it back again
    back, done     over; what remains is to start the right code
"""

import json
import socket
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from appliance.launcher import (
    backup,
    commands,
    credentials,
    datadir,
    desk,
    environment,
    identity,
    leftovers,
    manifest,
    postgres,
    service,
    succession,
    supervision,
    valkey,
)
from appliance.launcher.errors import BoxError
from appliance.launcher.files import ensure_content, read_json
from appliance.launcher.layout import Box
from appliance.launcher.terminal import say

JOURNAL = "upgrade.json"
BACKUPS = "backups"
UNFINISHED = ("migrating", "going back")
START_LIMIT_SECONDS = 120

Journal = dict[str, Any]


def upgrade(box: Box, old_code: Path, *, is_data_given: bool, back: bool) -> int:
    """Do it, go on with it, or (``back``) undo it."""
    manifest.ensure_whole(box)
    old = succession.old_desk(box, old_code)
    identity.ensure_service_user(box)
    environment.ensure_installed(box)
    box, old = succession.with_data(box, old, is_data_given)
    return _carry_out(box, old, "as asked" if back else "")


def _carry_out(box: Box, old: Box, why_back: str) -> int:
    """The steps that are left. Root moves folders and units; the rest is the service user's."""
    as_user = identity.ask_as_service_user
    state = as_user(lambda: _look(box, old, back=bool(why_back)))
    if state == "backing up":
        _stop(old)
        try:
            as_user(lambda: _back_up(box, old))
        except (BoxError, OSError):
            if _is_served(old):
                service.start(old)
            raise
    elif state == "done" and why_back:
        _stop(box)
        as_user(lambda: _begin_back(box, why_back))
    if box.data != old.data:
        _move(old.data, box.data)
    identity.hand_over(box)
    reason = as_user(lambda: _finish(box))
    return _came_back(box, old, reason) if reason else _went_over(box, old)


def ensure_finished(box: Box) -> None:
    """Refuse to start a desk in the middle of its upgrade."""
    journal = _read(box)
    if journal.get("state") in UNFINISHED:
        command = f"python3 {journal['to']}/launcher.py upgrade --from {journal['from']}"
        raise BoxError(f"The upgrade of {box.data} was cut short: go on with it first ({command}).")


def _look(box: Box, old: Box, *, back: bool) -> str:
    """The state to go on from, once nothing stands against it. Changes nothing.

    Run as the user of the data.
    """
    here = replace(box, data=old.data)
    if not datadir.exists(here):
        raise BoxError(f"There is no desk in {old.data}: say where it is with --data.")
    datadir.ensure_ours(here)
    journal = _read(here)
    state = journal.get("state", "")
    is_ours = (journal.get("to"), journal.get("from")) == (str(box.code), str(old.code))
    if not is_ours:
        ensure_finished(here)
    if back:
        if not is_ours or state not in ("done", "going back", "back"):
            raise BoxError(f"{old.data} was not upgraded from {old.code} by this Skerry.")
        return state
    if is_ours and state in (*UNFINISHED, "done"):
        return state
    succession.ensure_possible(here)
    return "backing up"


# --- the steps, as the user of the data


def _back_up(box: Box, old: Box) -> None:
    """A whole backup beside the data; from then on the data is the new Skerry's."""
    here = replace(box, data=old.data, role="all")
    with datadir.held(here):
        leftovers.ensure_none(here)
        journal = _read(here)
        if journal.get("state") != "backing up":
            before = read_json(here.data / datadir.VERSION_FILE).get("skerry", "0")
            stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
            journal = {
                "state": "backing up",
                "from": str(old.code),
                "to": str(box.code),
                "data_version": before,
                "backup": f"{BACKUPS}/{before}-{stamp}",
            }
            _note(here, journal)
        say("Backing up ...")
        if not backup.is_shut_down(here):
            _recover(here)
        backup.take(here, here.data / journal["backup"])
        _note(here, {**journal, "state": "migrating"})


def _recover(here: Box) -> None:
    """Start the database and stop it again, as after a power cut."""
    _ensure_ready_to_start(here)
    with supervision.running(here) as supervisor:
        postgres.wait_until_ready(here, desk.FailureWatch(here, supervisor, "postgres").reason)


def _ensure_ready_to_start(box: Box) -> None:
    credentials.ensure_secrets(box)
    postgres.ensure_cluster(box)
    valkey.ensure_config(box)


def _finish(box: Box) -> str | None:
    """Migrate and try, or put the backup back; the reason when it ended in going back."""
    with datadir.held(box):
        leftovers.ensure_none(box)
        journal = _read(box)
        if journal["state"] == "migrating":
            try:
                _try(box)
            except Exception as error:  # whatever it was, people need their desk
                journal |= {"state": "going back", "reason": str(error)}
                _note(box, journal)
            else:
                journal["state"] = "done"
                _note(box, journal)
        if journal["state"] == "going back":
            _put_back(box, journal)
        return journal.get("reason") if journal["state"] == "back" else None


def _try(box: Box) -> None:
    """Migrate, and see the new desk healthy where nobody can write to it yet."""
    say(f"Migrating to Skerry {box.version} ...")
    datadir.stamp_version(box)  # an older Skerry refuses the data from here on
    trial = replace(box, bind="127.0.0.1", port=_free_port(), role="all")
    _ensure_ready_to_start(trial)
    with supervision.running(trial) as supervisor:
        desk.ensure_database(trial, supervisor)
        desk.start_desk(trial, supervisor)
        _ensure_working(trial, supervisor)
    say("The new desk is healthy.")


def _ensure_working(trial: Box, supervisor: supervision.Supervisor) -> None:
    """Everything stays up: a worker that cannot start would be found out too late."""
    failing = desk.FailureWatch(trial, supervisor, "worker")
    deadline = time.monotonic() + desk.SERVE_LIMIT_SECONDS
    while any(one["state"] != "running" for one in supervisor.processes().values()):
        if (reason := failing.reason()) or time.monotonic() > deadline:
            raise BoxError(reason or "The new desk did not come up whole.")
        time.sleep(0.1)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _begin_back(box: Box, why: str) -> None:
    """The operator wants the old one: what was written since is kept aside, not lost."""
    with datadir.held(box):
        journal = _read(box)
        kept = f"{journal['backup']}.left"
        _note(box, {**journal, "state": "going back", "reason": why, "kept": kept})


def _put_back(box: Box, journal: Journal) -> None:
    say("Going back ...")
    kept = box.data / journal["kept"] if "kept" in journal else None
    backup.put_back(box, box.data / journal["backup"], kept=kept)
    version = {"skerry": journal["data_version"]}
    ensure_content(box.data / datadir.VERSION_FILE, json.dumps(version) + "\n")
    journal["state"] = "back"
    _note(box, journal)


def _read(box: Box) -> Journal:
    return read_json(box.data / JOURNAL)


def _note(box: Box, journal: Journal) -> None:
    """Write down what was reached, whole or not at all."""
    ensure_content(box.data / JOURNAL, json.dumps(journal, indent=1) + "\n")


# --- the code, the folder and the service


def _is_served(desk_: Box) -> bool:
    served = service.installed()
    return bool(served and served.data == desk_.data)


def _stop(running: Box) -> None:
    if _is_served(running):
        service.stop()
    identity.ask_as_service_user(lambda: commands.stop(running))


def _move(before: Path, after: Path) -> None:
    try:
        before.rename(after)
    except OSError as error:
        raise BoxError(
            f"{before} cannot become {after} ({error.strerror}): move it yourself to a place of "
            "its own, and name that with --data."
        ) from error
    say(f"The data moved from {before} to {after}.")


def _came_back(box: Box, old: Box, reason: str) -> int:
    """The old desk as it was: its folder, its service."""
    if box.data == box.code / "var":
        old = replace(old, data=old.code / "var")
        _move(box.data, old.data)
    if _is_served(old):
        service.start(old)
    version = succession.version_of(old.code)
    say(f"This desk is Skerry {version} again, with its data as it was before.")
    if reason == "as asked":
        return 0
    raise BoxError(f"The upgrade failed, and nothing of it is left: {reason}")


def _went_over(box: Box, old: Box) -> int:
    """The new desk runs where the old one did."""
    as_user = identity.ask_as_service_user
    is_served = _is_served(box)
    if is_served:
        service.start(box)
        status = lambda: commands.status(box, wait_seconds=START_LIMIT_SECONDS, as_json=False)  # noqa: E731
        if as_user(status) != 0:
            return _carry_out(box, old, "its service did not get healthy")
    kept = box.data / as_user(lambda: _read(box))["backup"]
    say(f"This desk is Skerry {box.version} now. The backup of the one before: {kept}")
    say(f"To go back: python3 {box.code / 'launcher.py'} upgrade --from {old.code} --back")
    if not is_served:
        data = "" if box.data == box.code / "var" else f" --data {box.data}"
        say(f"Start it: python3 {box.code / 'launcher.py'}{data}")
    return 0
