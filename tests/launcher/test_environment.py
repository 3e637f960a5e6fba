"""The environment is installed once, from the lock file, and created again when it is broken."""

import ensurepip
import hashlib
import importlib.util
import json
import os
import shutil
import socket
import sys
from pathlib import Path

import pytest

from appliance.launcher import doctor, environment
from appliance.launcher.layout import Installation
from appliance.launcher.terminal import LauncherError


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    (tmp_path / "requirements.lock").write_text("# nothing\n")
    return Installation(code=tmp_path, data=tmp_path / "var")


@pytest.fixture
def commands(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Return the list of commands that are not run; "venv" creates a Python, as the real one."""
    run_commands: list[list[str]] = []

    def run(command: list[str], failure: str) -> None:
        run_commands.append(command)
        if "venv" in command:
            (installation.venv / "bin").mkdir(parents=True)
            installation.python.symlink_to(sys.executable)
            if "--without-pip" not in command:
                (installation.venv / "bin" / "pip").touch()

    monkeypatch.setattr(environment, "_run", run)
    return run_commands


def is_pip(command: list[str]) -> bool:
    return "install" in command


def test_packages_are_installed_from_the_lock_file_as_wheels(
    installation: Installation, commands: list
) -> None:
    environment.ensure_installed(installation)
    install = next(filter(is_pip, commands))
    assert "--require-hashes" in install
    assert install[install.index("--only-binary") + 1] == ":all:"
    assert install[-2:] == ["-r", str(installation.code / "requirements.lock")]
    assert "-I" in install  # nothing in the current directory is imported


def test_second_start_runs_no_pip(installation: Installation, commands: list) -> None:
    environment.ensure_installed(installation)
    commands.clear()
    environment.ensure_installed(installation)
    assert commands == []


def test_changed_lock_file_updates_the_environment(
    installation: Installation, commands: list
) -> None:
    environment.ensure_installed(installation)
    commands.clear()
    (installation.code / "requirements.lock").write_text("# something else\n")
    environment.ensure_installed(installation)
    assert [is_pip(command) for command in commands] == [True]


def test_incomplete_environment_is_created_again(
    installation: Installation, commands: list
) -> None:
    environment.ensure_installed(installation)
    (installation.venv / "skerry.json").write_text(json.dumps({"installing": True}))
    (installation.venv / "half-copied").touch()
    commands.clear()
    environment.ensure_installed(installation)
    assert [is_pip(command) for command in commands] == [False, True]
    assert not (installation.venv / "half-copied").exists()


def test_environment_of_another_python_is_created_again(
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
    """Return a find_spec for a Python that has only these modules."""
    return lambda name, package=None: object() if name in names else None


def test_without_ensurepip_the_systems_pip_is_used(
    installation: Installation, commands: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", only("venv", "pip"))
    environment.ensure_installed(installation)
    create, install = commands
    assert "--without-pip" in create
    assert install[install.index("--python") + 1] == str(installation.python)


def test_without_ensurepip_and_pip_the_error_names_the_package_to_install(
    installation: Installation, commands: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", only("venv"))
    with pytest.raises(LauncherError, match="apt install python3-venv"):
        environment.ensure_installed(installation)


def test_error_contains_the_message_of_pip() -> None:
    with pytest.raises(LauncherError, match="ERROR: no such wheel"):
        environment._run(
            [sys.executable, "-c", "import sys; sys.exit('ERROR: no such wheel')"], "It failed"
        )


@pytest.fixture
def bundled_pip(installation: Installation) -> Path:
    """Put Python's own wheel of pip into wheels/, with its digest in the lock file."""
    wheel = next((Path(ensurepip.__file__).parent / "_bundled").glob("pip-*.whl"), None)
    if wheel is None:
        pytest.skip("this Python has no wheel of pip")
    (installation.code / "wheels").mkdir()
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (installation.code / environment.PIP_LOCK).write_text(f"pip==1 --hash=sha256:{digest}\n")
    return Path(shutil.copy(wheel, installation.code / "wheels"))


def test_bundle_makes_its_environment_with_python_alone(
    installation: Installation, bundled_pip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", only("venv"))
    environment.ensure_installed(installation)
    assert environment.is_installed(installation)
    assert not (installation.venv / "bin" / "pip").exists()


def test_wheel_of_pip_that_is_not_the_locked_one_is_not_run(
    installation: Installation, bundled_pip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundled_pip.write_bytes(bundled_pip.read_bytes() + b"!")
    monkeypatch.setattr(importlib.util, "find_spec", only("venv"))
    with pytest.raises(LauncherError, match="apt install python3-venv"):
        environment.ensure_installed(installation)


def test_doctor_fails_on_a_python_that_cannot_make_the_environment(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", only("venv"))
    (finding,) = doctor._environment(installation)
    assert finding.level == "fail"
    assert "apt install python3-venv" in finding.text


def test_bundle_without_wheels_for_this_python_names_its_versions(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    (installation.code / "wheels").mkdir()
    for name in ("numpy-2.0-cp311-cp311-x", "numpy-2.0-cp39-cp39-x", "argon-1-cp314-abi3-x"):
        (installation.code / "wheels" / f"{name}.whl").touch()
    monkeypatch.setattr(sys, "version_info", (3, 14, 0))
    assert "are for Python 3.9, 3.11 and this is" in str(environment.obstacle(installation))
    monkeypatch.setattr(sys, "version_info", (3, 11, 0))
    assert environment.obstacle(installation) is None


def test_missing_index_is_named_and_the_bundle_offered(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = f"nothing==1 --hash=sha256:{'0' * 64}\n"
    (installation.code / "requirements.lock").write_text(lock)
    with socket.socket() as closed_port:
        closed_port.bind(("127.0.0.1", 0))  # it does not listen
        url = f"http://127.0.0.1:{closed_port.getsockname()[1]}/simple"
        monkeypatch.setenv("PIP_INDEX_URL", url)
        with pytest.raises(LauncherError, match="no package index answered") as error:
            environment.ensure_installed(installation)
    assert "Connection refused" in str(error.value)
    assert "release bundle" in str(error.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
@pytest.mark.parametrize("is_installed", [False, True])
def test_read_only_checkout_is_named_with_a_remedy(
    installation: Installation, commands: list, is_installed: bool
) -> None:
    if is_installed:
        environment.ensure_installed(installation)
        (installation.code / "requirements.lock").write_text("# something else\n")
        installation.venv.chmod(0o500)
    installation.code.chmod(0o500)
    try:
        with pytest.raises(LauncherError, match="cannot be written") as error:
            environment.ensure_installed(installation)
    finally:
        installation.code.chmod(0o700)
        if is_installed:
            installation.venv.chmod(0o700)
    assert f"may write to {installation.code}" in str(error.value)
    assert "launcher.py install once" in str(error.value)
