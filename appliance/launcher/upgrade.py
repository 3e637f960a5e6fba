"""Upgrade to this version: back up, migrate, check, and roll back if anything fails.

The new code runs ``upgrade --from OLD`` and leaves the old code unchanged. The journal
``upgrade.json`` in the data directory is written before each step that cannot simply be repeated.
After an interruption the same command continues, depending on the state in the journal:

    backing up     nothing is changed yet: the old version may start, the backup is repeated
    migrating      the backup is complete, the data belongs to the new version: migrate again
    going back     the backup is being restored: restore it again
    back, done     finished, except for starting the old or the new version
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
    datadir,
    desk_report,
    environment,
    manifest,
    orphans,
    postgres,
    privileges,
    runner,
    service,
    supervision,
    upgrade_paths,
)
from appliance.launcher.files import ensure_content, read_json
from appliance.launcher.layout import Installation
from appliance.launcher.terminal import LauncherError, say

JOURNAL = "upgrade.json"
BACKUPS = "backups"
UNFINISHED = ("migrating", "going back")
ON_REQUEST = "as asked"  # stored in the journal
START_TIMEOUT_SECONDS = 120

Journal = dict[str, Any]


def upgrade(
    installation: Installation, old_code: Path, *, has_data_option: bool, back: bool
) -> int:
    """Run or continue the upgrade from ``old_code``, or with ``back`` undo it."""
    manifest.ensure_unchanged(installation)
    old = upgrade_paths.old_installation(installation, old_code)
    privileges.ensure_service_user(installation)
    environment.ensure_installed(installation)
    installation, old = upgrade_paths.with_data(installation, old, has_data_option=has_data_option)
    return _run_steps(installation, old, rollback_reason=ON_REQUEST if back else "")


def _run_steps(installation: Installation, old: Installation, *, rollback_reason: str) -> int:
    """Run the remaining steps. Only moving folders and changing units is done as root."""
    as_user = privileges.run_as_service_user
    state = as_user(lambda: _find_state(installation, old, back=bool(rollback_reason)))
    if state == "backing up":
        _stop_running(old)
        try:
            as_user(lambda: _create_backup(installation, old))
        except (LauncherError, OSError):
            if _is_service(old):
                service.start(old)
            raise
    elif state == "done" and rollback_reason:
        _stop_running(installation)
        as_user(lambda: _begin_rollback(installation, rollback_reason))
    if installation.data != old.data:
        _move_data(old.data, installation.data)
    privileges.ensure_access(installation)
    reason = as_user(lambda: _migrate_or_roll_back(installation))
    if reason:
        return _start_old(installation, old, reason)
    return _start_new(installation, old)


def ensure_finished(installation: Installation) -> None:
    """Refuse to start in the middle of an upgrade."""
    journal = _read_journal(installation)
    if journal.get("state") in UNFINISHED:
        target = replace(installation, code=Path(journal["to"]))
        command = target.command("upgrade", "--from", journal["from"])
        raise LauncherError(
            f"The upgrade of {installation.data} was cut short: go on with it first ({command})."
        )


def _find_state(installation: Installation, old: Installation, *, back: bool) -> str:
    """Return the state to continue from, or refuse the upgrade. Changes nothing.

    Run as the owner of the data.
    """
    current = replace(installation, data=old.data)
    if not datadir.exists(current):
        raise LauncherError(f"There is no desk in {old.data}: say where it is with --data.")
    datadir.ensure_owned(current)
    journal = _read_journal(current)
    state = journal.get("state", "")
    is_this_upgrade = (journal.get("to"), journal.get("from")) == (
        str(installation.code),
        str(old.code),
    )
    if not is_this_upgrade:
        ensure_finished(current)
    if back:
        if not is_this_upgrade or state not in ("done", "going back", "back"):
            raise LauncherError(f"{old.data} was not upgraded from {old.code} by this Skerry.")
        return state
    if is_this_upgrade and state in (*UNFINISHED, "done"):
        return state
    upgrade_paths.ensure_possible(current)
    return "backing up"


# --- the steps, run as the owner of the data


def _create_backup(installation: Installation, old: Installation) -> None:
    """Create the backup in the data directory; after that the data belongs to the new version."""
    current = replace(installation, data=old.data, role="all")
    with datadir.locked(current):
        orphans.ensure_stopped(current)
        journal = _read_journal(current)
        if journal.get("state") != "backing up":
            version = read_json(current.data / datadir.VERSION_FILE).get("skerry", "0")
            timestamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
            journal = {
                "state": "backing up",
                "from": str(old.code),
                "to": str(installation.code),
                "data_version": version,
                "backup": f"{BACKUPS}/{version}-{timestamp}",
            }
            _write_journal(current, journal)
        say("Backing up ...")
        if not backup.is_shut_down(current):
            _recover_database(current)
        backup.create(current, current.data / journal["backup"])
        _write_journal(current, {**journal, "state": "migrating"})


def _recover_database(installation: Installation) -> None:
    """Start and stop the database server, which recovers after a crash."""
    supervision.ensure_servers(installation)
    with supervision.running_servers(installation) as supervisor:
        detector = runner.FailureDetector(installation, supervisor, "postgres")
        postgres.wait_until_ready(installation, detector.error)


def _migrate_or_roll_back(installation: Installation) -> str | None:
    """Migrate and check, or restore the backup. Return the reason of a rollback, else None."""
    with datadir.locked(installation):
        orphans.ensure_stopped(installation)
        journal = _read_journal(installation)
        if journal["state"] == "migrating":
            try:
                _migrate(installation)
            except Exception as error:  # whatever it is, the old version must run again
                journal |= {"state": "going back", "reason": str(error)}
                _write_journal(installation, journal)
            else:
                journal["state"] = "done"
                _write_journal(installation, journal)
        if journal["state"] == "going back":
            _roll_back(installation, journal)
        return journal.get("reason") if journal["state"] == "back" else None


def _migrate(installation: Installation) -> None:
    """Migrate, and check the new version on a private port, where nobody can write yet."""
    say(f"Migrating to Skerry {installation.version} ...")
    datadir.record_version(installation)  # from here on an older version refuses the data
    trial = replace(installation, bind="127.0.0.1", port=_free_port(), role="all")
    supervision.ensure_servers(trial)
    with supervision.running_servers(trial) as supervisor:
        runner.ensure_database(trial, supervisor)
        runner.start_application(trial, supervisor)
        _wait_until_all_run(trial, supervisor)
    say("The new desk is healthy.")


def _wait_until_all_run(trial: Installation, supervisor: supervision.Supervisor) -> None:
    """Wait until all programs run, the worker too. Raise LauncherError if one does not."""
    detector = runner.FailureDetector(trial, supervisor, "worker")
    deadline = time.monotonic() + runner.START_TIMEOUT_SECONDS
    while any(info["state"] != "running" for info in supervisor.processes().values()):
        if (error := detector.error()) or time.monotonic() > deadline:
            raise LauncherError(error or "Not all programs of the new desk run.")
        time.sleep(0.1)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _begin_rollback(installation: Installation, reason: str) -> None:
    """Enter a rollback after a completed upgrade; the current database is kept aside."""
    with datadir.locked(installation):
        journal = _read_journal(installation)
        journal |= {"state": "going back", "reason": reason, "kept": f"{journal['backup']}.left"}
        _write_journal(installation, journal)


def _roll_back(installation: Installation, journal: Journal) -> None:
    say("Going back ...")
    previous = installation.data / journal["kept"] if "kept" in journal else None
    backup.restore(installation, installation.data / journal["backup"], previous=previous)
    version = {"skerry": journal["data_version"]}
    ensure_content(installation.data / datadir.VERSION_FILE, json.dumps(version) + "\n")
    journal["state"] = "back"
    _write_journal(installation, journal)


def _read_journal(installation: Installation) -> Journal:
    return read_json(installation.data / JOURNAL)


def _write_journal(installation: Installation, journal: Journal) -> None:
    """Write the journal atomically."""
    ensure_content(installation.data / JOURNAL, json.dumps(journal, indent=1) + "\n")


# --- data folder and service, run as root


def _is_service(installation: Installation) -> bool:
    """Return whether the systemd service runs on this data."""
    served = service.find_installed()
    return bool(served and served.data == installation.data)


def _stop_running(installation: Installation) -> None:
    if _is_service(installation):
        service.stop()
    privileges.run_as_service_user(lambda: commands.stop(installation))


def _move_data(source: Path, target: Path) -> None:
    try:
        source.rename(target)
    except OSError as error:
        raise LauncherError(
            f"{source} cannot be moved to {target} ({error.strerror}): move it yourself to a "
            "folder of its own, and name that with --data."
        ) from error
    say(f"The data moved from {source} to {target}.")


def _start_old(installation: Installation, old: Installation, reason: str) -> int:
    """After a rollback: move the data back to the old code and start its service."""
    if installation.data == installation.code / "var":
        old = replace(old, data=old.code / "var")
        _move_data(installation.data, old.data)
    if _is_service(old):
        service.start(old)
    version = upgrade_paths.version_of(old.code)
    say(f"This desk is Skerry {version} again, with its data as it was before.")
    if not _is_service(old):
        say(f"Start it: {old.command()}")
    if reason == ON_REQUEST:
        return 0
    raise LauncherError(f"The upgrade failed, and nothing of it is left: {reason}")


def _start_new(installation: Installation, old: Installation) -> int:
    """After a successful upgrade: restart the service with the new code, or print how to start."""
    as_user = privileges.run_as_service_user
    is_served = _is_service(installation)
    if is_served:
        service.start(installation)
        wait_for = partial(
            commands.status, installation, wait_seconds=START_TIMEOUT_SECONDS, as_json=False
        )
        if as_user(wait_for) not in desk_report.SERVING_CODES:
            reason = "its service did not get healthy"
            return _run_steps(installation, old, rollback_reason=reason)
    backup_folder = installation.data / as_user(lambda: _read_journal(installation))["backup"]
    say(
        f"This desk is Skerry {installation.version} now. The backup of the one before: "
        f"{backup_folder}"
    )
    say(f"To go back: {installation.command('upgrade', '--from', str(old.code), '--back')}")
    if not is_served:
        say(f"Start it: {installation.command()}")
    return 0
