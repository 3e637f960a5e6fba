"""The data directory: it is ours, there is room, nobody else runs a desk on it."""

import contextlib
import fcntl
import json
import os
import pwd
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from appliance.launcher.errors import LauncherError
from appliance.launcher.files import ensure_content, ensure_private_dir, read_json, read_text
from appliance.launcher.layout import Installation

LOCK = "launcher.lock"
VERSION_FILE = "version.json"
FIRST_START_MB, LATER_MB = 500, 200


@contextlib.contextmanager
def held(installation: Installation) -> Iterator[None]:
    """Make the directory, lock it for as long as the desk runs, and check what is in it."""
    ensure_directory(installation)
    descriptor = os.open(installation.data / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if not _lock(descriptor):
            raise LauncherError(
                f"A desk already runs on {installation.data}: stop it (python3 launcher.py stop), "
                "or give this one its own directory with --data."
            )
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        ensure_room(installation)
        ensure_version(installation)
        for folder in (installation.run, installation.logs, installation.secrets):
            ensure_private_dir(folder)
        ensure_sockets(installation)
        try:
            yield
        finally:
            if installation.sockets != installation.run:
                shutil.rmtree(installation.sockets, ignore_errors=True)
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Take the lock. ``holder`` may have it for an instant, so one refusal is not the answer."""
    for _ in range(5):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            time.sleep(0.05)
    return False


def exists(installation: Installation) -> bool:
    """Whether there is data this user could look at."""
    return os.path.exists(installation.data)  # Path.exists would raise behind a closed directory


def ensure_directory(installation: Installation) -> None:
    """It exists, it is a directory, and it belongs to the user this runs as."""
    try:
        installation.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except FileExistsError:
        raise LauncherError(
            f"{installation.data} is not a directory: choose another with --data."
        ) from None
    except OSError as error:
        raise LauncherError(
            f"The data directory {installation.data} cannot be made ({error.strerror}): "
            "choose another with --data."
        ) from error
    ensure_ours(installation)


def ensure_ours(installation: Installation) -> None:
    """Refuse a directory of somebody else: two users on one desk end in unreadable files."""
    owner = installation.data.stat().st_uid
    if owner != os.geteuid():
        raise LauncherError(
            f"The data directory {installation.data} belongs to {_name(owner)}, and the desk "
            "would run as "
            f"{_name(os.geteuid())}: start it as {_name(owner) if owner else 'its owner'}, hand "
            f"over an empty one (chown {_name(os.geteuid())} {installation.data}), or choose "
            "--data."
        )
    if not os.access(installation.data, os.R_OK | os.W_OK | os.X_OK):
        raise LauncherError(
            f"The data directory {installation.data} is closed: chmod u+rwx {installation.data}"
        )


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def ensure_room(installation: Installation) -> None:
    """Stop before the disk is full rather than half-way through."""
    needed = LATER_MB if (installation.data / VERSION_FILE).exists() else FIRST_START_MB
    free = free_mb(installation.data)
    if free < needed:
        raise LauncherError(
            f"The disk that holds {installation.data} has {free} MB free and the desk needs "
            f"{needed} MB: "
            "free some space, or choose another disk with --data."
        )


def free_mb(path: Path) -> int:
    """Free megabytes for an ordinary user, on the disk that holds (or would hold) the path."""
    while not os.path.exists(path):  # also false where this user may not look
        path = path.parent
    return shutil.disk_usage(path).free // 2**20


def ensure_version(installation: Installation) -> None:
    """Refuse data written by a newer Skerry: its tables are not the ones this one knows."""
    written_by = str(read_json(installation.data / VERSION_FILE).get("skerry", "0"))
    if as_numbers(written_by) > as_numbers(installation.version):
        raise LauncherError(
            f"{installation.data} was written by Skerry {written_by} and this is "
            f"{installation.version}: "
            f"start it with Skerry {written_by} or newer, or choose another --data."
        )


def stamp_version(installation: Installation) -> None:
    """Record who wrote this data, once the database is migrated."""
    content = {"skerry": installation.version}
    ensure_content(installation.data / VERSION_FILE, json.dumps(content) + "\n")


def as_numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def ensure_sockets(installation: Installation) -> None:
    """The directory of the sockets is ours alone, also when it had to be made under /tmp."""
    with contextlib.suppress(FileExistsError):
        installation.sockets.mkdir(mode=0o700)
    info = installation.sockets.lstat()
    if info.st_uid != os.geteuid() or info.st_mode & 0o177777 != 0o040700:
        raise LauncherError(
            f"{installation.sockets} should be a private directory of this desk and is not: "
            "remove it, "
            "or choose a shorter path with --data."
        )


def holder(installation: Installation) -> int | None:
    """The process id of the launcher that holds the directory, None when there is none."""
    try:
        descriptor = os.open(installation.data / LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, PermissionError):
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return int((read_text(installation.data / LOCK) or "0").strip() or 0)
    finally:
        os.close(descriptor)
    return None
