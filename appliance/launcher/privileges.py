"""Drop root privileges: started as root, the launcher does nothing but install as root.

Root executes and imports nothing that the service user can write, reads and writes nothing inside
the data directory, and cannot be regained once it is dropped. For an ordinary user these functions
do nothing.
"""

import contextlib
import ctypes
import json
import os
import pwd
import shlex
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from appliance.launcher import acl
from appliance.launcher.layout import Installation
from appliance.launcher.terminal import LauncherError, say

SERVICE_USER = "skerry"
_granted: list[tuple[Path, list[acl.Entry]]] = []  # directories, and their lists before
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38


def is_root() -> bool:
    return os.geteuid() == 0


def ensure_service_user(installation: Installation) -> None:
    """As root: create the service user, give it access to the code, refuse code it can change."""
    if not is_root():
        return
    account = _ensure_account()
    _ensure_reachable([installation.code, Path(os.__file__)], account)
    _ensure_readable(installation, account)
    executed_paths = list(_paths_root_executes(installation))
    writable = _run_as(account, lambda: _first_writable(installation, executed_paths))
    if writable:
        quoted_code = shlex.quote(str(installation.code))
        raise LauncherError(
            f"{writable} can be changed by the user '{SERVICE_USER}', so root will not run it: "
            f"chown -R root {quoted_code} && chmod -R go-w {quoted_code}"
        )


def drop_root(installation: Installation, *, check: Callable[[], None] = lambda: None) -> None:
    """As root: give the service user access to data and code, and become that user.

    ``check`` is called as that user before, while what was opened can still be closed again.
    """
    if is_root():
        ensure_access(installation)
        _run_as(_existing_account(), check)
        _become(_existing_account())


@contextlib.contextmanager
def closed_again_if_refused() -> Iterator[None]:
    """As root: take back the access granted inside the block when it fails."""
    try:
        yield
    except BaseException:
        while _granted and is_root():
            directory, entries = _granted.pop()
            acl.write(directory, entries)
            say(f"{directory} is closed for the user '{SERVICE_USER}' again.")
        raise


def ensure_access(installation: Installation) -> None:
    """As root: create the data directory and give the service user access to what it needs."""
    if not is_root():
        return
    account = _existing_account()
    _ensure_data_directory(installation, account)
    _ensure_reachable([installation.data, *_link_chain(installation.python)], account)
    _ensure_readable(installation, account)


def run_as_service_user(call: Callable[[], Any]) -> Any:
    """Call as the service user and return the result, which must be JSON serialisable.

    As root this is done in a child process; a LauncherError there is raised here. Returns None
    when there is no service user. An ordinary user calls directly.
    """
    if not is_root():
        return call()
    account = _account()
    return _run_as(account, call) if account else None


def drop_root_if_possible() -> bool:
    """As root: become the service user if it exists. Return whether this is no longer root."""
    if not is_root():
        return True
    account = _account()
    if account:
        _become(account)
    return account is not None


def become_service_user(installation: Installation) -> None:
    """As root: become the service user, or refuse if there is none. For commands that inspect."""
    if not is_root():
        return
    account = _account()
    if account is None:
        raise LauncherError(
            f"No desk has been started as root on this machine (there is no user "
            f"'{SERVICE_USER}'): run this as the user who owns {installation.data}."
        )
    _refuse_other_owner(installation, account)
    _become(account)


def _refuse_other_owner(installation: Installation, account: pwd.struct_passwd) -> None:
    """As root: refuse data of an ordinary user, into which the service user may not even look."""
    try:
        owner = pwd.getpwuid(installation.data.stat().st_uid)
    except (OSError, KeyError):  # the service user finds out why
        return
    if owner.pw_uid not in (0, account.pw_uid):
        command = ["sudo", "-u", owner.pw_name, "python3", str(installation.code / "launcher.py")]
        raise LauncherError(
            f"The data directory {installation.data} belongs to {owner.pw_name}: run this as that "
            f"user ({shlex.join([*command, *sys.argv[1:]])})."
        )


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


def _existing_account() -> pwd.struct_passwd:
    account = _account()
    if account is None:
        raise LauncherError(
            f"There is no user '{SERVICE_USER}' yet: Skerry was never started as root."
        )
    return account


# --- code that root executes


def _first_writable(installation: Installation, executed_paths: list[Path]) -> str | None:
    """Return the first path of the code that the current user can change. Run as service user."""
    for parent in installation.code.parents:
        if _is_writable_here(parent) and not parent.stat().st_mode & stat.S_ISVTX:
            return str(parent)
    return next((str(path) for path in executed_paths if _is_writable_here(path)), None)


def _paths_root_executes(installation: Installation) -> Iterator[Path]:
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


def _is_writable_here(path: Path) -> bool:
    try:
        return os.access(path, os.W_OK) or path.lstat().st_uid == os.geteuid()
    except OSError:
        return False  # missing or inaccessible, so not writable either


# --- access of the service user


def _ensure_data_directory(installation: Installation, account: pwd.struct_passwd) -> None:
    """Create the data directory and change its owner; an existing one is left unchanged."""
    if os.path.lexists(installation.data):
        return
    installation.data.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    installation.data.mkdir(mode=0o700)
    descriptor = os.open(installation.data, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if os.fstat(descriptor).st_uid != 0:
            raise LauncherError(
                f"{installation.data} was replaced while it was created: choose a safer place."
            )
        os.fchown(descriptor, account.pw_uid, account.pw_gid)
    finally:
        os.close(descriptor)


def _ensure_reachable(targets: list[Path], account: pwd.struct_passwd) -> None:
    """Grant this user traverse permission on closed parent folders, and report each."""
    opened: list[Path] = []
    while impassable := _run_as(account, lambda: _first_impassable(targets)):
        directory = Path(impassable)
        try:
            if directory in opened:
                raise OSError(0, "the access list has no effect")
            entries = acl.read(directory)
            acl.grant_traverse(directory, account.pw_uid)
            _granted.append((directory, entries))
        except OSError as error:
            raise LauncherError(
                f"The user '{SERVICE_USER}' cannot pass through {directory} and root cannot "
                f"grant it ({error.strerror}): {shlex.join(['chmod', 'o+x', str(directory)])}, "
                "or move Skerry elsewhere."
            ) from error
        opened.append(directory)
        say(
            f"Let the user '{SERVICE_USER}' pass through {directory} (traverse only; "
            f"take it back with: {_revocation(directory)})"
        )


def _revocation(directory: Path) -> str:
    """Return the command that takes the permission back; Debian does not install setfacl."""
    if shutil.which("setfacl"):
        return shlex.join(["setfacl", "-x", f"u:{SERVICE_USER}", str(directory)])
    return shlex.join(["python3", str(Path(acl.__file__)), SERVICE_USER, str(directory)])


def _link_chain(path: Path) -> list[Path]:
    """Return the path and every link on the way to the real file."""
    paths = [path]
    while paths[-1].is_symlink() and len(paths) < 40:
        paths.append(Path(os.path.normpath(paths[-1].parent / os.readlink(paths[-1]))))
    return paths


def _first_impassable(targets: list[Path]) -> str | None:
    """Return the first parent folder that cannot be traversed. Run as the service user."""
    for target in targets:
        for parent in reversed(target.parents):
            if not os.access(parent, os.X_OK):
                return str(parent)
    return None


def _ensure_readable(installation: Installation, account: pwd.struct_passwd) -> None:
    """Refuse code, models or an interpreter that the service user cannot read."""
    paths = [path for path in _read_by_service_user(installation) if path.exists()]
    unreadable = _run_as(account, lambda: _first_unreadable(paths))
    if unreadable is None:
        return
    is_code = Path(unreadable).is_relative_to(installation.code)
    folder = installation.code if is_code else unreadable
    raise LauncherError(
        f"The user '{SERVICE_USER}' cannot read {unreadable}: "
        f"chmod -R go+rX {shlex.quote(str(folder))}"
    )


def _first_unreadable(paths: list[Path]) -> str | None:
    return next((str(path) for path in paths if not os.access(path, os.R_OK)), None)


def _read_by_service_user(installation: Installation) -> Iterator[Path]:
    """Yield code, models and interpreter; the packages were written by pip just now."""
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


# --- becoming the service user


def _run_as(account: pwd.struct_passwd, call: Callable[[], Any]) -> Any:
    """Call in a forked child that has become this user, and return the result."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        outcome = _run_in_child(account, call)
        os.write(writer, json.dumps(outcome).encode())
        os._exit(0)
    os.close(writer)
    try:
        with os.fdopen(reader, "rb") as stream:
            outcome = json.loads(stream.read() or b'{"error": "the child ended without a result"}')
    except BaseException:
        os.kill(child, signal.SIGTERM)  # the child stops what it started, in order
        raise
    finally:
        os.waitpid(child, 0)
    if "launcher_error" in outcome:
        raise LauncherError(outcome["launcher_error"])
    if "error" in outcome:
        raise LauncherError(f"A call as the user '{SERVICE_USER}' failed: {outcome['error']}")
    return outcome["result"]


def _run_in_child(account: pwd.struct_passwd, call: Callable[[], Any]) -> dict[str, Any]:
    """Return the result or the error, in a child that is stopped when its parent dies."""
    try:
        _become(account)
        _prctl(PR_SET_PDEATHSIG, signal.SIGTERM)  # changing the user resets it, so do it after that
        return {"result": call()}
    except LauncherError as error:
        return {"launcher_error": str(error)}
    except BaseException as error:  # the parent raises it
        return {"error": f"{type(error).__name__}: {error}"}


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(option, int(value), 0, 0, 0)


def _become(account: pwd.struct_passwd) -> None:
    """Drop root permanently, and verify that it cannot be regained."""
    uid, gid = account.pw_uid, account.pw_gid
    os.initgroups(account.pw_name, gid)
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    _prctl(PR_SET_NO_NEW_PRIVS, 1)
    if os.getresuid() != (uid, uid, uid) or os.getresgid() != (gid, gid, gid) or _can_regain_root():
        raise LauncherError("Root could not be given up: start Skerry as an ordinary user.")
    os.umask(0o077)
    os.environ.update(HOME="/", USER=SERVICE_USER, LOGNAME=SERVICE_USER)


def _can_regain_root() -> bool:
    try:
        os.setuid(0)
    except PermissionError:
        return False
    return True
