"""The systemd service: the text of the unit, and installing and removing it.

Tests run without systemd: ``systemd-analyze`` checks the unit, and calls to ``systemctl`` are only
recorded.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.launcher import environment, privileges, service, unit
from appliance.launcher.layout import Installation
from appliance.launcher.terminal import LauncherError
from tests.launcher.conftest import CODE

HARDENED = (
    "User=skerry",
    "NoNewPrivileges=yes",
    "CapabilityBoundingSet=",
    "ProtectSystem=strict",
    "PrivateTmp=yes",
    "PrivateDevices=yes",
    "PrivateMounts=yes",
    "MemoryDenyWriteExecute=yes",
    "KillMode=mixed",
    "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6",
    "SystemCallFilter=@system-service",
    "Restart=on-failure",
    "TimeoutStopSec=150",
)


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """Return an installation without any files."""
    (tmp_path / "code").mkdir()
    return Installation(code=tmp_path / "code", data=Path("/srv/skerry"))


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Simulate root and systemd, with temporary files; return the calls to systemctl."""
    calls: list[tuple[str, ...]] = []
    monkeypatch.setattr(service, "UNIT", tmp_path / "skerry.service")
    monkeypatch.setattr(service, "ENVIRONMENT_FILE", tmp_path / "skerry.env")
    monkeypatch.setattr(service, "SYSTEMD_DIRECTORY", tmp_path)
    monkeypatch.setattr(service, "_systemctl", lambda *arguments: calls.append(arguments))
    monkeypatch.setattr(service, "_verify", lambda text: None)
    monkeypatch.setattr(service, "_ensure_root", lambda action, installation: None)
    monkeypatch.setattr(privileges, "is_root", lambda: False)
    monkeypatch.setattr(service, "_ensure_data_unused", lambda installation: None)
    monkeypatch.setattr(environment, "ensure_installed", lambda installation: None)
    for name in [name for name in os.environ if name.startswith("SKERRY_")]:
        monkeypatch.delenv(name)
    for name in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"{name}_FILE", raising=False)
    return calls


def unit_text(installation: Installation) -> str:
    return unit.render(installation, service.ENVIRONMENT_FILE, service._variable_names())


def lines(text: str) -> list[str]:
    return text.splitlines()


def test_unit_may_write_only_the_data_directory(installation: Installation, calls) -> None:
    unit_lines = lines(unit_text(installation))
    assert set(HARDENED) <= set(unit_lines)
    assert [line for line in unit_lines if line.startswith("ReadWritePaths")] == [
        'ReadWritePaths="/srv/skerry"'
    ]
    start = next(line for line in unit_lines if line.startswith("ExecStart="))
    assert start.startswith('ExecStart="/') and f'"{installation.code}/launcher.py"' in start
    assert start.endswith(
        '"--data" "/srv/skerry" "--bind" "127.0.0.1" "--port" "8000" "--role" "all"'
    )


@pytest.mark.parametrize(("bind", "score"), [("127.0.0.1", "1.7"), ("0.0.0.0", "1.8")])
def test_documented_security_score_is_the_measured_one(
    installation: Installation, calls, tmp_path: Path, monkeypatch, bind: str, score: str
) -> None:
    program = shutil.which("systemd-analyze")
    if program is None or "systemd 252 " not in run([program, "--version"]):
        pytest.skip("the score was measured with systemd 252")
    monkeypatch.setattr(unit, "HOME_FOLDERS", ())  # wherever this checkout and its Python are
    file = tmp_path / service.NAME
    file.write_text(unit_text(replace(installation, bind=bind)))
    output = run([program, "security", "--offline=true", "--no-pager", str(file)])
    assert f"exposure level for {service.NAME}: {score} " in output
    assert score in (CODE / "docs" / "operating.md").read_text()


def run(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_unit_denies_the_network_unless_it_is_needed(
    installation: Installation, calls, monkeypatch
) -> None:
    assert {"IPAddressDeny=any", "IPAddressAllow=localhost"} <= set(lines(unit_text(installation)))
    public = Installation(code=installation.code, data=installation.data, bind="0.0.0.0")
    assert "IPAddressDeny" not in unit_text(public)
    service.ENVIRONMENT_FILE.write_text('SKERRY_SMTP_HOST="mail.example"\n')
    assert "IPAddressDeny" not in unit_text(installation)


def test_special_characters_are_quoted_for_systemd(tmp_path: Path) -> None:
    installation = Installation(code=tmp_path, data=Path('/srv/50% "$HOME"'))
    text = unit_text(installation)
    assert 'ReadWritePaths="/srv/50%% \\"$HOME\\""' in text
    assert '"/srv/50%% \\"$$HOME\\""' in text


def test_home_folders_are_readable_if_the_desk_is_in_one() -> None:
    installation = Installation(code=Path("/home/dan/skerry"), data=Path("/home/dan/desk"))
    assert "ProtectHome=read-only" in lines(unit_text(installation))


@pytest.mark.parametrize("bind", ["127.0.0.1", "0.0.0.0"])
def test_systemd_accepts_the_unit(tmp_path: Path, bind: str) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    data = tmp_path / "a data directory"
    data.mkdir()
    service._verify(unit_text(Installation(code=CODE, data=data, bind=bind)))


def test_unit_that_systemd_rejects_is_an_error(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    broken = unit_text(Installation(code=CODE, data=tmp_path)).replace(
        "KillMode=mixed", "KillMode=odd"
    )
    with pytest.raises(LauncherError, match=r"does not accept the unit: .*kill mode"):
        service._verify(broken)


def test_second_installation_changes_nothing(installation: Installation, calls) -> None:
    service.install(installation)
    assert calls == [
        ("daemon-reload",),
        ("enable", "--quiet", service.NAME),
        ("restart", service.NAME),
    ]
    calls.clear()
    modified_ns = service.UNIT.stat().st_mtime_ns
    service.install(installation)
    assert calls == [("enable", "--quiet", service.NAME), ("start", service.NAME)]
    assert service.UNIT.stat().st_mtime_ns == modified_ns
    assert service.find_installed() == installation


def test_service_on_other_data_is_not_replaced(installation: Installation, calls) -> None:
    service.install(installation)
    with pytest.raises(LauncherError, match="runs the desk on /srv/skerry: take it away first"):
        service.install(Installation(code=installation.code, data=Path("/srv/other")))


def test_variables_of_the_shell_are_written_once(
    installation: Installation, calls, monkeypatch, capsys
) -> None:
    monkeypatch.setenv("SKERRY_HOSTS", 'desk.example,"odd"')
    monkeypatch.setenv("SKERRY_DATA", "/elsewhere")
    monkeypatch.setenv("UNRELATED", "x")
    monkeypatch.delenv("DATABASE_OWNER_URL_FILE", raising=False)  # of the test run
    service.install(installation)
    assert service.ENVIRONMENT_FILE.read_text() == 'SKERRY_HOSTS="desk.example,\\"odd\\""\n'
    assert service.ENVIRONMENT_FILE.stat().st_mode & 0o777 == 0o600
    monkeypatch.setenv("SKERRY_HOSTS", "another.example")
    service.install(installation)
    assert "another" not in service.ENVIRONMENT_FILE.read_text()
    assert "SKERRY_HOSTS not written to it" in capsys.readouterr().out


def test_uninstall_keeps_the_data_and_prints_its_path(tmp_path, scratch, calls, capsys) -> None:
    installation = Installation(code=tmp_path / "code", data=scratch / "served")
    (installation.venv / "bin").mkdir(parents=True)
    (installation.data / "postgres").mkdir(parents=True)
    service.install(installation)
    calls.clear()
    # as called without --data
    service.uninstall(Installation(code=installation.code, data=tmp_path / "code" / "var"))
    assert calls == [("disable", "--quiet", "--now", service.NAME), ("daemon-reload",)]
    assert not service.UNIT.exists() and not installation.venv.exists()
    assert (installation.data / "postgres").is_dir()
    assert f"The data stays in {installation.data}" in capsys.readouterr().out


def test_service_of_another_installation_is_not_removed(
    tmp_path, installation: Installation, calls
) -> None:
    service.install(installation)
    with pytest.raises(
        LauncherError, match=f"runs the desk in {installation.code}: python3 .* --uninstall"
    ):
        service.uninstall(Installation(code=tmp_path, data=installation.data))
    assert service.UNIT.exists()


def test_without_systemd_the_error_contains_the_command_to_run(
    installation: Installation, calls, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(service, "SYSTEMD_DIRECTORY", tmp_path / "none")
    with pytest.raises(LauncherError) as error_info:
        service.install(installation)
    assert "systemd does not run this machine" in str(error_info.value)
    assert f"{installation.code}/launcher.py --data /srv/skerry --bind 127.0.0.1" in str(
        error_info.value
    )
    assert not service.UNIT.exists()


def test_only_root_installs_a_service() -> None:
    if os.geteuid() == 0:
        pytest.skip("this is root")
    result = subprocess.run(
        [sys.executable, CODE / "launcher.py", "--install-service", "--port", "8123"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert "Only root can install a service: sudo " in result.stderr
    assert "--install-service --port 8123" in result.stderr
