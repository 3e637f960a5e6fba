"""Giving up root. Started as root, the launcher installs as root and runs nothing else as root.

The rules: nothing the service user can write is executed or imported by root, root reads and
writes nothing inside the data directory, and once root is given up it cannot come back.
As an ordinary user none of this happens.
"""

import ctypes
import json
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from appliance.launcher.acl import grant_traverse
from appliance.launcher.errors import LauncherError
from appliance.launcher.layout import Installation
from appliance.launcher.terminal import say

SERVICE_USER = "skerry"
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38


def is_root() -> bool:
    return os.geteuid() == 0


def ensure_service_user(installation: Installation) -> None:
    """As root: the user exists, reaches the code, and can change nothing root will execute."""
    if not is_root():
        return
    account = _ensure_account()
    _ensure_reachable([installation.code, Path(os.__file__)], account)
    _ensure_readable(installation, account)
    executed = list(_executed_by_root(installation))
    changeable = _ask_as(account, lambda: _first_changeable(installation, executed))
    if changeable:
        raise LauncherError(
            f"{changeable} can be changed by the user '{SERVICE_USER}', so root will not run it: "
            f"chown -R root {installation.code} && chmod -R go-w {installation.code}"
        )


def give_up_root(installation: Installation) -> None:
    """As root: make the data directory, let the service user reach it all, become that user."""
    if is_root():
        hand_over(installation)
        _become(_known_account())


def hand_over(installation: Installation) -> None:
    """As root: the data directory exists, and the service user reaches all it needs."""
    if not is_root():
        return
    account = _known_account()
    _ensure_data_directory(installation, account)
    _ensure_reachable([installation.data, *_links_of(installation.python)], account)
    _ensure_readable(installation, account)


def ask_as_service_user(question: Callable[[], Any]) -> Any:
    """The answer as the desk's user would get it; as an ordinary user, simply the answer.

    As root a child asks, and what it refuses (LauncherError) is raised here. The answer must fit
    JSON.
    """
    if not is_root():
        return question()
    account = _account()
    return _ask_as(account, question) if account else None


def give_up_root_if_possible() -> bool:
    """For the doctor: whether this now runs as the user whose data it would look at."""
    if not is_root():
        return True
    account = _account()
    if account:
        _become(account)
    return account is not None


def give_up_root_to_look(installation: Installation) -> None:
    """For commands that start nothing: become the service user, or leave if there is none."""
    if not is_root():
        return
    account = _account()
    if account is None:
        raise LauncherError(
            f"No desk has been started as root on this machine (there is no user "
            f"'{SERVICE_USER}'): run this as the user who owns {installation.data}."
        )
    _become(account)


def _account() -> pwd.struct_passwd | None:
    try:
        account = pwd.getpwnam(SERVICE_USER)
    except KeyError:
        return None
    if account.pw_uid == 0:
        raise LauncherError(f"The user '{SERVICE_USER}' has uid 0: give it another uid.")
    return account


def _ensure_account() -> pwd.struct_passwd:
    account = _account()
    if account:
        return account
    command = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    remedy = f"make a system user '{SERVICE_USER}' without a shell, or start as an ordinary user."
    if command is None:
        raise LauncherError(f"This machine has no useradd: {remedy}")
    say(f"Making the system user '{SERVICE_USER}' ...")
    options = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    result = subprocess.run(  # noqa: S603
        [command, *options, "--shell", "/usr/sbin/nologin", SERVICE_USER],
        capture_output=True,
        text=True,
        check=False,
    )
    account = _account()
    if result.returncode or account is None:
        raise LauncherError(f"useradd failed ({result.stderr.strip()}): {remedy}")
    return account


def _known_account() -> pwd.struct_passwd:
    account = _account()
    if account is None:
        raise LauncherError(
            f"There is no user '{SERVICE_USER}' yet: Skerry was never started as root."
        )
    return account


# --- what root may execute


def _first_changeable(installation: Installation, executed: list[Path]) -> str | None:
    """Run as the service user: the first path of the code it could change, if any."""
    for parent in installation.code.parents:
        if _can_change(parent) and not parent.stat().st_mode & stat.S_ISVTX:
            return str(parent)
    return next((str(path) for path in executed if _can_change(path)), None)


def _executed_by_root(installation: Installation) -> Iterator[Path]:
    yield installation.code
    yield from installation.code.glob("*.py")
    yield from installation.code.glob("*.lock")
    for folder in (installation.code / "appliance", installation.code / "wheels"):
        yield from (Path(where) / name for where, _, names in os.walk(folder) for name in names)
        yield from (Path(where) for where, _, _ in os.walk(folder))
    yield from (
        installation.venv,
        installation.venv / "pyvenv.cfg",
        installation.venv / "bin",
        *installation.venv.glob("bin/*"),
    )
    for packages in installation.venv.glob("lib/python*/site-packages"):
        yield packages
        yield from packages.iterdir()


def _can_change(path: Path) -> bool:
    try:
        return os.access(path, os.W_OK) or path.lstat().st_uid == os.geteuid()
    except OSError:
        return False  # not there, or beyond reach: then not writable either


# --- what the service user must reach


def _ensure_data_directory(installation: Installation, account: pwd.struct_passwd) -> None:
    """Make it and hand over the one directory made here; never a link, never what is inside."""
    if os.path.lexists(installation.data):
        return
    installation.data.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    installation.data.mkdir(mode=0o700)
    descriptor = os.open(installation.data, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if os.fstat(descriptor).st_uid != 0:
            raise LauncherError(
                f"{installation.data} was exchanged while it was made: choose a safer place."
            )
        os.fchown(descriptor, account.pw_uid, account.pw_gid)
    finally:
        os.close(descriptor)


def _ensure_reachable(targets: list[Path], account: pwd.struct_passwd) -> None:
    """Open closed ancestors for this one user, to pass through only, and say so."""
    opened: list[Path] = []
    while blocked := _ask_as(account, lambda: _first_closed(targets)):
        directory = Path(blocked)
        try:
            if directory in opened:
                raise OSError(0, "the access list has no effect")
            grant_traverse(directory, account.pw_uid)
        except OSError as error:
            raise LauncherError(
                f"The user '{SERVICE_USER}' cannot pass through {directory} and root cannot "
                f"grant it ({error.strerror}): chmod o+x {directory}, or move Skerry elsewhere."
            ) from error
        opened.append(directory)
        say(
            f"Let the user '{SERVICE_USER}' pass through {directory} (traverse only; "
            f"take it back with: setfacl -x u:{SERVICE_USER} {directory})"
        )


def _links_of(path: Path) -> list[Path]:
    """The path and every link on the way to the real file."""
    paths = [path]
    while paths[-1].is_symlink() and len(paths) < 40:
        paths.append(Path(os.path.normpath(paths[-1].parent / os.readlink(paths[-1]))))
    return paths


def _first_closed(targets: list[Path]) -> str | None:
    """Run as the service user: the first ancestor it cannot pass through, from the root down."""
    for target in targets:
        for parent in reversed(target.parents):
            if not os.access(parent, os.X_OK):
                return str(parent)
    return None


def _ensure_readable(installation: Installation, account: pwd.struct_passwd) -> None:
    paths = [str(path) for path in _needed_by_the_service(installation) if path.exists()]
    closed = _ask_as(account, lambda: next((p for p in paths if not os.access(p, os.R_OK)), None))
    if closed is None:
        return
    where = installation.code if Path(closed).is_relative_to(installation.code) else closed
    raise LauncherError(f"The user '{SERVICE_USER}' cannot read {closed}: chmod -R go+rX {where}")


def _needed_by_the_service(installation: Installation) -> Iterator[Path]:
    """The code, the models and the interpreter; not every package, which pip has just written."""
    yield from (
        installation.code,
        installation.code / "launcher.py",
        installation.venv,
        installation.venv / "pyvenv.cfg",
        installation.python,
    )
    yield from (Path(sys.executable).resolve(), Path(os.__file__))
    yield from installation.venv.glob("lib/python*/site-packages")
    for folder in (installation.code / "appliance", installation.code / "models"):
        for where, folders, names in os.walk(folder):
            yield from (Path(where) / name for name in (*folders, *names))


# --- becoming somebody else


def _ask_as(account: pwd.struct_passwd, question: Callable[[], Any]) -> Any:
    """The answer as this user sees it: a forked child gives up root, answers and is gone."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        answer = _answer(account, question)
        os.write(writer, json.dumps(answer).encode())
        os._exit(0)
    os.close(writer)
    try:
        with os.fdopen(reader, "rb") as stream:
            answer = json.loads(stream.read() or b'{"error": "it ended without a word"}')
    except BaseException:
        os.kill(child, signal.SIGTERM)  # it stops what it started, in order
        raise
    finally:
        os.waitpid(child, 0)
    if "refused" in answer:
        raise LauncherError(answer["refused"])
    if "error" in answer:
        raise LauncherError(f"Root could not ask as the user '{SERVICE_USER}': {answer['error']}")
    return answer["answer"]


def _answer(account: pwd.struct_passwd, question: Callable[[], Any]) -> dict[str, Any]:
    """Asked in a child that ends with its parent: the answer, or why there is none."""
    try:
        _become(account)
        _prctl(PR_SET_PDEATHSIG, signal.SIGTERM)  # becoming somebody else takes it away
        return {"answer": question()}
    except LauncherError as error:
        return {"refused": str(error)}
    except BaseException as error:  # told to the parent, which raises it
        return {"error": f"{type(error).__name__}: {error}"}


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(option, int(value), 0, 0, 0)


def _become(account: pwd.struct_passwd) -> None:
    """Give up root for good, and prove it."""
    uid, gid = account.pw_uid, account.pw_gid
    os.initgroups(account.pw_name, gid)
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    _prctl(PR_SET_NO_NEW_PRIVS, 1)
    if os.getresuid() != (uid, uid, uid) or os.getresgid() != (gid, gid, gid) or _can_return():
        raise LauncherError("Root could not be given up: start Skerry as an ordinary user.")
    os.umask(0o077)
    os.environ.update(HOME="/", USER=SERVICE_USER, LOGNAME=SERVICE_USER)


def _can_return() -> bool:
    try:
        os.setuid(0)
    except PermissionError:
        return False
    return True
