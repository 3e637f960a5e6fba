"""A start that is impossible is refused with cause and remedy, and changes nothing."""

import ast
import errno
import fcntl
import json
import os
import runpy
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.launcher import datadir, doctor
from appliance.launcher.layout import Installation
from appliance.launcher.terminal import LauncherError
from tests.launcher.conftest import CODE, Desk


def refusal(desk: Desk, *arguments: str) -> str:
    """Return the error message of a refusal; it must be one line, without a traceback."""
    result = desk.call(*arguments)
    assert result.returncode == 1, result.stdout
    assert len(result.stderr.splitlines()) == 1, result.stderr
    return result.stderr


def test_second_launcher_on_the_same_data_is_refused(desk: Desk) -> None:
    assert "already runs" in refusal(desk)
    assert desk.is_healthy()


def test_port_in_use_is_refused(new_desk) -> None:
    desk = new_desk()
    with socket.create_server(("127.0.0.1", desk.port)):
        message = refusal(desk)
    assert f"port {desk.port} is used by another program" in message
    assert "--port" in message
    assert not (desk.data / "postgres").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="as root another message comes first")
def test_port_that_needs_root_is_refused(new_desk) -> None:
    if int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text()) <= 80:
        pytest.skip("on this machine all users may use port 80")
    assert "choose --port above 1023" in refusal(new_desk(), "--port", "80")


@pytest.mark.parametrize("address", ["192.0.2.1", "no.such.host.invalid"])
def test_address_of_another_machine_is_refused(new_desk, address: str) -> None:
    assert "not an address of this machine" in refusal(
        new_desk(), "--bind", address, "--insecure-http"
    )


def test_invalid_port_is_refused(new_desk) -> None:
    assert "from 1 to 65535" in refusal(new_desk(), "--port", "70000")


def test_unknown_role_is_refused(new_desk) -> None:
    assert "SKERRY_ROLE must be one of" in refusal(new_desk(SKERRY_ROLE="boss"))


@pytest.mark.parametrize("count", ["0", "17", "many", "-1"])
def test_invalid_number_of_web_processes_is_refused(new_desk, count: str) -> None:
    message = refusal(new_desk(SKERRY_WEB_PROCESSES=count))
    assert "SKERRY_WEB_PROCESSES must be a number from 1 to 16" in message


def test_data_of_a_newer_version_is_refused(new_desk) -> None:
    desk = new_desk()
    desk.data.mkdir()
    (desk.data / "version.json").write_text(json.dumps({"skerry": "99.1.0"}))
    assert "was written by Skerry 99.1.0" in refusal(desk)
    assert not (desk.data / "postgres").exists()


def test_data_of_another_postgresql_is_refused(new_desk) -> None:
    desk = new_desk()
    (desk.data / "postgres").mkdir(parents=True)
    (desk.data / "postgres" / "PG_VERSION").write_text("15\n")
    (desk.data / "secrets").mkdir()
    for name in ("secret_key", "superuser_password"):
        (desk.data / "secrets" / name).write_text("x" * 50)
    assert "was written by PostgreSQL 15" in refusal(desk)


def test_data_without_its_secrets_is_refused(first_start: Desk, new_desk) -> None:
    desk = new_desk()
    (desk.data / "postgres").mkdir(parents=True)
    shutil.copy(first_start.data / "postgres" / "PG_VERSION", desk.data / "postgres")
    assert "put the secrets directory back from a backup" in refusal(desk)


def test_file_as_data_directory_is_refused(new_desk) -> None:
    desk = new_desk()
    desk.data.write_text("")
    assert "not a directory" in refusal(desk)


def test_dangling_link_as_data_directory_is_refused(new_desk) -> None:
    desk = new_desk()
    desk.data.symlink_to("nowhere")
    assert "link to nothing" in refusal(desk)
    desk.data.unlink()


@pytest.mark.skipif(os.geteuid() == 0, reason="as root the data directory is made for skerry")
def test_data_directory_of_another_user_is_refused(new_desk) -> None:
    assert "belongs to root" in refusal(new_desk(Path("/usr/share")))


def test_full_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=300 * 2**20)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    installation = Installation(code=CODE, data=tmp_path)
    with pytest.raises(LauncherError, match="300 MB free and the desk needs 500 MB"):
        datadir.ensure_disk_space(installation)
    datadir.record_version(installation)
    datadir.ensure_disk_space(installation)  # an existing desk needs less


def test_old_python_is_refused_with_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    launcher = CODE / "launcher.py"
    ast.parse(launcher.read_text(), feature_version=(3, 6))
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    with pytest.raises(SystemExit) as exit_info:
        runpy.run_path(str(launcher))
    assert "needs Python 3.11 or newer and this is Python 3.9" in str(exit_info.value)


def test_commands_report_that_no_desk_runs(new_desk) -> None:
    desk = new_desk()
    assert "No desk runs" in desk.call("status").stdout
    assert desk.call("status").returncode == 1
    assert desk.status()["running"] is False
    assert desk.call("stop").returncode == 0
    assert "start it first" in refusal(desk, "manage", "check")
    assert not desk.data.exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look into every folder")
@pytest.mark.parametrize(
    "command", [["status"], ["stop"], ["manage", "check"], ["upgrade", "--from", "/"], []]
)
def test_data_that_cannot_be_seen_is_never_called_stopped(new_desk, command: list[str]) -> None:
    desk = new_desk()
    closed = desk.data.parent / "closed"
    desk.data = closed / "data"
    desk.data.mkdir(parents=True)
    closed.chmod(0)
    try:
        if command[:1] == ["upgrade"]:
            command[2] = str(closed)
        result = desk.call(*command)
    finally:
        closed.chmod(0o700)
    assert result.returncode == 1
    assert "No desk runs" not in result.stdout
    assert "Permission denied" in result.stderr or "closed" in result.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look into every folder")
def test_doctor_fails_on_data_it_cannot_look_into(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    (closed / "data").mkdir(parents=True)
    closed.chmod(0)
    installation = Installation(code=CODE, data=closed / "data")
    try:
        findings = [finding for check in doctor.DATA_CHECKS for finding in check(installation)]
    finally:
        closed.chmod(0o700)
    assert "cannot look into" in next(f.text for f in findings if f.level == "fail")


@pytest.mark.parametrize("number", [errno.ESTALE, errno.EIO, errno.ENOTCONN, errno.EACCES])
def test_folder_of_a_lost_share_is_not_an_absent_desk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def stat(path: object) -> None:
        raise OSError(number, os.strerror(number))

    installation = Installation(code=CODE, data=tmp_path)
    monkeypatch.setattr(datadir.os, "stat", stat)
    with pytest.raises(LauncherError, match="not known whether a desk runs there"):
        datadir.exists(installation)


def test_stop_never_signals_a_process_of_another_machine(new_desk) -> None:
    """On a shared folder the lock file holds a number that means another process here."""
    desk = new_desk()
    desk.data.mkdir(mode=0o700)
    bystander = subprocess.Popen(["/bin/sleep", "60"])
    with (desk.data / "launcher.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write(f"{bystander.pid}\n")
        lock.flush()
        assert "not on this machine" in refusal(desk, "stop")
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()


@pytest.mark.parametrize("option", ["--data", "--bind"])
@pytest.mark.parametrize("value", ["", " "])
def test_empty_option_is_refused(new_desk, option: str, value: str) -> None:
    assert f"{option} is empty" in refusal(new_desk(), "status", option, value)
