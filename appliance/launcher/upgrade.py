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
from functools import partial
from pathlib import Path
from typing import Any

from appliance.launcher import (
    backup,
    commands,
    credentials,
    datadir,
    environment,
    manifest,
    orphans,
    postgres,
    privileges,
    runner,
    service,
    supervision,
    upgrade_paths,
    valkey,
)
from appliance.launcher.errors import LauncherError
from appliance.launcher.files import ensure_content, read_json
from appliance.launcher.layout import Installation
from appliance.launcher.terminal import say

JOURNAL = "upgrade.json"
BACKUPS = "backups"
UNFINISHED = ("migrating", "going back")
START_LIMIT_SECONDS = 120

Journal = dict[str, Any]


def upgrade(installation: Installation, old_code: Path, *, is_data_given: bool, back: bool) -> int:
    """Do it, go on with it, or (``back``) undo it."""
    manifest.ensure_whole(installation)
    old = upgrade_paths.old_desk(installation, old_code)
    privileges.ensure_service_user(installation)
    environment.ensure_installed(installation)
    installation, old = upgrade_paths.with_data(installation, old, is_data_given)
    return _carry_out(installation, old, "as asked" if back else "")


def _carry_out(installation: Installation, old: Installation, why_back: str) -> int:
    """The steps that are left. Root moves folders and units; the rest is the service user's."""
    as_user = privileges.ask_as_service_user
    state = as_user(lambda: _look(installation, old, back=bool(why_back)))
    if state == "backing up":
        _stop(old)
        try:
            as_user(lambda: _back_up(installation, old))
        except (LauncherError, OSError):
            if _is_served(old):
                service.start(old)
            raise
    elif state == "done" and why_back:
        _stop(installation)
        as_user(lambda: _begin_back(installation, why_back))
    if installation.data != old.data:
        _move(old.data, installation.data)
    privileges.hand_over(installation)
    reason = as_user(lambda: _finish(installation))
    return _came_back(installation, old, reason) if reason else _went_over(installation, old)


def ensure_finished(installation: Installation) -> None:
    """Refuse to start a desk in the middle of its upgrade."""
    journal = _read(installation)
    if journal.get("state") in UNFINISHED:
        command = f"python3 {journal['to']}/launcher.py upgrade --from {journal['from']}"
        raise LauncherError(
            f"The upgrade of {installation.data} was cut short: go on with it first ({command})."
        )


def _look(installation: Installation, old: Installation, *, back: bool) -> str:
    """The state to go on from, once nothing stands against it. Changes nothing.

    Run as the user of the data.
    """
    here = replace(installation, data=old.data)
    if not datadir.exists(here):
        raise LauncherError(f"There is no desk in {old.data}: say where it is with --data.")
    datadir.ensure_ours(here)
    journal = _read(here)
    state = journal.get("state", "")
    is_ours = (journal.get("to"), journal.get("from")) == (str(installation.code), str(old.code))
    if not is_ours:
        ensure_finished(here)
    if back:
        if not is_ours or state not in ("done", "going back", "back"):
            raise LauncherError(f"{old.data} was not upgraded from {old.code} by this Skerry.")
        return state
    if is_ours and state in (*UNFINISHED, "done"):
        return state
    upgrade_paths.ensure_possible(here)
    return "backing up"


# --- the steps, as the user of the data


def _back_up(installation: Installation, old: Installation) -> None:
    """A whole backup beside the data; from then on the data is the new Skerry's."""
    here = replace(installation, data=old.data, role="all")
    with datadir.held(here):
        orphans.ensure_none(here)
        journal = _read(here)
        if journal.get("state") != "backing up":
            before = read_json(here.data / datadir.VERSION_FILE).get("skerry", "0")
            stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
            journal = {
                "state": "backing up",
                "from": str(old.code),
                "to": str(installation.code),
                "data_version": before,
                "backup": f"{BACKUPS}/{before}-{stamp}",
            }
            _note(here, journal)
        say("Backing up ...")
        if not backup.is_shut_down(here):
            _recover(here)
        backup.take(here, here.data / journal["backup"])
        _note(here, {**journal, "state": "migrating"})


def _recover(here: Installation) -> None:
    """Start the database and stop it again, as after a power cut."""
    _ensure_ready_to_start(here)
    with supervision.running(here) as supervisor:
        postgres.wait_until_ready(here, runner.FailureWatch(here, supervisor, "postgres").reason)


def _ensure_ready_to_start(installation: Installation) -> None:
    credentials.ensure_secrets(installation)
    postgres.ensure_cluster(installation)
    valkey.ensure_config(installation)


def _finish(installation: Installation) -> str | None:
    """Migrate and try, or put the backup back; the reason when it ended in going back."""
    with datadir.held(installation):
        orphans.ensure_none(installation)
        journal = _read(installation)
        if journal["state"] == "migrating":
            try:
                _try(installation)
            except Exception as error:  # whatever it was, people need their desk
                journal |= {"state": "going back", "reason": str(error)}
                _note(installation, journal)
            else:
                journal["state"] = "done"
                _note(installation, journal)
        if journal["state"] == "going back":
            _put_back(installation, journal)
        return journal.get("reason") if journal["state"] == "back" else None


def _try(installation: Installation) -> None:
    """Migrate, and see the new desk healthy where nobody can write to it yet."""
    say(f"Migrating to Skerry {installation.version} ...")
    datadir.stamp_version(installation)  # an older Skerry refuses the data from here on
    trial = replace(installation, bind="127.0.0.1", port=_free_port(), role="all")
    _ensure_ready_to_start(trial)
    with supervision.running(trial) as supervisor:
        runner.ensure_database(trial, supervisor)
        runner.start_desk(trial, supervisor)
        _ensure_working(trial, supervisor)
    say("The new desk is healthy.")


def _ensure_working(trial: Installation, supervisor: supervision.Supervisor) -> None:
    """Everything stays up: a worker that cannot start would be found out too late."""
    failing = runner.FailureWatch(trial, supervisor, "worker")
    deadline = time.monotonic() + runner.SERVE_LIMIT_SECONDS
    while any(info["state"] != "running" for info in supervisor.processes().values()):
        if (reason := failing.reason()) or time.monotonic() > deadline:
            raise LauncherError(reason or "The new desk did not come up whole.")
        time.sleep(0.1)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _begin_back(installation: Installation, why: str) -> None:
    """The operator wants the old one: what was written since is kept aside, not lost."""
    with datadir.held(installation):
        journal = _read(installation)
        kept_backup = f"{journal['backup']}.left"
        _note(installation, {**journal, "state": "going back", "reason": why, "kept": kept_backup})


def _put_back(installation: Installation, journal: Journal) -> None:
    say("Going back ...")
    kept_backup = installation.data / journal["kept"] if "kept" in journal else None
    backup.restore(installation, installation.data / journal["backup"], previous=kept_backup)
    version = {"skerry": journal["data_version"]}
    ensure_content(installation.data / datadir.VERSION_FILE, json.dumps(version) + "\n")
    journal["state"] = "back"
    _note(installation, journal)


def _read(installation: Installation) -> Journal:
    return read_json(installation.data / JOURNAL)


def _note(installation: Installation, journal: Journal) -> None:
    """Write down what was reached, whole or not at all."""
    ensure_content(installation.data / JOURNAL, json.dumps(journal, indent=1) + "\n")


# --- the code, the folder and the service


def _is_served(desk_: Installation) -> bool:
    served = service.installed()
    return bool(served and served.data == desk_.data)


def _stop(running: Installation) -> None:
    if _is_served(running):
        service.stop()
    privileges.ask_as_service_user(lambda: commands.stop(running))


def _move(before: Path, after: Path) -> None:
    try:
        before.rename(after)
    except OSError as error:
        raise LauncherError(
            f"{before} cannot become {after} ({error.strerror}): move it yourself to a place of "
            "its own, and name that with --data."
        ) from error
    say(f"The data moved from {before} to {after}.")


def _came_back(installation: Installation, old: Installation, reason: str) -> int:
    """The old desk as it was: its folder, its service."""
    if installation.data == installation.code / "var":
        old = replace(old, data=old.code / "var")
        _move(installation.data, old.data)
    if _is_served(old):
        service.start(old)
    version = upgrade_paths.version_of(old.code)
    say(f"This desk is Skerry {version} again, with its data as it was before.")
    if reason == "as asked":
        return 0
    raise LauncherError(f"The upgrade failed, and nothing of it is left: {reason}")


def _went_over(installation: Installation, old: Installation) -> int:
    """The new desk runs where the old one did."""
    as_user = privileges.ask_as_service_user
    is_served = _is_served(installation)
    if is_served:
        service.start(installation)
        wait_for = partial(
            commands.status, installation, wait_seconds=START_LIMIT_SECONDS, as_json=False
        )
        if as_user(wait_for) != 0:
            return _carry_out(installation, old, "its service did not get healthy")
    kept_backup = installation.data / as_user(lambda: _read(installation))["backup"]
    say(
        f"This desk is Skerry {installation.version} now. The backup of the one before: "
        f"{kept_backup}"
    )
    say(f"To go back: python3 {installation.code / 'launcher.py'} upgrade --from {old.code} --back")
    if not is_served:
        data = (
            "" if installation.data == installation.code / "var" else f" --data {installation.data}"
        )
        say(f"Start it: python3 {installation.code / 'launcher.py'}{data}")
    return 0
