"""Tests that need root: dropping it, and code that root refuses to execute.

``launcher.py test`` drops root before pytest starts, so these are skipped there; .ci/run runs this
file as root. They need no database and no Django.
"""

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance import VERSION
from appliance.launcher import acl, privileges
from appliance.launcher.layout import Installation
from appliance.launcher.terminal import LauncherError
from tests.launcher.conftest import CODE, Desk, desk_processes
from tests.launcher.test_upgrade import NEWER, copy_code

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root; .ci/run runs it as root")


@pytest.fixture
def closed() -> Iterator[Path]:
    """Yield a private directory of root."""
    with tempfile.TemporaryDirectory(prefix="closed-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture
def installation(closed: Path) -> Installation:
    """Return a copy of the launcher with an environment that has only a Python."""
    code = closed / "code"
    shutil.copytree(CODE / "appliance" / "launcher", code / "appliance" / "launcher")
    shutil.copy(CODE / "launcher.py", code)
    (code / ".venv" / "bin").mkdir(parents=True)
    (code / ".venv" / "bin" / "python").symlink_to(os.path.realpath("/proc/self/exe"))
    subprocess.run(["chmod", "-R", "go+rX,go-w", code], check=True)
    return Installation(code=code, data=closed / "data")


def in_a_child(action) -> str:
    """Return the exception of the action or "", run in a child that may drop root."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            action()
            message = ""
        except BaseException as error:
            message = f"{type(error).__name__}: {error}"
        os.write(writer, message.encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as stream:
        message = stream.read()
    os.waitpid(child, 0)
    return message


def test_root_cannot_be_regained(installation: Installation) -> None:
    def drop_and_regain() -> None:
        privileges.ensure_service_user(installation)
        privileges.drop_root(installation)
        assert 0 not in (*os.getresuid(), *os.getresgid(), *os.getgroups())
        os.setuid(0)

    assert in_a_child(drop_and_regain).startswith("PermissionError")


def test_service_user_gets_traverse_permission_on_a_closed_directory(
    installation: Installation, closed: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def list_directory() -> None:
        privileges.ensure_service_user(installation)
        privileges.drop_root(installation)
        assert (installation.code / "launcher.py").read_text()
        os.listdir(closed)

    assert in_a_child(list_directory).startswith("PermissionError")  # traverse only, not read
    assert f"skerry {closed})" in capfd.readouterr().out
    assert installation.data.stat().st_uid == pwd.getpwnam("skerry").pw_uid
    assert closed.stat().st_uid == 0


def test_refused_start_closes_what_it_opened(
    installation: Installation, closed: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def refuse() -> None:
        os.stat(installation.code)  # passes through the closed directory
        raise LauncherError("The port is taken.")

    def start() -> None:
        with privileges.closed_again_if_refused():
            privileges.ensure_service_user(installation)
            privileges.drop_root(installation, check=refuse)

    before = acl.read(closed)
    assert in_a_child(start) == "LauncherError: The port is taken."
    assert acl.read(closed) == before
    assert f"{closed} is closed" in capfd.readouterr().out


@pytest.mark.parametrize(
    "command", [["status"], ["stop"], ["manage", "check"], ["doctor"], ["upgrade", "--from", "/"]]
)
def test_root_never_calls_a_desk_of_another_user_stopped(closed: Path, command: list[str]) -> None:
    """The desk's home is closed (0700), so the service user cannot even see it."""
    nobody = pwd.getpwnam("nobody")
    home = closed / "home"
    home.mkdir(mode=0o700)
    (home / "data").mkdir(mode=0o700)
    for folder in (home, home / "data"):
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    before = acl.read(home)
    if command[0] == "upgrade":
        command = ["upgrade", "--from", str(copy_code(closed / "old", VERSION))]
    result = Desk(home / "data").call(*command)
    output = result.stdout + result.stderr
    assert result.returncode == 1, output
    assert "No desk runs" not in output
    assert "belongs to nobody" in output or "cannot look into" in output, output
    assert acl.read(home) == before


@pytest.mark.parametrize("name", ["launcher.py", "appliance/launcher/files.py", ".venv/bin", "."])
def test_root_refuses_code_the_service_user_can_change(
    installation: Installation, name: str
) -> None:
    privileges.ensure_service_user(installation)
    os.chown(installation.code / name, pwd.getpwnam("skerry").pw_uid, -1)
    with pytest.raises(LauncherError, match="root will not run it"):
        privileges.ensure_service_user(installation)


def test_error_names_code_the_service_user_cannot_read(installation: Installation) -> None:
    (installation.code / "appliance" / "launcher" / "files.py").chmod(0o600)
    with pytest.raises(LauncherError, match=r"cannot read .*files.py: chmod -R go\+rX"):
        privileges.ensure_service_user(installation)


def test_existing_data_directory_keeps_its_owner(installation: Installation, closed: Path) -> None:
    privileges.ensure_service_user(installation)
    (closed / "elsewhere").mkdir()
    installation.data.symlink_to(closed / "elsewhere")
    assert in_a_child(lambda: privileges.drop_root(installation)) == ""
    assert (closed / "elsewhere").stat().st_uid == 0


def test_all_processes_run_without_root(closed: Path) -> None:
    desk = Desk(closed / "data")
    try:
        desk.start()
        service = pwd.getpwnam("skerry").pw_uid
        for pid in desk_processes(desk):
            status = Path(f"/proc/{pid}/status").read_text()
            uids = status.partition("Uid:")[2].splitlines()[0].split()
            assert uids == [str(service)] * 4, status
        assert desk.status("--wait", "20")["healthy"]
        assert desk.call("stop").returncode == 0
        assert desk.end() == 0
    finally:
        desk.close()
    for path in CODE.rglob("*"):
        if ".venv" not in path.parts and "var" not in path.parts:
            assert path.lstat().st_uid != service, path


def test_upgrade_as_root_does_not_change_the_owner_of_data(closed: Path) -> None:
    """Root only moves ``var``, which belongs to the service user."""
    old, new = copy_code(closed / "old", VERSION), copy_code(closed / "new", NEWER, "")
    desk = Desk(old / "var")
    desk.launcher = old / "launcher.py"
    try:
        desk.start()
        command = [sys.executable, new / "launcher.py", "upgrade", "--from", old]
        result = subprocess.run(command, env=desk.environment, capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
        assert "Stopped." in result.stdout and desk.end() == 0
    finally:
        desk.close()
    service = pwd.getpwnam("skerry").pw_uid
    assert not (old / "var").exists()
    for path in (new / "var").rglob("*"):
        assert path.lstat().st_uid == service, path
    assert (new / "var").parent.stat().st_uid == 0

    desk.data, desk.launcher = new / "var", new / "launcher.py"
    try:
        desk.start()
        assert desk.status("--wait", "20")["version"] == NEWER
    finally:
        desk.close()
