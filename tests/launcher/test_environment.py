"""The environment: installed once, remade when broken, and always from the lock file."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

from appliance.launcher import environment
from appliance.launcher.layout import Installation
from appliance.launcher.terminal import LauncherError


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    (tmp_path / "requirements.lock").write_text("# nothing\n")
    return Installation(code=tmp_path, data=tmp_path / "var")


@pytest.fixture
def commands(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What would be run; "venv" leaves a Python behind, as the real one does."""
    ran: list[list[str]] = []

    def run(command: list[str], failure: str) -> None:
        ran.append(command)
        if "venv" in command:
            (installation.venv / "bin").mkdir(parents=True)
            installation.python.symlink_to(sys.executable)
            if "--without-pip" not in command:
                (installation.venv / "bin" / "pip").touch()

    monkeypatch.setattr(environment, "_run", run)
    return ran


def is_pip(command: list[str]) -> bool:
    return "install" in command


def test_packages_are_installed_as_locked_and_as_wheels_only(
    installation: Installation, commands: list
) -> None:
    environment.ensure_installed(installation)
    install = next(filter(is_pip, commands))
    assert "--require-hashes" in install
    assert install[install.index("--only-binary") + 1] == ":all:"
    assert install[-2:] == ["-r", str(installation.code / "requirements.lock")]
    assert "-I" in install  # nothing in the current directory is imported


def test_second_start_runs_nothing(installation: Installation, commands: list) -> None:
    environment.ensure_installed(installation)
    commands.clear()
    environment.ensure_installed(installation)
    assert commands == []


def test_changed_lock_is_installed_into_the_same_environment(
    installation: Installation, commands: list
) -> None:
    environment.ensure_installed(installation)
    commands.clear()
    (installation.code / "requirements.lock").write_text("# something else\n")
    environment.ensure_installed(installation)
    assert [is_pip(command) for command in commands] == [True]


def test_half_made_environment_is_made_again(installation: Installation, commands: list) -> None:
    environment.ensure_installed(installation)
    (installation.venv / "skerry.json").write_text(json.dumps({"installing": True}))
    (installation.venv / "half-copied").touch()
    commands.clear()
    environment.ensure_installed(installation)
    assert [is_pip(command) for command in commands] == [False, True]
    assert not (installation.venv / "half-copied").exists()


def test_environment_of_another_python_is_made_again(
    installation: Installation, commands: list
) -> None:
    environment.ensure_installed(installation)
    stamp = json.loads((installation.venv / "skerry.json").read_text())
    (installation.venv / "skerry.json").write_text(
        json.dumps({"run": "3.9 " + stamp["run"].split()[1]})
    )
    commands.clear()
    environment.ensure_installed(installation)
    assert [is_pip(command) for command in commands] == [False, True]


def test_wheels_folder_replaces_the_index(installation: Installation, commands: list) -> None:
    (installation.code / "wheels").mkdir()
    environment.ensure_installed(installation)
    install = next(filter(is_pip, commands))
    assert "--no-index" in install
    assert install[install.index("--find-links") + 1] == str(installation.code / "wheels")


def only(*names: str):
    """A Python that has these modules and no others."""
    return lambda name, package=None: object() if name in names else None


def test_pip_of_the_machine_helps_out_without_ensurepip(
    installation: Installation, commands: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", only("venv", "pip"))
    environment.ensure_installed(installation)
    make, install = commands
    assert "--without-pip" in make
    assert install[install.index("--python") + 1] == str(installation.python)


def test_neither_ensurepip_nor_pip_names_the_package_to_install(
    installation: Installation, commands: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", only("venv"))
    with pytest.raises(LauncherError, match="apt install python3-venv"):
        environment.ensure_installed(installation)


def test_failure_of_pip_is_told_in_its_own_words() -> None:
    with pytest.raises(LauncherError, match="ERROR: no such wheel"):
        environment._run(
            [sys.executable, "-c", "import sys; sys.exit('ERROR: no such wheel')"], "It failed"
        )
