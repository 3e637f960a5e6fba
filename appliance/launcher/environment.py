"""The virtual environment .venv, filled from requirements.lock."""

import contextlib
import fcntl
import hashlib
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from appliance.launcher import manifest
from appliance.launcher.files import read_json, read_text
from appliance.launcher.layout import Installation
from appliance.launcher.terminal import LauncherError, say

STAMP_FILE = "skerry.json"
PIP_LOCK = "requirements-pip.lock"
# What pip says about an index that cannot be reached; the reason is behind the last colon.
NO_ANSWER = r"after connection broken by '(?:[^\n]*: )?([^:\n]*?)[\")]*'(?:\)|:)"
GIVEN_UP = ("Could not find a version", "Max retries exceeded")
LOCK_TIMEOUT_SECONDS = 900
# The operator may configure the index that pip uses, but not where it installs.
PIP_TARGET_VARIABLES = (
    "PIP_TARGET",
    "PIP_PREFIX",
    "PIP_ROOT",
    "PIP_USER",
    "PIP_REQUIRE_VIRTUALENV",
)


def ensure_installed(installation: Installation, *, extra: str = "") -> None:
    """Install the locked packages, unless they are installed.

    ``extra="test"`` uses requirements-test.lock.
    """
    if is_installed(installation, extra=extra):
        return
    try:
        _install(installation, extra)
    except OSError as error:
        raise LauncherError(
            f"The environment {installation.venv} cannot be written ({error.strerror}): run "
            f"{installation.command('install')} once as a user who may write to "
            f"{installation.code}, or copy Skerry to a folder of your own. The data may be "
            "elsewhere (--data)."
        ) from error


def _install(installation: Installation, extra: str) -> None:
    lock_file = _lock_file(installation, extra)
    with _install_lock(lock_file):
        if is_installed(installation, extra=extra):  # by another launcher meanwhile
            return
        key, label = extra or "run", f"{extra} environment" if extra else "environment"
        if key in _read_stamp(installation):
            say(f"Updating the {label} ...")
        else:
            say(f"Installing the {label} (first start only) ...")
        _ensure_venv(installation)
        stamp = _read_stamp(installation)
        others = {name: stamp[name] for name in stamp if name not in (key, "installing")}
        _write_stamp(installation, {"installing": True, **others})
        _pip_install(installation, lock_file)
        _write_stamp(installation, {**others, key: _fingerprint(lock_file)})


def is_installed(installation: Installation, *, extra: str = "") -> bool:
    """Return whether the environment matches the lock file; changes nothing."""
    fingerprint = _fingerprint(_lock_file(installation, extra))
    return (
        _read_stamp(installation).get(extra or "run") == fingerprint
        and installation.python.exists()
    )


def _lock_file(installation: Installation, extra: str) -> Path:
    return installation.code / f"requirements{f'-{extra}' if extra else ''}.lock"


def _fingerprint(lock_file: Path) -> str:
    """Return the version of Python and the digest of the lock file."""
    try:
        content = lock_file.read_bytes()
    except OSError as error:
        raise LauncherError(
            f"{lock_file} cannot be read ({error.strerror}): clone Skerry again."
        ) from error
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return f"{version} {hashlib.sha256(content).hexdigest()}"


def _read_stamp(installation: Installation) -> dict[str, str]:
    return read_json(installation.venv / STAMP_FILE)


def _write_stamp(installation: Installation, stamp: dict[str, object]) -> None:
    temporary = installation.venv / f".{STAMP_FILE}"
    temporary.write_text(json.dumps(stamp), encoding="utf-8")
    temporary.chmod(0o644)  # root may have a strict umask, and the service user reads it
    temporary.replace(installation.venv / STAMP_FILE)


@contextlib.contextmanager
def _install_lock(lock_file: Path) -> Iterator[None]:
    """Let one launcher install at a time: Skerry and a test run may start together."""
    with lock_file.open("rb") as stream:
        deadline = time.monotonic() + LOCK_TIMEOUT_SECONDS
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
    """Create the virtual environment, unless it is complete and its Python runs."""
    if installation.venv.exists() and _is_usable(installation):
        return
    if reason := obstacle(installation):
        raise LauncherError(f"{reason} Then start again; nothing was done.")
    if installation.venv.exists():
        shutil.rmtree(installation.venv)
    installation.venv.mkdir()
    installation.venv.chmod(0o755)
    _write_stamp(installation, {"installing": True})
    command = [_base_python(), "-I", "-m", "venv", str(installation.venv)]
    if _bundled_pip(installation) or importlib.util.find_spec("ensurepip") is None:
        command.insert(-1, "--without-pip")
    _run(command, f"The environment {installation.venv} could not be made")


def obstacle(installation: Installation) -> str | None:
    """Return why this Python cannot make the environment, with the remedy; None if it can."""
    pythons = _pythons_of_wheels(installation)
    if pythons and sys.version_info[:2] not in pythons:
        versions = [f"{major}.{minor}" for major, minor in sorted(pythons)]
        return (
            f"The packages in {installation.code / 'wheels'} are for Python {', '.join(versions)} "
            f"and this is {platform.python_version()}: start it with one of those "
            f"(python{versions[-1]} launcher.py), or use a bundle for this one."
        )
    has_pip = any(importlib.util.find_spec(name) for name in ("ensurepip", "pip"))
    if importlib.util.find_spec("venv") and (has_pip or _bundled_pip(installation)):
        return None
    return (
        "This Python has neither ensurepip nor pip, so the environment cannot be made: install "
        "them (Debian, Ubuntu: apt install python3-venv), or use a release bundle, which brings "
        "its own."
    )


def _pythons_of_wheels(installation: Installation) -> set[tuple[int, int]]:
    """Return the versions of Python for which wheels/ holds compiled packages."""
    names = [wheel.name for wheel in (installation.code / "wheels").glob("*.whl")]
    matches = [re.search(r"-cp3(\d+)-cp3\1-", name) for name in names]
    return {(3, int(match[1])) for match in matches if match}


def _bundled_pip(installation: Installation) -> Path | None:
    """Return the wheel of pip in wheels/, if it is the locked one; a wheel can be run."""
    locked = read_text(installation.code / PIP_LOCK) or ""
    wheels = (installation.code / "wheels").glob("pip-*.whl")
    return next((wheel for wheel in wheels if manifest.sha256_of(wheel) in locked), None)


def _is_usable(installation: Installation) -> bool:
    """Return whether the environment is complete and its Python runs and has our version."""
    stamp = _read_stamp(installation)
    versions = {stamp[key].split()[0] for key in stamp if key != "installing"}
    if stamp.get("installing") or versions - {f"{sys.version_info.major}.{sys.version_info.minor}"}:
        return False
    code = "import sys, encodings; print('%d.%d' % sys.version_info[:2])"
    try:
        result = subprocess.run(  # noqa: S603
            [str(installation.python), "-I", "-c", code],
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return False
    return result.stdout.strip() == f"{sys.version_info.major}.{sys.version_info.minor}"


def _base_python() -> str:
    """Return the system's interpreter, also when the launcher runs in an environment."""
    return getattr(sys, "_base_executable", None) or sys.executable


def _pip_install(installation: Installation, lock_file: Path) -> None:
    """Install wheels with their hashes. -I keeps the working directory off the import path."""
    if wheel := _bundled_pip(installation):
        pip = [_base_python(), "-I", f"{wheel}/pip", "--python", str(installation.python)]
    elif (installation.venv / "bin" / "pip").exists():
        pip = [str(installation.python), "-I", "-m", "pip"]
    else:
        pip = [_base_python(), "-I", "-m", "pip", "--python", str(installation.python)]
    options = ["--quiet", "--no-input", "--disable-pip-version-check", "--require-hashes"]
    options += ["--retries", "2"]
    command = [
        *pip,
        "install",
        *options,
        "--only-binary",
        ":all:",
        *_sources(installation, lock_file),
    ]
    hint = "" if "--no-index" in command else " from the configured package index"
    _run([*command, "-r", str(lock_file)], f"The packages could not be installed{hint}")


def _sources(installation: Installation, lock_file: Path) -> list[str]:
    """Return options to use only wheels/ if it exists, or also the index for test packages."""
    wheels = installation.code / "wheels"
    if not wheels.is_dir():
        return []
    if lock_file.name == "requirements-test.lock" and not any(wheels.glob("pytest-*.whl")):
        return ["--find-links", str(wheels)]
    return ["--no-index", "--find-links", str(wheels)]


def _run(command: list[str], failure: str) -> None:
    """Run quietly; on failure raise LauncherError with the errors of pip or venv."""
    variables = {
        name: value for name, value in os.environ.items() if name not in PIP_TARGET_VARIABLES
    }
    script = str(Path(__file__).with_name("parent_death_signal.py"))
    tied_to_parent = [_base_python(), "-I", "-S", script, "KILL"]
    result = subprocess.run(  # noqa: S603
        [*tied_to_parent, *command],
        env=variables,
        capture_output=True,
        text=True,
        check=False,
        umask=0o022,
    )
    if result.returncode == 0:
        return
    output = result.stdout + result.stderr
    reason = re.search(NO_ANSWER, output)
    if reason and any(text in output for text in GIVEN_UP):
        raise LauncherError(
            f"{failure}: no package index answered ({reason[1]}). Connect this machine to an index "
            "(pip's own settings name it), or use a release bundle, which brings all packages: see "
            '"Signed release bundle" in docs/operating.md. Nothing else was done.'
        )
    lines = [line for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")] or lines
    tail = "\n".join(f"    {line[:300]}" for line in errors[-4:])
    raise LauncherError(
        f"{failure}:\n{tail}\nPut that right, then start again; nothing else was done."
    )
