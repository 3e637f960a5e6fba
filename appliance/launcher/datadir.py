"""The data directory: owner, lock, free disk space, version."""

import contextlib
import fcntl
import json
import os
import pwd
import shlex
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from appliance import disks
from appliance.launcher.files import ensure_content, ensure_private_dir, read_json, read_text
from appliance.launcher.layout import Installation
from appliance.launcher.terminal import LauncherError

LOCK_FILE = "launcher.lock"
VERSION_FILE = "version.json"
CLOCK_TOLERANCE_SECONDS = 300
FIRST_START_MB, RESTART_MB = 500, 200


@contextlib.contextmanager
def locked(installation: Installation) -> Iterator[None]:
    """Create the directory if needed, check it, and hold its lock inside the block."""
    ensure_directory(installation)
    descriptor = _open_lock(installation)
    try:
        if not _lock(descriptor):
            raise LauncherError(
                f"A desk already runs on {installation.data}: stop it "
                f"({installation.command('stop')}), "
                "or give this one its own directory with --data."
            )
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        ensure_disk_space(installation)
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


def _open_lock(installation: Installation) -> int:
    try:
        return os.open(installation.data / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if not disks.is_disk_error(error):
            raise
        raise LauncherError(
            f"The disk that holds {installation.data} cannot be written ({error.strerror}): free "
            "some space or mount it for writing, or choose another disk with --data."
        ) from error


def _lock(descriptor: int) -> bool:
    """Take the lock; try again, because ``lock_holder`` takes it for a moment."""
    for _ in range(5):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            time.sleep(0.05)
    return False


def exists(installation: Installation) -> bool:
    """Return whether the directory exists; refuse one this user cannot look into.

    A directory that cannot be seen may hold a running desk.
    """
    try:
        os.stat(installation.data)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise unseen(installation, error) from error
    return True


def unseen(installation: Installation, error: OSError) -> LauncherError:
    """Return the error for a data directory that this user cannot look into."""
    user = _name(os.geteuid())
    if isinstance(error, PermissionError):
        remedy = f"run this as the user who started it, or let {user} pass through its folders"
    else:
        remedy = "check whether its disk is mounted and answers"
    return LauncherError(
        f"The user {user} cannot look into {installation.data} ({error.strerror}), so it is not "
        f"known whether a desk runs there: {remedy}."
    )


def ensure_directory(installation: Installation) -> None:
    """Create the directory, and refuse one that is not a directory of this user."""
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
    ensure_owned(installation)


def ensure_owned(installation: Installation) -> None:
    """Refuse another user's directory: with two users, some files would be unreadable."""
    try:
        owner = installation.data.stat().st_uid
    except OSError as error:
        raise unseen(installation, error) from error
    if owner != os.geteuid():
        user = _name(os.geteuid())
        raise LauncherError(
            f"The data directory {installation.data} belongs to {_name(owner)}, and the desk would "
            f"run as {user}: start it as {_name(owner) if owner else 'its owner'}, hand over an "
            f"empty one ({shlex.join(['chown', user, str(installation.data)])}), or choose --data."
        )
    is_read_only = disks.check(installation.data, 0).state == disks.READ_ONLY
    needed = os.R_OK | os.X_OK | (0 if is_read_only else os.W_OK)  # reading the state is possible
    if not os.access(installation.data, needed):
        raise LauncherError(
            f"The data directory {installation.data} is closed: "
            f"{shlex.join(['chmod', 'u+rwx', str(installation.data)])}"
        )


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def ensure_disk_space(installation: Installation) -> None:
    """Refuse to start when the disk is nearly full."""
    needed = RESTART_MB if (installation.data / VERSION_FILE).exists() else FIRST_START_MB
    free = free_mb(installation.data)
    if free < needed:
        raise LauncherError(
            f"The disk that holds {installation.data} has {free} MB free and the desk needs "
            f"{needed} MB: free some space, or choose another disk with --data."
        )


def free_mb(path: Path) -> int:
    """Return the space an ordinary user has on the disk of the path, which need not exist."""
    while not os.path.exists(path):  # also false where this user may not look
        path = path.parent
    return shutil.disk_usage(path).free // 2**20


def clock_warning(installation: Installation) -> str | None:
    """Return a warning when the database was written at a time this machine has not reached."""
    try:
        written_at = (installation.cluster / "global" / "pg_control").stat().st_mtime
    except OSError:
        return None
    if written_at < time.time() + CLOCK_TOLERANCE_SECONDS:
        return None
    written, now = (time.strftime("%Y-%m-%d %H:%M", time.gmtime(at)) for at in (written_at, None))
    return (
        f"the clock of this machine says {now} UTC, and the data was written at {written} UTC: set "
        "the clock (timedatectl), because due times, sessions and model updates depend on it."
    )


def ensure_version(installation: Installation) -> None:
    """Refuse data of a newer version: this one does not know its tables."""
    written_by = str(read_json(installation.data / VERSION_FILE).get("skerry", "0"))
    if version_numbers(written_by) > version_numbers(installation.version):
        raise LauncherError(
            f"{installation.data} was written by Skerry {written_by} and this is "
            f"{installation.version}: start it with Skerry {written_by} or newer, or choose "
            "another --data."
        )


def record_version(installation: Installation) -> None:
    """Record the version of this data, after the migrations."""
    content = {"skerry": installation.version}
    ensure_content(installation.data / VERSION_FILE, json.dumps(content) + "\n")


def version_numbers(version: str) -> tuple[int, ...]:
    """Return the numbers of a version, for comparison."""
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def ensure_sockets(installation: Installation) -> None:
    """Create the private directory of the sockets, which may be in /tmp."""
    with contextlib.suppress(FileExistsError):
        installation.sockets.mkdir(mode=0o700)
    info = installation.sockets.lstat()
    if info.st_uid != os.geteuid() or info.st_mode & 0o177777 != 0o040700:
        raise LauncherError(
            f"{installation.sockets} should be a private directory of this desk and is not: "
            "remove it, or choose a shorter path with --data."
        )


def lock_holder(installation: Installation) -> int | None:
    """Return the process id of the launcher that has the lock; None when none runs.

    Raises LauncherError when this user cannot find out.
    """
    try:
        descriptor = os.open(installation.data / LOCK_FILE, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise unseen(installation, error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return int((read_text(installation.data / LOCK_FILE) or "0").strip() or 0)
    finally:
        os.close(descriptor)
    return None
