"""Python subprocesses: their environment, and management commands."""

import contextlib
import json
import os
import subprocess
import time
from typing import Any

from appliance.launcher.layout import Installation
from appliance.launcher.terminal import LauncherError, with_log_tail

# Variables passed to Skerry's processes; the rest of the launcher's environment is not.
PASSED_VARIABLES = (
    "SECRET_KEY",
    "DEBUG",
    "DATABASE_URL",
    "DATABASE_PASSWORD",
    "REDIS_URL",
    "REDIS_PASSWORD",
)
# Passed only to commands that change the schema, never to web and worker.
OWNER_VARIABLES = ("DATABASE_OWNER_URL", "DATABASE_OWNER_PASSWORD")
PASSED_PREFIX = "SKERRY_"
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
TERMINAL_VARIABLES = ("TZ", "TERM", "COLUMNS", "NO_COLOR", "PYTEST_ADDOPTS", "CI")
SECRET_FILES = (
    ("SECRET_KEY", "secret_key"),
    ("DATABASE_URL", "database_url"),
    ("REDIS_URL", "redis_url"),
)
OWNER_SECRET_FILES = (("DATABASE_OWNER_URL", "database_owner_url"),)


def environment(installation: Installation, *, as_owner: bool = False) -> dict[str, str]:
    """Return the complete environment of a subprocess. Secrets of the operator are unchanged.

    ``as_owner``: with the database role that owns the tables, if there is one.
    """
    operator_values = {
        name: value
        for name, value in os.environ.items()
        if _is_passed(installation, name, as_owner=as_owner)
    }
    has_owner = as_owner and installation.has_own_database
    terminal_values = {name: os.environ[name] for name in TERMINAL_VARIABLES if name in os.environ}
    secret_files = {
        f"{name}_FILE": str(installation.secrets / file)
        for name, file in SECRET_FILES + (OWNER_SECRET_FILES if has_owner else ())
        if not operator_values.get(name) and not operator_values.get(f"{name}_FILE")
    }
    return {
        **terminal_values,
        **operator_values,
        **secret_files,
        "PATH": f"{installation.venv / 'bin'}:{SYSTEM_PATH}",
        "HOME": str(installation.data),
        "XDG_DATA_HOME": str(installation.data),  # where Caddy makes its folder
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "PYTHONPATH": str(installation.code),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "ORT_DISABLE_TELEMETRY": "1",  # ONNX Runtime would contact Microsoft
        "OPENBLAS_NUM_THREADS": "1",  # threads of numpy wait for each other where cores are busy
        "DJANGO_SETTINGS_MODULE": "appliance.settings",
        "SKERRY_DATA": str(installation.data),
        "SKERRY_BIND": installation.bind,
        "SKERRY_PORT": str(installation.port),
        "SKERRY_ROLE": installation.role,
        "SKERRY_URL": installation.url,
        "SKERRY_TRUSTED_PROXIES": ",".join(installation.trusted_proxies),
        "SKERRY_INSECURE_HTTP": str(installation.is_exposed).lower(),
        "SKERRY_WEB_PROCESSES": str(installation.web_processes),
    }


def _is_passed(installation: Installation, name: str, *, as_owner: bool) -> bool:
    plain = name.removesuffix("_FILE")
    if plain in OWNER_VARIABLES and not as_owner:
        return False
    if installation.testing and plain != "DEBUG" and plain in PASSED_VARIABLES + OWNER_VARIABLES:
        return False  # tests must not use the servers of the site
    return is_passed_variable(name)


def is_passed_variable(name: str) -> bool:
    """Return whether Skerry reads this variable or its ``_FILE`` form."""
    plain = name.removesuffix("_FILE")
    return plain in PASSED_VARIABLES + OWNER_VARIABLES or name.startswith(PASSED_PREFIX)


def tied_to_parent(installation: Installation, signal: str, command: list[str]) -> list[str]:
    """Return a command line that gets this signal from the kernel when its parent dies."""
    script = installation.code / "appliance" / "launcher" / "parent_death_signal.py"
    return [str(installation.python), "-I", "-S", str(script), signal, *command]


def prepare(installation: Installation) -> dict[str, Any]:
    """Run ``prepare``: check, migrate, collect static files. Return its report."""
    return _report(installation, "prepare", "The desk could not be prepared", as_owner=True)


def load_demo(installation: Installation) -> dict[str, Any]:
    """Load the demo data. Return the log-ins and the file with their password."""
    return _report(installation, "load_demo", "The demo desk could not be loaded")


def _report(
    installation: Installation, name: str, failure: str, *, as_owner: bool = False
) -> dict[str, Any]:
    """Run a management command and return the JSON object in the last line of its output."""
    output = run_django(installation, name, failure, as_owner=as_owner)
    try:
        report = json.loads(output.strip().splitlines()[-1])
    except (IndexError, ValueError):
        report = None
    if not isinstance(report, dict):
        raise with_log_tail(f"{name} ended without a report.", installation.logs / f"{name}.log")
    return report


def run_django(
    installation: Installation, name: str, failure: str, *, as_owner: bool = False
) -> str:
    """Run one management command to its end; its standard output, or the reason it failed."""
    log = installation.logs / f"{name}.log"
    result = subprocess.run(  # noqa: S603
        tied_to_parent(installation, "TERM", [str(installation.python), "-m", "django", name]),
        cwd=installation.code,
        env=environment(installation, as_owner=as_owner),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    # The standard output of prepare contains the set-up link, which must not be logged.
    _write_log(log, result.stderr if name == "prepare" else result.stdout + result.stderr)
    if result.returncode:
        raise LauncherError(
            f"{failure}: {_reason(result.stderr)}\nThe complete output is in {log}."
        )
    return result.stdout


def _reason(stderr: str) -> str:
    """Return the message of a CommandError, else the last line of the traceback."""
    _, separator, message = stderr.rpartition("CommandError: ")
    lines = stderr.strip().splitlines() or ["no reason given"]
    return " ".join((message if separator else lines[-1]).split())


def _write_log(log: os.PathLike[str], text: str) -> None:
    """Write the log of a command, readable by the owner only; a full disk is no reason to fail."""
    with contextlib.suppress(OSError):
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(f"--- {time.strftime('%Y-%m-%d %H:%M:%S')}\n{text}")
