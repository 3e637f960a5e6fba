"""What the launcher does while a disk is full: it keeps the database alive and the worker quiet.

PostgreSQL stops when it cannot extend its log. A reserve of RESERVE_MB on its disk is deleted
before that happens, and made again when there is space.
"""

import contextlib
import http.client
import os
import time
import xmlrpc.client

from appliance import disks
from appliance.launcher.layout import Installation
from appliance.launcher.supervisor_client import Supervisor
from appliance.launcher.terminal import say, warn

RESERVE_FILE = "skerry.reserve"  # in the database cluster, not part of a backup
RESERVE_MB = 64
RELEASE_BELOW_MB = 30
WAIT_SECONDS = 2


class DiskWatch:
    """Compares the disks with the last check, and acts on what has changed."""

    def __init__(self, installation: Installation, supervisor: Supervisor) -> None:
        self._installation, self._supervisor = installation, supervisor
        self._reported: dict[tuple[str, ...], str] = {}
        self._has_paused_worker = False

    def check(self) -> None:
        """Check all disks once. Called every second, also while the database is down."""
        states = list_disks(self._installation)
        with contextlib.suppress(OSError):
            adjust_reserve(self._installation)
        with contextlib.suppress(OSError, http.client.HTTPException, xmlrpc.client.Error):
            self._pause_or_resume_worker(states)
        self._report(states)

    def _pause_or_resume_worker(self, states: list[disks.Disk]) -> None:
        """Stop the worker, which writes all the time, while the database disk is full."""
        is_full = any(disks.DATABASE in disk.uses and not disk.is_writable for disk in states)
        if not self._installation.runs_worker or is_full == self._has_paused_worker:
            return
        if is_full:
            self._supervisor.stop("worker")
        else:
            self._supervisor.start("worker")
        self._has_paused_worker = is_full

    def _report(self, states: list[disks.Disk]) -> None:
        for disk in states:
            previous = self._reported.get(disk.uses, disks.OK)
            if disk.state != previous and not disk.is_writable:
                warn(disks.describe(disk))
            elif disk.is_writable and previous not in (disks.OK, disks.LOW):
                say(f"The disk of the {disks.list_uses(disk)} can be written again.")
            self._reported[disk.uses] = disk.state


def list_disks(installation: Installation) -> list[disks.Disk]:
    """Return the disks of this installation."""
    return disks.list_disks(installation.data, installation.min_free_mb)


def wait_until_writable(installation: Installation) -> bool:
    """Wait while the disk of the data cannot be written. Return False at once if it can."""
    if _can_write_data(installation):
        return False
    while not _can_write_data(installation):
        with contextlib.suppress(OSError):
            adjust_reserve(installation)
        time.sleep(WAIT_SECONDS)
    return True


def _can_write_data(installation: Installation) -> bool:
    data = disks.check(installation.data, installation.min_free_mb)
    database = [disk for disk in list_disks(installation) if disks.DATABASE in disk.uses]
    return all(disk.is_writable for disk in [data, *database])


def adjust_reserve(installation: Installation) -> None:
    """Delete the reserve when the disk is full, and make it again when there is space for it."""
    if not installation.has_own_database or not (installation.cluster / "PG_VERSION").exists():
        return
    reserve = installation.cluster / RESERVE_FILE
    disk = disks.check(installation.cluster, installation.min_free_mb)
    if reserve.exists():
        can_be_deleted = disk.state not in (disks.READ_ONLY, disks.UNUSABLE)
        if can_be_deleted and disk.free_mb < RELEASE_BELOW_MB:
            reserve.unlink()
    elif disk.is_writable and disk.free_mb > installation.min_free_mb + 2 * RESERVE_MB:
        _allocate(str(reserve))


def _allocate(path: str) -> None:
    """Make the file with real blocks, completely or not at all."""
    temporary = f"{path}.making"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.posix_fallocate(descriptor, 0, RESERVE_MB * disks.MB)
    except OSError:
        os.unlink(temporary)
        raise
    finally:
        os.close(descriptor)
    os.rename(temporary, path)
