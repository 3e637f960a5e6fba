"""Start at boot: a systemd unit that may write only the data directory.

The unit runs the launcher as the service user. Root has installed the code and the environment
before, and the service user cannot change them.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from appliance.launcher import datadir, environment, manifest, privileges, subprocesses, unit
from appliance.launcher.files import read_text
from appliance.launcher.layout import Installation
from appliance.launcher.terminal import LauncherError, say

NAME = "skerry.service"
UNIT = Path("/etc/systemd/system") / NAME
ENVIRONMENT_FILE = Path("/etc/skerry.env")
SYSTEMD_DIRECTORY = Path("/run/systemd/system")  # exists if systemd is the init system
UNIT_OPTIONS = (
    "SKERRY_DATA",
    "SKERRY_BIND",
    "SKERRY_PORT",
    "SKERRY_ROLE",
    "SKERRY_URL",
    "SKERRY_TLS_CERT",
    "SKERRY_TLS_KEY",
)  # options in the unit itself


def install(installation: Installation) -> int:
    """Write, verify and start the unit; a second call updates it."""
    manifest.ensure_unchanged(installation)
    _ensure_root("install a service", installation)
    _ensure_systemd(installation)
    _ensure_same_data(installation)
    privileges.ensure_service_user(installation)
    environment.ensure_installed(installation)
    privileges.ensure_access(installation)
    if installation.sockets != installation.run:
        raise LauncherError(
            f"{installation.data} is too long a path for a service: choose a shorter --data."
        )
    privileges.run_as_service_user(lambda: _ensure_data_unused(installation))
    _ensure_environment_file()
    is_changed = write(installation)
    _systemctl("enable", "--quiet", NAME)
    _systemctl("restart" if is_changed else "start", NAME)
    state = "started" if is_changed else "as it should be"
    say(f"{NAME} is {state}: {installation.public_address}/")
    say(f"Its output, with the set-up link: journalctl -u {NAME}")
    return 0


def uninstall(installation: Installation) -> int:
    """Remove the unit and the environment; the data stays."""
    served = find_installed()
    if served:
        _ensure_root("remove the service", installation)
        if served.code != installation.code:
            command = served.command("--uninstall")
            raise LauncherError(f"{NAME} runs the desk in {served.code}: {command}")
        if SYSTEMD_DIRECTORY.exists():
            _systemctl("disable", "--quiet", "--now", NAME)
        UNIT.unlink()
        if SYSTEMD_DIRECTORY.exists():
            _systemctl("daemon-reload")
        say(f"Removed {UNIT}.")
    data = (served or installation).data
    if privileges.run_as_service_user(lambda: datadir.lock_holder(served or installation)):
        command = (served or installation).command("stop")
        raise LauncherError(f"A desk still runs on {data}: stop it first ({command}).")
    if installation.venv.is_dir() and not installation.venv.is_symlink():
        shutil.rmtree(installation.venv)
        say(f"Removed {installation.venv}.")
    option = shlex.join(["--data", str(data)])
    say(f"The data stays in {data}; a desk started with {option} goes on with it.")
    if ENVIRONMENT_FILE.exists():
        say(f"The variables stay in {ENVIRONMENT_FILE}.")
    return 0


def start(installation: Installation) -> None:
    """Make the service run this installation."""
    write(installation)
    _systemctl("restart", NAME)


def stop() -> None:
    """Stop the service."""
    _systemctl("stop", NAME)


def find_installed() -> Installation | None:
    """Return the installation that the unit starts; None without a unit of ours."""
    for line in (read_text(UNIT) or "").splitlines():
        if line.startswith("Desk="):
            options = json.loads(line.removeprefix("Desk="))
            return Installation(
                **{**options, "code": Path(options["code"]), "data": Path(options["data"])}
            )
    return None


def write(installation: Installation) -> bool:
    """Write the unit and reload systemd. Return whether the unit has changed."""
    content = unit.render(installation, ENVIRONMENT_FILE, _variable_names())
    if read_text(UNIT) == content:
        return False
    _verify(content)
    temporary = UNIT.with_name(f".{UNIT.name}")
    temporary.write_text(content, encoding="utf-8")
    temporary.chmod(0o644)
    temporary.replace(UNIT)
    _systemctl("daemon-reload")
    return True


# --- preconditions


def _ensure_root(action: str, installation: Installation) -> None:
    if not privileges.is_root():
        command = shlex.join(
            ["sudo", sys.executable, str(installation.code / "launcher.py"), *sys.argv[1:]]
        )
        raise LauncherError(f"Only root can {action}: {command}")


def _ensure_systemd(installation: Installation) -> None:
    if not SYSTEMD_DIRECTORY.exists():
        raise LauncherError(
            "systemd does not run this machine, so no service was installed. Let your init system "
            "run this line in the foreground as root (which the desk gives up), restart it when "
            f"it fails, and stop it with SIGTERM and 150 s of patience:\n    "
            f"{shlex.join(unit.command(installation))}"
        )


def _ensure_same_data(installation: Installation) -> None:
    served = find_installed()
    if served and served.data != installation.data:
        raise LauncherError(
            f"{NAME} runs the desk on {served.data}: take it away first "
            f"({served.command('--uninstall')}, which leaves the data), or say "
            f"{shlex.join(['--data', str(served.data)])}."
        )


def _ensure_data_unused(installation: Installation) -> None:
    """Refuse data that a launcher other than the service uses. Run as the service user."""
    datadir.ensure_owned(installation)
    if datadir.lock_holder(installation) and not find_installed():
        raise LauncherError(
            f"A desk runs on {installation.data}: stop it first ({installation.command('stop')})."
        )


def _variable_names() -> set[str]:
    """Return the names of Skerry's variables that are set, in the file or in this shell."""
    lines = (read_text(ENVIRONMENT_FILE) or "").splitlines()
    return {line.partition("=")[0].strip() for line in lines} | set(_operator_variables())


def _operator_variables() -> dict[str, str]:
    """Return Skerry's variables in the environment of this shell, except the unit's options."""
    return {
        name: value
        for name, value in os.environ.items()
        if value and name not in UNIT_OPTIONS and subprocesses.is_passed_variable(name)
    }


def _ensure_environment_file() -> None:
    """Write the variables of this shell to a file for the service, unless the file exists."""
    variables = _operator_variables()
    if not variables:
        return
    if ENVIRONMENT_FILE.exists():
        say(
            f"{ENVIRONMENT_FILE} exists and stays as it is: "
            f"{', '.join(sorted(variables))} not written to it."
        )
        return
    lines = [f"{name}={unit.quoted_variable(value)}\n" for name, value in sorted(variables.items())]
    descriptor = os.open(ENVIRONMENT_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.writelines(lines)
    say(f"Wrote {', '.join(sorted(variables))} to {ENVIRONMENT_FILE}, which only root can read.")


# --- systemd


def _verify(content: str) -> None:
    """Check the unit with systemd-analyze, if it is installed."""
    program = shutil.which("systemd-analyze")
    if program is None:
        return
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / NAME
        file.write_text(content, encoding="utf-8")
        result = subprocess.run(  # noqa: S603
            [program, "verify", "--man=no", str(file)], capture_output=True, text=True, check=False
        )
    if errors := [line for line in result.stderr.splitlines() if NAME in line]:
        raise LauncherError(f"systemd does not accept the unit: {errors[0]}")


def _systemctl(*arguments: str) -> None:
    program = shutil.which("systemctl", path="/usr/bin:/bin")
    if program is None:
        raise LauncherError(
            "This machine has no systemctl: install systemd, or see docs/operating.md."
        )
    result = subprocess.run(  # noqa: S603
        [program, *arguments], capture_output=True, text=True, check=False
    )
    if result.returncode:
        reason = (result.stderr or result.stdout).strip().splitlines() or ["no reason given"]
        raise LauncherError(
            f"systemctl {' '.join(arguments)}: {reason[0]}\nSee journalctl -u {NAME}."
        )
