"""Free space on the disks that hold the database, the attachments and the logs.

Standard library only, because the launcher watches them too. A check costs a few microseconds.
"""

import errno
import os
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MB = 2**20
DEFAULT_MIN_FREE_MB = 100
LOW_FACTOR = 5  # below five times the minimum an admin is warned
MIN_FREE_FILES = 100
DATABASE, ATTACHMENTS, LOGS = "database", "attachments", "logs"
# The folders below the data directory, of which each may be a disk of its own.
FOLDERS = (
    (DATABASE, "postgres"),
    (DATABASE, "postgres/pg_wal"),
    (ATTACHMENTS, "files"),
    (LOGS, "logs"),
)
OK, LOW, FULL, READ_ONLY, UNUSABLE = "ok", "low", "full", "read-only", "unusable"
DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)


@dataclass(frozen=True)
class Disk:
    """One disk: what it is used for, and whether it can be written."""

    uses: tuple[str, ...]
    folder: Path
    state: str
    free_mb: int = 0
    total_mb: int = 0
    min_free_mb: int = DEFAULT_MIN_FREE_MB

    @property
    def is_writable(self) -> bool:
        return self.state in (OK, LOW)


def list_disks(data: Path, min_free_mb: int) -> list[Disk]:
    """Return each disk of a data directory once, with everything it is used for."""
    folders_by_device: dict[object, list[tuple[str, Path]]] = {}
    for use, folder in _folders(data):
        folders_by_device.setdefault(_device(folder), []).append((use, folder))
    return [
        check(folders[0][1], min_free_mb, tuple(dict.fromkeys(use for use, _ in folders)))
        for folders in folders_by_device.values()
    ]


def find_unwritable(data: Path, min_free_mb: int, use: str) -> Disk | None:
    """Return a disk with this use that cannot be written; None when all is well."""
    disks = list_disks(data, min_free_mb)
    return next((disk for disk in disks if use in disk.uses and not disk.is_writable), None)


def check(folder: Path, min_free_mb: int, uses: tuple[str, ...] = (DATABASE,)) -> Disk:
    """Return the disk that holds a folder. A small disk without the database may be fuller."""
    try:
        filesystem = os.statvfs(folder)
    except OSError:
        return Disk(uses, folder, UNUSABLE, min_free_mb=min_free_mb)
    free_mb = filesystem.f_bavail * filesystem.f_frsize // MB
    total_mb = filesystem.f_blocks * filesystem.f_frsize // MB
    if DATABASE not in uses:
        min_free_mb = min(min_free_mb, max(1, total_mb // 10))
    # Some filesystems do not count their files; both numbers are 0 then.
    lacks_files = filesystem.f_files > 0 and filesystem.f_favail < MIN_FREE_FILES
    if filesystem.f_flag & os.ST_RDONLY:
        state = READ_ONLY
    elif free_mb < min_free_mb or lacks_files:
        state = FULL
    else:
        state = LOW if free_mb < LOW_FACTOR * min_free_mb else OK
    return Disk(uses, folder, state, free_mb, total_mb, min_free_mb)


def is_disk_error(error: BaseException) -> bool:
    """Return whether a write failed because of the disk: full, over quota, read-only, broken."""
    return isinstance(error, OSError) and error.errno in DISK_ERRORS


def describe(disk: Disk) -> str:
    """Return one sentence: what is wrong with the disk, and the remedy."""
    name = f"The disk of the {list_uses(disk)} ({disk.folder})"
    if disk.state == READ_ONLY:
        return f"{name} is read-only: mount it for writing, after a check of the disk."
    if disk.state == UNUSABLE:
        return f"{name} cannot be read: check the disk and whether it is mounted."
    word = "full" if disk.state == FULL else "nearly full"
    return (
        f"{name} is {word}: {disk.free_mb} MB are free and {disk.min_free_mb} MB are needed to "
        f"save anything. Free some space: {what_to_free(disk)}."
    )


def list_uses(disk: Disk) -> str:
    """Return "database, attachments and logs"."""
    return " and ".join(", ".join(disk.uses).rsplit(", ", 1))


def what_to_free(disk: Disk) -> str:
    """Return what an admin may delete; Skerry itself deletes nothing to make room."""
    data = disk.folder.parent
    if disk.uses == (LOGS,):
        return f"old logs ({shlex.quote(str(data / 'logs'))}/*.log.[1-5])"
    if disk.uses == (ATTACHMENTS,):
        return "files of other programs on this disk, or move the attachments to a larger one"
    return f"old backups in {shlex.quote(str(data / 'backups'))}, or files of other programs"


def _folders(data: Path) -> Iterator[tuple[str, Path]]:
    for use, name in FOLDERS:
        folder = data / name
        if os.path.isdir(folder):
            yield use, folder
        elif os.path.isdir(data) and use != DATABASE:  # not made yet
            yield use, data


def _device(folder: Path) -> object:
    try:
        return os.stat(folder).st_dev
    except OSError:
        return folder
