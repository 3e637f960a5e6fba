"""Start at boot: a systemd unit that may write its data directory and nothing else.

The unit starts the launcher as the service user, never as root: what it executes was installed by
root beforehand, and it cannot change that.
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
from appliance.launcher.errors import LauncherError
from appliance.launcher.files import read_text
from appliance.launcher.layout import Installation
from appliance.launcher.terminal import say

NAME = "skerry.service"
UNIT = Path("/etc/systemd/system") / NAME
VARIABLES = Path("/etc/skerry.env")
SYSTEMD_RUNS = Path("/run/systemd/system")  # there exactly while systemd is the init system
OPTIONS = ("SKERRY_DATA", "SKERRY_BIND", "SKERRY_PORT", "SKERRY_ROLE")  # stand in the unit itself


def install(installation: Installation) -> int:
    """Write, check and start the unit; a second call changes what differs."""
    manifest.ensure_whole(installation)
    _ensure_root("install a service", installation)
    _ensure_systemd(installation)
    _ensure_same_data(installation)
    privileges.ensure_service_user(installation)
    environment.ensure_installed(installation)
    privileges.hand_over(installation)
    if installation.sockets != installation.run:
        raise LauncherError(
            f"{installation.data} is too long a path for a service: choose a shorter --data."
        )
    privileges.ask_as_service_user(lambda: _ensure_data_is_free(installation))
    _keep_variables()
    changed = write(installation)
    _systemctl("enable", "--quiet", NAME)
    _systemctl("restart" if changed else "start", NAME)
    say(f"{NAME} is {'started' if changed else 'as it should be'}: {installation.address}/")
    say(f"What it says, the set-up link too: journalctl -u {NAME}")
    return 0


def uninstall(installation: Installation) -> int:
    """Take away the unit and the environment; what people wrote stays."""
    there = installed()
    if there:
        _ensure_root("remove the service", installation)
        if there.code != installation.code:
            command = f"python3 {there.code / 'launcher.py'} --uninstall"
            raise LauncherError(f"{NAME} runs the desk in {there.code}: {command}")
        if SYSTEMD_RUNS.exists():
            _systemctl("disable", "--quiet", "--now", NAME)
        UNIT.unlink()
        if SYSTEMD_RUNS.exists():
            _systemctl("daemon-reload")
        say(f"Removed {UNIT}.")
    desk = there or installation
    if privileges.ask_as_service_user(lambda: datadir.holder(desk)):
        raise LauncherError(f"A desk still runs on {desk.data}: stop it first (launcher.py stop).")
    if installation.venv.is_dir() and not installation.venv.is_symlink():
        shutil.rmtree(installation.venv)
        say(f"Removed {installation.venv}.")
    say(f"The data stays in {desk.data}; a desk started with --data {desk.data} goes on with it.")
    if VARIABLES.exists():
        say(f"The variables stay in {VARIABLES}.")
    return 0


def start(installation: Installation) -> None:
    """Let the service run this code from now on."""
    write(installation)
    _systemctl("restart", NAME)


def stop() -> None:
    """Stop the desk the service runs, until it is started again."""
    _systemctl("stop", NAME)


def installed() -> Installation | None:
    """The desk the unit starts, None when there is none of ours."""
    for line in (read_text(UNIT) or "").splitlines():
        if line.startswith("Desk="):
            options = json.loads(line.removeprefix("Desk="))
            return Installation(
                **{**options, "code": Path(options["code"]), "data": Path(options["data"])}
            )
    return None


def write(installation: Installation) -> bool:
    """Write the unit of this desk and let systemd read it; whether that changed anything."""
    content = unit.text(installation, VARIABLES, _named())
    if read_text(UNIT) == content:
        return False
    _verify(content)
    temporary = UNIT.with_name(f".{UNIT.name}")
    temporary.write_text(content, encoding="utf-8")
    temporary.chmod(0o644)
    temporary.replace(UNIT)
    _systemctl("daemon-reload")
    return True


# --- what must hold before


def _ensure_root(what: str, installation: Installation) -> None:
    if not privileges.is_root():
        again = shlex.join(
            ["sudo", sys.executable, str(installation.code / "launcher.py"), *sys.argv[1:]]
        )
        raise LauncherError(f"Only root can {what}: {again}")


def _ensure_systemd(installation: Installation) -> None:
    if not SYSTEMD_RUNS.exists():
        raise LauncherError(
            "systemd does not run this machine, so no service was installed. Let your init system "
            "run this line in the foreground as root (which the desk gives up), restart it when "
            f"it fails, and stop it with SIGTERM and 150 s of patience:\n    "
            f"{shlex.join(unit.command(installation))}"
        )


def _ensure_same_data(installation: Installation) -> None:
    there = installed()
    if there and there.data != installation.data:
        raise LauncherError(
            f"{NAME} runs the desk on {there.data}: take it away first (launcher.py --uninstall, "
            f"which leaves the data), or say --data {there.data}."
        )


def _ensure_data_is_free(installation: Installation) -> None:
    """Run as the service user. The service's own desk may hold its data, nobody else."""
    datadir.ensure_ours(installation)
    there = installed()
    if datadir.holder(installation) and not there:
        raise LauncherError(
            f"A desk runs on {installation.data}: stop it first (python3 launcher.py stop)."
        )


def _named() -> set[str]:
    """The desk's variables that are set: in the file, or in this shell."""
    lines = (read_text(VARIABLES) or "").splitlines()
    return {line.partition("=")[0].strip() for line in lines} | set(_from_environment())


def _from_environment() -> dict[str, str]:
    """The desk's variables in the environment of whoever installs."""
    return {
        name: value
        for name, value in os.environ.items()
        if value and name not in OPTIONS and subprocesses.is_for_the_desk(name)
    }


def _keep_variables() -> None:
    """A service does not see the shell it was installed from: keep what that had, once."""
    variables = _from_environment()
    if not variables:
        return
    if VARIABLES.exists():
        say(
            f"{VARIABLES} exists and stays as it is: {', '.join(sorted(variables))} not written "
            "to it."
        )
        return
    lines = [f"{name}={unit.variable(value)}\n" for name, value in sorted(variables.items())]
    descriptor = os.open(VARIABLES, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.writelines(lines)
    say(f"Kept {', '.join(sorted(variables))} in {VARIABLES}, for root's eyes only.")


# --- systemd


def _verify(content: str) -> None:
    """Ask systemd what it makes of the text, where the program for that is there."""
    program = shutil.which("systemd-analyze")
    if program is None:
        return
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / NAME
        file.write_text(content, encoding="utf-8")
        result = subprocess.run(  # noqa: S603
            [program, "verify", "--man=no", str(file)], capture_output=True, text=True, check=False
        )
    if wrong := [line for line in result.stderr.splitlines() if NAME in line]:
        raise LauncherError(f"systemd does not accept the unit: {wrong[0]}")


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
