"""The Python environment: .venv beside the code, filled from requirements.lock and nothing else."""

import contextlib
import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from appliance.launcher.errors import LauncherError
from appliance.launcher.files import read_json
from appliance.launcher.layout import Installation
from appliance.launcher.terminal import say

STAMP = "skerry.json"
WAIT_FOR_ANOTHER_LAUNCHER_SECONDS = 900
# Where pip installs is our decision; where it fetches from is the operator's.
PIP_DESTINATIONS = ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER", "PIP_REQUIRE_VIRTUALENV")


def ensure_installed(installation: Installation, *, extra: str = "") -> None:
    """The environment holds exactly the locked packages; a second call runs no pip.

    ``extra`` names another lock file: "test" is requirements-test.lock.
    """
    name, lock = (
        extra or "run",
        installation.code / f"requirements{f'-{extra}' if extra else ''}.lock",
    )
    fingerprint = _fingerprint(lock)
    if _stamp(installation).get(name) == fingerprint and installation.python.exists():
        return
    with _sole_installer(lock):
        if _stamp(installation).get(name) == fingerprint and installation.python.exists():
            return
        what = f"{extra} environment" if extra else "environment"
        is_first = name not in _stamp(installation)
        say(
            f"Installing the {what} (first start only) ..."
            if is_first
            else f"Updating the {what} ..."
        )
        _ensure_venv(installation)
        stamp = {
            key: each
            for key, each in _stamp(installation).items()
            if key not in (name, "installing")
        }
        _write_stamp(installation, {"installing": True, **stamp})
        _pip_install(installation, lock)
        _write_stamp(installation, {**stamp, name: fingerprint})


def is_installed(installation: Installation, *, extra: str = "") -> bool:
    """Whether the environment is what the lock file says; changes nothing."""
    lock = installation.code / f"requirements{f'-{extra}' if extra else ''}.lock"
    return (
        _stamp(installation).get(extra or "run") == _fingerprint(lock)
        and installation.python.exists()
    )


def _fingerprint(lock: Path) -> str:
    try:
        content = lock.read_bytes()
    except OSError as error:
        raise LauncherError(
            f"{lock} cannot be read ({error.strerror}): clone Skerry again."
        ) from error
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return f"{version} {hashlib.sha256(content).hexdigest()}"


def _stamp(installation: Installation) -> dict[str, str]:
    return read_json(installation.venv / STAMP)


def _write_stamp(installation: Installation, stamp: dict[str, object]) -> None:
    temporary = installation.venv / f".{STAMP}"
    temporary.write_text(json.dumps(stamp), encoding="utf-8")
    temporary.chmod(0o644)  # root may have a strict umask, and the desk reads it
    temporary.replace(installation.venv / STAMP)


@contextlib.contextmanager
def _sole_installer(lock: Path) -> Iterator[None]:
    """One launcher installs at a time: a desk and a test run may start together."""
    with lock.open("rb") as stream:
        deadline = time.monotonic() + WAIT_FOR_ANOTHER_LAUNCHER_SECONDS
        while True:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise LauncherError(
                        "Another launcher has been installing the environment for 15 minutes: "
                        "stop it, then start again."
                    ) from None
                time.sleep(0.2)
        yield


def _ensure_venv(installation: Installation) -> None:
    """A virtual environment whose Python runs; one left half-made is made again."""
    if installation.venv.exists() and _is_sound(installation):
        return
    if not _can_make_venv():
        raise LauncherError(
            "This Python has neither ensurepip nor pip, so the environment cannot be made: "
            "install them (Debian, Ubuntu: apt install python3-venv), then start again."
        )
    if installation.venv.exists():
        shutil.rmtree(installation.venv)
    installation.venv.mkdir()
    installation.venv.chmod(0o755)
    _write_stamp(installation, {"installing": True})
    command = [_base_python(), "-I", "-m", "venv", str(installation.venv)]
    if importlib.util.find_spec("ensurepip") is None:
        command.insert(-1, "--without-pip")
    _run(command, f"The environment {installation.venv} could not be made")


def _can_make_venv() -> bool:
    return any(importlib.util.find_spec(name) for name in ("ensurepip", "pip"))


def _is_sound(installation: Installation) -> bool:
    stamp = _stamp(installation)
    versions = {value.split()[0] for key, value in stamp.items() if key != "installing"}
    if stamp.get("installing") or versions - {f"{sys.version_info.major}.{sys.version_info.minor}"}:
        return False
    code = "import sys, encodings; print('%d.%d' % sys.version_info[:2])"
    try:
        answer = subprocess.run(  # noqa: S603
            [str(installation.python), "-I", "-c", code],
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return False
    return answer.stdout.strip() == f"{sys.version_info.major}.{sys.version_info.minor}"


def _base_python() -> str:
    """The interpreter itself, also when the launcher runs inside an environment."""
    return getattr(sys, "_base_executable", None) or sys.executable


def _pip_install(installation: Installation, lock: Path) -> None:
    """Wheels only, each with its hash. -I keeps the current directory off pip's import path."""
    if (installation.venv / "bin" / "pip").exists():
        pip = [str(installation.python), "-I", "-m", "pip"]
    else:
        pip = [_base_python(), "-I", "-m", "pip", "--python", str(installation.python)]
    options = ["--quiet", "--no-input", "--disable-pip-version-check", "--require-hashes"]
    command = [*pip, "install", *options, "--only-binary", ":all:", *_sources(installation, lock)]
    hint = "" if "--no-index" in command else " from the configured package index"
    _run([*command, "-r", str(lock)], f"The packages could not be installed{hint}")


def _sources(installation: Installation, lock: Path) -> list[str]:
    """wheels/ alone when it is there; the test extras are often not in it."""
    wheels = installation.code / "wheels"
    if not wheels.is_dir():
        return []
    if lock.name == "requirements-test.lock" and not any(wheels.glob("pytest-*.whl")):
        return ["--find-links", str(wheels)]
    return ["--no-index", "--find-links", str(wheels)]


def _run(command: list[str], failure: str) -> None:
    """Run quietly; on failure say what pip or venv said, shortly."""
    environment = {k: v for k, v in os.environ.items() if k not in PIP_DESTINATIONS}
    guard = [
        _base_python(),
        "-I",
        "-S",
        str(Path(__file__).with_name("parent_death_signal.py")),
        "KILL",
    ]
    result = subprocess.run(  # noqa: S603
        [*guard, *command],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        umask=0o022,
    )
    if result.returncode == 0:
        return
    lines = [line for line in (result.stdout + result.stderr).splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")] or lines
    tail = "\n".join(f"    {line[:300]}" for line in errors[-4:])
    raise LauncherError(
        f"{failure}:\n{tail}\nPut that right, then start again; nothing else was done."
    )
