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

from appliance.launcher.errors import BoxError
from appliance.launcher.files import ensure_content, ensure_private_dir, read_json, read_text
from appliance.launcher.layout import Box

LOCK = "launcher.lock"
VERSION_FILE = "version.json"
FIRST_START_MB, LATER_MB = 500, 200


@contextlib.contextmanager
def held(box: Box) -> Iterator[None]:
    """Make the directory, lock it for as long as the desk runs, and check what is in it."""
    ensure_directory(box)
    descriptor = os.open(box.data / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if not _lock(descriptor):
            raise BoxError(
                f"A desk already runs on {box.data}: stop it (python3 launcher.py stop), "
                "or give this one its own directory with --data."
            )
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        ensure_room(box)
        ensure_version(box)
        for folder in (box.run, box.logs, box.secrets):
            ensure_private_dir(folder)
        ensure_sockets(box)
        try:
            yield
        finally:
            if box.sockets != box.run:
                shutil.rmtree(box.sockets, ignore_errors=True)
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


def exists(box: Box) -> bool:
    """Whether there is data this user could look at."""
    return os.path.exists(box.data)  # Path.exists would raise behind a closed directory


def ensure_directory(box: Box) -> None:
    """It exists, it is a directory, and it belongs to the user this runs as."""
    try:
        box.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except FileExistsError:
        raise BoxError(f"{box.data} is not a directory: choose another with --data.") from None
    except OSError as error:
        raise BoxError(
            f"The data directory {box.data} cannot be made ({error.strerror}): "
            "choose another with --data."
        ) from error
    ensure_ours(box)


def ensure_ours(box: Box) -> None:
    """Refuse a directory of somebody else: two users on one desk end in unreadable files."""
    owner = box.data.stat().st_uid
    if owner != os.geteuid():
        raise BoxError(
            f"The data directory {box.data} belongs to {_name(owner)}, and the desk would run as "
            f"{_name(os.geteuid())}: start it as {_name(owner) if owner else 'its owner'}, hand "
            f"over an empty one (chown {_name(os.geteuid())} {box.data}), or choose --data."
        )
    if not os.access(box.data, os.R_OK | os.W_OK | os.X_OK):
        raise BoxError(f"The data directory {box.data} is closed: chmod u+rwx {box.data}")


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def ensure_room(box: Box) -> None:
    """Stop before the disk is full rather than half-way through."""
    needed = LATER_MB if (box.data / VERSION_FILE).exists() else FIRST_START_MB
    free = free_mb(box.data)
    if free < needed:
        raise BoxError(
            f"The disk that holds {box.data} has {free} MB free and the desk needs {needed} MB: "
            "free some space, or choose another disk with --data."
        )


def free_mb(path: Path) -> int:
    """Free megabytes for an ordinary user, on the disk that holds (or would hold) the path."""
    while not os.path.exists(path):  # also false where this user may not look
        path = path.parent
    return shutil.disk_usage(path).free // 2**20


def ensure_version(box: Box) -> None:
    """Refuse data written by a newer Skerry: its tables are not the ones this one knows."""
    written_by = str(read_json(box.data / VERSION_FILE).get("skerry", "0"))
    if as_numbers(written_by) > as_numbers(box.version):
        raise BoxError(
            f"{box.data} was written by Skerry {written_by} and this is {box.version}: "
            f"start it with Skerry {written_by} or newer, or choose another --data."
        )


def stamp_version(box: Box) -> None:
    """Record who wrote this data, once the database is migrated."""
    content = {"skerry": box.version}
    ensure_content(box.data / VERSION_FILE, json.dumps(content) + "\n")


def as_numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def ensure_sockets(box: Box) -> None:
    """The directory of the sockets is ours alone, also when it had to be made under /tmp."""
    with contextlib.suppress(FileExistsError):
        box.sockets.mkdir(mode=0o700)
    found = box.sockets.lstat()
    if found.st_uid != os.geteuid() or found.st_mode & 0o177777 != 0o040700:
        raise BoxError(
            f"{box.sockets} should be a private directory of this desk and is not: remove it, "
            "or choose a shorter path with --data."
        )


def holder(box: Box) -> int | None:
    """The process id of the launcher that holds the directory, None when there is none."""
    try:
        descriptor = os.open(box.data / LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, PermissionError):
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return int((read_text(box.data / LOCK) or "0").strip() or 0)
    finally:
        os.close(descriptor)
    return None
