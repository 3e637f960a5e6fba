"""What only root can show: that it is given up, and what it refuses to execute.

``launcher.py test`` gives up root before pytest starts, so these are skipped there; .ci/run runs
this file as root by itself. They need no database and no Django.
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
from appliance.launcher import privileges
from appliance.launcher.layout import Installation
from appliance.launcher.terminal import LauncherError
from tests.launcher.conftest import CODE, Desk, desk_processes
from tests.launcher.test_upgrade import NEWER, copied

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root; .ci/run runs it as root")


@pytest.fixture
def closed() -> Iterator[Path]:
    """A directory of root's own, as ``mktemp -d`` makes it."""
    with tempfile.TemporaryDirectory(prefix="closed-", ignore_cleanup_errors=True) as made:
        yield Path(made)


@pytest.fixture
def installation(closed: Path) -> Installation:
    """A copy of the code with an environment that holds only a Python."""
    code = closed / "code"
    shutil.copytree(CODE / "appliance" / "launcher", code / "appliance" / "launcher")
    shutil.copy(CODE / "launcher.py", code)
    (code / ".venv" / "bin").mkdir(parents=True)
    (code / ".venv" / "bin" / "python").symlink_to(os.path.realpath("/proc/self/exe"))
    subprocess.run(["chmod", "-R", "go+rX,go-w", code], check=True)
    return Installation(code=code, data=closed / "data")


def in_a_child(action) -> str:
    """What the action raised, "" for nothing; root is given up in the child only."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            action()
            said = ""
        except BaseException as error:
            said = f"{type(error).__name__}: {error}"
        os.write(writer, said.encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as stream:
        said = stream.read()
    os.waitpid(child, 0)
    return said


def test_root_cannot_come_back(installation: Installation) -> None:
    def give_up_and_return() -> None:
        privileges.ensure_service_user(installation)
        privileges.drop_root(installation)
        assert 0 not in (*os.getresuid(), *os.getresgid(), *os.getgroups())
        os.setuid(0)

    assert in_a_child(give_up_and_return).startswith("PermissionError")


def test_closed_directory_is_opened_for_one_user_to_pass_through(
    installation: Installation, closed: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def look() -> None:
        privileges.ensure_service_user(installation)
        privileges.drop_root(installation)
        assert (installation.code / "launcher.py").read_text()
        os.listdir(closed)

    assert in_a_child(look).startswith("PermissionError")  # pass through, not read
    assert f"setfacl -x u:skerry {closed}" in capfd.readouterr().out
    assert installation.data.stat().st_uid == pwd.getpwnam("skerry").pw_uid
    assert closed.stat().st_uid == 0


@pytest.mark.parametrize("name", ["launcher.py", "appliance/launcher/files.py", ".venv/bin", "."])
def test_root_refuses_code_the_service_user_can_change(
    installation: Installation, name: str
) -> None:
    privileges.ensure_service_user(installation)
    os.chown(installation.code / name, pwd.getpwnam("skerry").pw_uid, -1)
    with pytest.raises(LauncherError, match="root will not run it"):
        privileges.ensure_service_user(installation)


def test_code_that_the_service_user_cannot_read_is_named(installation: Installation) -> None:
    (installation.code / "appliance" / "launcher" / "files.py").chmod(0o600)
    with pytest.raises(LauncherError, match=r"cannot read .*files.py: chmod -R go\+rX"):
        privileges.ensure_service_user(installation)


def test_data_directory_that_exists_keeps_its_owner(
    installation: Installation, closed: Path
) -> None:
    privileges.ensure_service_user(installation)
    (closed / "elsewhere").mkdir()
    installation.data.symlink_to(closed / "elsewhere")
    assert in_a_child(lambda: privileges.drop_root(installation)) == ""
    assert (closed / "elsewhere").stat().st_uid == 0


def test_whole_desk_runs_without_root(closed: Path) -> None:
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


def test_root_upgrades_a_desk_and_touches_none_of_its_data(closed: Path) -> None:
    """``var`` lies in root's folder and is the service user's: root moves it, and no more."""
    old, new = copied(closed / "old", VERSION), copied(closed / "new", NEWER, "")
    desk = Desk(old / "var")
    desk.launcher = old / "launcher.py"
    try:
        desk.start()
        words = [sys.executable, new / "launcher.py", "upgrade", "--from", old]
        done = subprocess.run(words, env=desk.environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert "Stopped." in done.stdout and desk.end() == 0
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
