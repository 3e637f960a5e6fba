"""The service: the unit's words, and what the launcher says where there can be none.

systemd runs on no machine of the tests: what it would make of the unit is asked of
``systemd-analyze``, and the calls to ``systemctl`` are noted instead of made.
"""

import os
import shutil
import subprocess
import sys
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
    "MemoryDenyWriteExecute=yes",
    "KillMode=mixed",
    "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6",
    "SystemCallFilter=@system-service",
    "Restart=on-failure",
    "TimeoutStopSec=150",
)


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """A copy of nothing but the place: what is not executed here need not be there."""
    (tmp_path / "code").mkdir()
    return Installation(code=tmp_path / "code", data=Path("/srv/skerry"))


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """As root on a machine of systemd's, with files of the test's own; what systemctl was told."""
    made: list[tuple[str, ...]] = []
    monkeypatch.setattr(service, "UNIT", tmp_path / "skerry.service")
    monkeypatch.setattr(service, "ENVIRONMENT_FILE", tmp_path / "skerry.env")
    monkeypatch.setattr(service, "SYSTEMD_DIRECTORY", tmp_path)
    monkeypatch.setattr(service, "_systemctl", lambda *words: made.append(words))
    monkeypatch.setattr(service, "_verify", lambda text: None)
    monkeypatch.setattr(service, "_ensure_root", lambda what, installation: None)
    monkeypatch.setattr(privileges, "is_root", lambda: False)
    monkeypatch.setattr(service, "_ensure_data_unused", lambda installation: None)
    monkeypatch.setattr(environment, "ensure_installed", lambda installation: None)
    for name in [name for name in os.environ if name.startswith("SKERRY_")]:
        monkeypatch.delenv(name)
    for name in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"{name}_FILE", raising=False)
    return made


def words(installation: Installation) -> str:
    """The unit as it would be written here."""
    return unit.render(installation, service.ENVIRONMENT_FILE, service._variable_names())


def lines(text: str) -> list[str]:
    return text.splitlines()


def test_the_unit_grants_the_data_directory_and_nothing_else(
    installation: Installation, calls
) -> None:
    found = lines(words(installation))
    assert set(HARDENED) <= set(found)
    assert [line for line in found if line.startswith("ReadWritePaths")] == [
        'ReadWritePaths="/srv/skerry"'
    ]
    start = next(line for line in found if line.startswith("ExecStart="))
    assert start.startswith('ExecStart="/') and f'"{installation.code}/launcher.py"' in start
    assert start.endswith(
        '"--data" "/srv/skerry" "--bind" "127.0.0.1" "--port" "8000" "--role" "all"'
    )


def test_a_desk_for_this_machine_reaches_nothing_beyond_it(
    installation: Installation, calls, monkeypatch
) -> None:
    assert {"IPAddressDeny=any", "IPAddressAllow=localhost"} <= set(lines(words(installation)))
    outward = Installation(code=installation.code, data=installation.data, bind="0.0.0.0")
    assert "IPAddressDeny" not in words(outward)
    service.ENVIRONMENT_FILE.write_text('SKERRY_SMTP_HOST="mail.example"\n')
    assert "IPAddressDeny" not in words(installation)


def test_odd_characters_mean_nothing_to_systemd(tmp_path: Path) -> None:
    odd = Installation(code=tmp_path, data=Path('/srv/50% "$HOME"'))
    found = words(odd)
    assert 'ReadWritePaths="/srv/50%% \\"$HOME\\""' in found
    assert '"/srv/50%% \\"$$HOME\\""' in found


def test_homes_stay_closed_unless_the_desk_lives_in_one(installation: Installation) -> None:
    inside = Installation(code=Path("/home/dan/skerry"), data=Path("/home/dan/desk"))
    assert "ProtectHome=read-only" in lines(words(inside))


@pytest.mark.parametrize("bind", ["127.0.0.1", "0.0.0.0"])
def test_systemd_accepts_the_unit(tmp_path: Path, bind: str) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    data = tmp_path / "a data directory"
    data.mkdir()
    service._verify(words(Installation(code=CODE, data=data, bind=bind)))


def test_what_systemd_does_not_accept_is_told(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    broken = words(Installation(code=CODE, data=tmp_path)).replace("KillMode=mixed", "KillMode=odd")
    with pytest.raises(LauncherError, match=r"does not accept the unit: .*kill mode"):
        service._verify(broken)


def test_installing_twice_changes_nothing(installation: Installation, calls) -> None:
    service.install(installation)
    assert calls == [
        ("daemon-reload",),
        ("enable", "--quiet", service.NAME),
        ("restart", service.NAME),
    ]
    calls.clear()
    written = service.UNIT.stat().st_mtime_ns
    service.install(installation)
    assert calls == [("enable", "--quiet", service.NAME), ("start", service.NAME)]
    assert service.UNIT.stat().st_mtime_ns == written
    assert service.find_installed() == installation


def test_a_service_on_other_data_is_not_taken_over(installation: Installation, calls) -> None:
    service.install(installation)
    with pytest.raises(LauncherError, match="runs the desk on /srv/skerry: take it away first"):
        service.install(Installation(code=installation.code, data=Path("/srv/other")))


def test_variables_of_the_shell_are_kept_once(
    installation: Installation, calls, monkeypatch, capsys
) -> None:
    monkeypatch.setenv("SKERRY_HOSTS", 'desk.example,"odd"')
    monkeypatch.setenv("SKERRY_DATA", "/elsewhere")
    monkeypatch.setenv("UNRELATED", "x")
    service.install(installation)
    assert service.ENVIRONMENT_FILE.read_text() == 'SKERRY_HOSTS="desk.example,\\"odd\\""\n'
    assert service.ENVIRONMENT_FILE.stat().st_mode & 0o777 == 0o600
    monkeypatch.setenv("SKERRY_HOSTS", "another.example")
    service.install(installation)
    assert "another" not in service.ENVIRONMENT_FILE.read_text()
    assert "SKERRY_HOSTS not written to it" in capsys.readouterr().out


def test_uninstalling_leaves_the_data_and_says_where_it_is(
    tmp_path, scratch, calls, capsys
) -> None:
    installation = Installation(code=tmp_path / "code", data=scratch / "served")
    (installation.venv / "bin").mkdir(parents=True)
    (installation.data / "postgres").mkdir(parents=True)
    service.install(installation)
    calls.clear()
    service.uninstall(
        Installation(code=installation.code, data=tmp_path / "code" / "var")
    )  # as typed: no --data
    assert calls == [("disable", "--quiet", "--now", service.NAME), ("daemon-reload",)]
    assert not service.UNIT.exists() and not installation.venv.exists()
    assert (installation.data / "postgres").is_dir()
    assert f"The data stays in {installation.data}" in capsys.readouterr().out


def test_another_desks_service_is_not_removed(tmp_path, installation: Installation, calls) -> None:
    service.install(installation)
    with pytest.raises(
        LauncherError, match=f"runs the desk in {installation.code}: python3 .* --uninstall"
    ):
        service.uninstall(Installation(code=tmp_path, data=installation.data))
    assert service.UNIT.exists()


def test_without_systemd_the_line_to_run_is_told(
    installation: Installation, calls, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(service, "SYSTEMD_DIRECTORY", tmp_path / "none")
    with pytest.raises(LauncherError) as refused:
        service.install(installation)
    assert "systemd does not run this machine" in str(refused.value)
    assert f"{installation.code}/launcher.py --data /srv/skerry --bind 127.0.0.1" in str(
        refused.value
    )
    assert not service.UNIT.exists()


def test_only_root_installs_a_service() -> None:
    if os.geteuid() == 0:
        pytest.skip("this is root")
    said = subprocess.run(
        [sys.executable, CODE / "launcher.py", "--install-service", "--port", "8123"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 1
    assert "Only root can install a service: sudo " in said.stderr
    assert "--install-service --port 8123" in said.stderr
