"""The Python processes of the desk: the environment they get and the commands run to the end."""

import json
import os
import subprocess
import time
from typing import Any

from appliance.launcher.errors import LauncherError, with_log_tail
from appliance.launcher.layout import Installation

# What the operator may hand to the desk; everything else in the launcher's environment stays out.
PASSED_ON = (
    "SECRET_KEY",
    "DEBUG",
    "DATABASE_URL",
    "DATABASE_PASSWORD",
    "REDIS_URL",
    "REDIS_PASSWORD",
)
PASSED_ON_PREFIX = "SKERRY_"
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
SURROUNDINGS = ("TZ", "TERM", "COLUMNS", "NO_COLOR", "PYTEST_ADDOPTS", "CI")
SECRET_FILES = (
    ("SECRET_KEY", "secret_key"),
    ("DATABASE_URL", "database_url"),
    ("REDIS_URL", "redis_url"),
)


def environment(installation: Installation) -> dict[str, str]:
    """The whole environment of a child. A secret the operator gave is passed on as it came."""
    operator_values = {
        name: value for name, value in os.environ.items() if _is_passed_on(installation, name)
    }
    surroundings = {name: os.environ[name] for name in SURROUNDINGS if name in os.environ}
    secret_files = {
        f"{name}_FILE": str(installation.secrets / file)
        for name, file in SECRET_FILES
        if not operator_values.get(name) and not operator_values.get(f"{name}_FILE")
    }
    return {
        **surroundings,
        **operator_values,
        **secret_files,
        "PATH": f"{installation.venv / 'bin'}:{SYSTEM_PATH}",
        "HOME": str(installation.data),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "PYTHONPATH": str(installation.code),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "ORT_DISABLE_TELEMETRY": "1",  # ONNX Runtime would report to its maker
        "DJANGO_SETTINGS_MODULE": "appliance.settings",
        "SKERRY_DATA": str(installation.data),
        "SKERRY_BIND": installation.bind,
        "SKERRY_PORT": str(installation.port),
        "SKERRY_ROLE": installation.role,
        "SKERRY_WEB_PROCESSES": str(installation.web_processes),
    }


def _is_passed_on(installation: Installation, name: str) -> bool:
    plain = name.removesuffix("_FILE")
    if installation.testing and plain != "DEBUG" and plain in PASSED_ON:
        return False  # tests never touch a site's own servers
    return is_for_the_desk(name)


def is_for_the_desk(name: str) -> bool:
    """Whether the desk reads this variable, or its file."""
    return name.removesuffix("_FILE") in PASSED_ON or name.startswith(PASSED_ON_PREFIX)


def tied_to_parent(installation: Installation, signal: str, command: list[str]) -> list[str]:
    """The command, run so that the kernel sends it this signal when its parent dies."""
    guard = installation.code / "appliance" / "launcher" / "parent_death_signal.py"
    return [str(installation.python), "-I", "-S", str(guard), signal, *command]


def prepare(installation: Installation) -> dict[str, Any]:
    """Migrate, check, collect: what ``python -m django prepare`` reports as its last line."""
    return _report(installation, "prepare", "The desk could not be prepared")


def load_demo(installation: Installation) -> dict[str, Any]:
    """Who can log in to the demo desk, and where their password is."""
    return _report(installation, "load_demo", "The demo desk could not be loaded")


def _report(installation: Installation, name: str, failure: str) -> dict[str, Any]:
    """The JSON object that is a command's last line."""
    output = run_django(installation, name, failure)
    try:
        report = json.loads(output.strip().splitlines()[-1])
    except (IndexError, ValueError):
        report = None
    if not isinstance(report, dict):
        raise with_log_tail(f"{name} did not say how it ended.", installation.logs / f"{name}.log")
    return report


def run_django(installation: Installation, name: str, failure: str) -> str:
    """Run one management command to its end; its standard output, or the reason it failed."""
    log = installation.logs / f"{name}.log"
    result = subprocess.run(  # noqa: S603
        tied_to_parent(installation, "TERM", [str(installation.python), "-m", "django", name]),
        cwd=installation.code,
        env=environment(installation),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    _write_log(log, result.stderr if name == "prepare" else result.stdout + result.stderr)
    if result.returncode:
        raise LauncherError(f"{failure}: {_reason(result.stderr)}\nThe whole story is in {log}.")
    return result.stdout


def _reason(stderr: str) -> str:
    """What a management command gave as its reason; of a traceback, the last line."""
    _, is_told, reason = stderr.rpartition("CommandError: ")
    lines = stderr.strip().splitlines() or ["no reason given"]
    return " ".join((reason if is_told else lines[-1]).split())


def _write_log(log: os.PathLike[str], text: str) -> None:
    """Keep what the command said. Its standard output may hold the set-up link, so not that."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(f"--- {time.strftime('%Y-%m-%d %H:%M:%S')}\n{text}")
