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

from appliance.launcher.errors import BoxError
from appliance.launcher.files import read_json
from appliance.launcher.layout import Box
from appliance.launcher.terminal import say

STAMP = "skerry.json"
WAIT_FOR_ANOTHER_LAUNCHER_SECONDS = 900
# Where pip installs is our decision; where it fetches from is the operator's.
PIP_DESTINATIONS = ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER", "PIP_REQUIRE_VIRTUALENV")


def ensure_installed(box: Box, *, extra: str = "") -> None:
    """The environment holds exactly the locked packages; a second call runs no pip.

    ``extra`` names another lock file: "test" is requirements-test.lock.
    """
    name, lock = extra or "run", box.code / f"requirements{f'-{extra}' if extra else ''}.lock"
    wanted = _fingerprint(lock)
    if _stamp(box).get(name) == wanted and box.python.exists():
        return
    with _sole_installer(lock):
        if _stamp(box).get(name) == wanted and box.python.exists():
            return
        what = f"{extra} environment" if extra else "environment"
        is_first = name not in _stamp(box)
        say(
            f"Installing the {what} (first start only) ..."
            if is_first
            else f"Updating the {what} ..."
        )
        _ensure_venv(box)
        stamp = {key: each for key, each in _stamp(box).items() if key not in (name, "installing")}
        _write_stamp(box, {"installing": True, **stamp})
        _pip_install(box, lock)
        _write_stamp(box, {**stamp, name: wanted})


def is_installed(box: Box, *, extra: str = "") -> bool:
    """Whether the environment is what the lock file says; changes nothing."""
    lock = box.code / f"requirements{f'-{extra}' if extra else ''}.lock"
    return _stamp(box).get(extra or "run") == _fingerprint(lock) and box.python.exists()


def _fingerprint(lock: Path) -> str:
    try:
        content = lock.read_bytes()
    except OSError as error:
        raise BoxError(f"{lock} cannot be read ({error.strerror}): clone Skerry again.") from error
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return f"{version} {hashlib.sha256(content).hexdigest()}"


def _stamp(box: Box) -> dict[str, str]:
    return read_json(box.venv / STAMP)


def _write_stamp(box: Box, stamp: dict[str, object]) -> None:
    temporary = box.venv / f".{STAMP}"
    temporary.write_text(json.dumps(stamp), encoding="utf-8")
    temporary.chmod(0o644)  # root may have a strict umask, and the desk reads it
    temporary.replace(box.venv / STAMP)


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
                    raise BoxError(
                        "Another launcher has been installing the environment for 15 minutes: "
                        "stop it, then start again."
                    ) from None
                time.sleep(0.2)
        yield


def _ensure_venv(box: Box) -> None:
    """A virtual environment whose Python runs; one left half-made is made again."""
    if box.venv.exists() and _is_sound(box):
        return
    if not _can_make_venv():
        raise BoxError(
            "This Python has neither ensurepip nor pip, so the environment cannot be made: "
            "install them (Debian, Ubuntu: apt install python3-venv), then start again."
        )
    if box.venv.exists():
        shutil.rmtree(box.venv)
    box.venv.mkdir()
    box.venv.chmod(0o755)
    _write_stamp(box, {"installing": True})
    command = [_base_python(), "-I", "-m", "venv", str(box.venv)]
    if importlib.util.find_spec("ensurepip") is None:
        command.insert(-1, "--without-pip")
    _run(command, f"The environment {box.venv} could not be made")


def _can_make_venv() -> bool:
    return any(importlib.util.find_spec(name) for name in ("ensurepip", "pip"))


def _is_sound(box: Box) -> bool:
    stamp = _stamp(box)
    versions = {value.split()[0] for key, value in stamp.items() if key != "installing"}
    if stamp.get("installing") or versions - {f"{sys.version_info.major}.{sys.version_info.minor}"}:
        return False
    code = "import sys, encodings; print('%d.%d' % sys.version_info[:2])"
    try:
        answer = subprocess.run(  # noqa: S603
            [str(box.python), "-I", "-c", code], capture_output=True, text=True, check=False
        )
    except OSError:
        return False
    return answer.stdout.strip() == f"{sys.version_info.major}.{sys.version_info.minor}"


def _base_python() -> str:
    """The interpreter itself, also when the launcher runs inside an environment."""
    return getattr(sys, "_base_executable", None) or sys.executable


def _pip_install(box: Box, lock: Path) -> None:
    """Wheels only, each with its hash. -I keeps the current directory off pip's import path."""
    if (box.venv / "bin" / "pip").exists():
        pip = [str(box.python), "-I", "-m", "pip"]
    else:
        pip = [_base_python(), "-I", "-m", "pip", "--python", str(box.python)]
    options = ["--quiet", "--no-input", "--disable-pip-version-check", "--require-hashes"]
    command = [*pip, "install", *options, "--only-binary", ":all:", *_sources(box, lock)]
    hint = "" if "--no-index" in command else " from the configured package index"
    _run([*command, "-r", str(lock)], f"The packages could not be installed{hint}")


def _sources(box: Box, lock: Path) -> list[str]:
    """wheels/ alone when it is there; the test extras are often not in it."""
    wheels = box.code / "wheels"
    if not wheels.is_dir():
        return []
    if lock.name == "requirements-test.lock" and not any(wheels.glob("pytest-*.whl")):
        return ["--find-links", str(wheels)]
    return ["--no-index", "--find-links", str(wheels)]


def _run(command: list[str], failure: str) -> None:
    """Run quietly; on failure say what pip or venv said, shortly."""
    environment = {k: v for k, v in os.environ.items() if k not in PIP_DESTINATIONS}
    tether = [_base_python(), "-I", "-S", str(Path(__file__).with_name("tether.py")), "KILL"]
    result = subprocess.run(  # noqa: S603
        [*tether, *command],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        umask=0o022,
    )
    if result.returncode == 0:
        return
    lines = [line for line in (result.stdout + result.stderr).splitlines() if line.strip()]
    said = [line for line in lines if line.startswith("ERROR")] or lines
    tail = "\n".join(f"    {line[:300]}" for line in said[-4:])
    raise BoxError(f"{failure}:\n{tail}\nPut that right, then start again; nothing else was done.")
