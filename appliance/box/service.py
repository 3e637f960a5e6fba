"""Start at boot: a systemd unit that may write its data directory and nothing else.

The unit starts the launcher as the service user, never as root: what it executes was installed by
root beforehand, and it cannot change that.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from appliance.box import children, datadir, environment, identity, manifest
from appliance.box.errors import BoxError
from appliance.box.files import read_text
from appliance.box.layout import Box
from appliance.box.terminal import say

NAME = "skerry.service"
UNIT = Path("/etc/systemd/system") / NAME
VARIABLES = Path("/etc/skerry.env")
SYSTEMD_RUNS = Path("/run/systemd/system")  # there exactly while systemd is the init system
LOOPBACK = ("127.0.0.1", "::1", "localhost")
HOMES = ("/home", "/root", "/run/user")
OTHER_HOSTS = ("DATABASE_URL", "REDIS_URL", "SKERRY_SMTP_HOST")
OPTIONS = ("SKERRY_DATA", "SKERRY_BIND", "SKERRY_PORT", "SKERRY_ROLE")  # stand in the unit itself

TEXT = """\
# Written by launcher.py --install-service, which writes it again. Changes of your own belong in
# "systemctl edit skerry", variables of the desk in {variables}.
[Unit]
Description=Skerry help desk
After=network.target

[Service]
Type=exec
User={user}
Group={user}
ExecStart={command}
EnvironmentFile=-{variables}
KillMode=mixed
TimeoutStopSec=150
Restart=on-failure
RestartSec=5
UMask=0077

# It writes its data directory and sees no other user's files.
ProtectSystem=strict
ReadWritePaths={data}
ProtectHome={homes}
PrivateTmp=yes
PrivateDevices=yes
ProtectProc=invisible

# It gains no rights, and asks the kernel for nothing a service does not need.
NoNewPrivileges=yes
CapabilityBoundingSet=
RestrictSUIDSGID=yes
RestrictNamespaces=yes
RestrictRealtime=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged
SystemCallFilter=@chown
SystemCallErrorNumber=EPERM
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes

# {network_words}
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
{network_rules}
[Install]
WantedBy=multi-user.target

[X-Skerry]
Desk={desk}
"""


def install(box: Box) -> int:
    """Write, check and start the unit; a second call changes what differs."""
    manifest.ensure_whole(box)
    _ensure_root("install a service", box)
    _ensure_systemd(box)
    _ensure_same_data(box)
    identity.ensure_service_user(box)
    environment.ensure_installed(box)
    identity.hand_over(box)
    if box.sockets != box.run:
        raise BoxError(f"{box.data} is too long a path for a service: choose a shorter --data.")
    identity.ask_as_service_user(lambda: _ensure_data_is_free(box))
    _keep_variables()
    changed = write(box)
    _systemctl("enable", "--quiet", NAME)
    _systemctl("restart" if changed else "start", NAME)
    say(f"{NAME} is {'started' if changed else 'as it should be'}: {box.address}/")
    say(f"What it says, the set-up link too: journalctl -u {NAME}")
    return 0


def uninstall(box: Box) -> int:
    """Take away the unit and the environment; what people wrote stays."""
    there = installed()
    if there:
        _ensure_root("remove the service", box)
        if there.code != box.code:
            command = f"python3 {there.code / 'launcher.py'} --uninstall"
            raise BoxError(f"{NAME} runs the desk in {there.code}: {command}")
        if SYSTEMD_RUNS.exists():
            _systemctl("disable", "--quiet", "--now", NAME)
        UNIT.unlink()
        if SYSTEMD_RUNS.exists():
            _systemctl("daemon-reload")
        say(f"Removed {UNIT}.")
    desk = there or box
    if identity.ask_as_service_user(lambda: datadir.holder(desk)):
        raise BoxError(f"A desk still runs on {desk.data}: stop it first (launcher.py stop).")
    if box.venv.is_dir() and not box.venv.is_symlink():
        shutil.rmtree(box.venv)
        say(f"Removed {box.venv}.")
    say(f"The data stays in {desk.data}; a desk started with --data {desk.data} goes on with it.")
    if VARIABLES.exists():
        say(f"The variables stay in {VARIABLES}.")
    return 0


def installed() -> Box | None:
    """The desk the unit starts, None when there is none of ours."""
    for line in (read_text(UNIT) or "").splitlines():
        if line.startswith("Desk="):
            said = json.loads(line.removeprefix("Desk="))
            return Box(**{**said, "code": Path(said["code"]), "data": Path(said["data"])})
    return None


def write(box: Box) -> bool:
    """Write the unit of this desk and let systemd read it; whether that changed anything."""
    wanted = text(box)
    if read_text(UNIT) == wanted:
        return False
    _verify(wanted)
    temporary = UNIT.with_name(f".{UNIT.name}")
    temporary.write_text(wanted, encoding="utf-8")
    temporary.chmod(0o644)
    temporary.replace(UNIT)
    _systemctl("daemon-reload")
    return True


def text(box: Box) -> str:
    """The unit. Everything in it is absolute, so it means the same whoever starts it."""
    is_home = any(_lies_in(path, HOMES) for path in (box.code, box.data, Path(sys.executable)))
    inward = _stays_on_this_machine(box)
    desk = {key: getattr(box, key) for key in ("bind", "port", "role")}
    return TEXT.format(
        user=identity.SERVICE_USER,
        command=" ".join(_quoted(word) for word in command(box)),
        variables=VARIABLES,
        data=_quoted(str(box.data), in_command=False),
        homes="read-only" if is_home else "yes",
        network_words="It answers on this machine only, and can reach nothing beyond it."
        if inward
        else "It answers on the network. What it may reach is for the site's firewall to say.",
        network_rules="IPAddressDeny=any\nIPAddressAllow=localhost\n" if inward else "",
        desk=json.dumps({"code": str(box.code), "data": str(box.data), **desk}),
    )


def command(box: Box) -> list[str]:
    """The launcher with every option in full."""
    python = os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)
    options = {"data": box.data, "bind": box.bind, "port": box.port, "role": box.role}
    given = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    return [python, str(box.code / "launcher.py"), *given]


# --- what must hold before


def _ensure_root(what: str, box: Box) -> None:
    if not identity.is_root():
        again = shlex.join(["sudo", sys.executable, str(box.code / "launcher.py"), *sys.argv[1:]])
        raise BoxError(f"Only root can {what}: {again}")


def _ensure_systemd(box: Box) -> None:
    if not SYSTEMD_RUNS.exists():
        raise BoxError(
            "systemd does not run this machine, so no service was installed. Let your init system "
            "run this line in the foreground as root (which the desk gives up), restart it when "
            f"it fails, and stop it with SIGTERM and 150 s of patience:\n    "
            f"{shlex.join(command(box))}"
        )


def _ensure_same_data(box: Box) -> None:
    there = installed()
    if there and there.data != box.data:
        raise BoxError(
            f"{NAME} runs the desk on {there.data}: take it away first (launcher.py --uninstall, "
            f"which leaves the data), or say --data {there.data}."
        )


def _ensure_data_is_free(box: Box) -> None:
    """Run as the service user. The service's own desk may hold its data, nobody else."""
    datadir.ensure_ours(box)
    there = installed()
    if datadir.holder(box) and not there:
        raise BoxError(f"A desk runs on {box.data}: stop it first (python3 launcher.py stop).")


# --- the words of the unit


def _stays_on_this_machine(box: Box) -> bool:
    """Whether the desk has no business beyond this machine, and nobody beyond it asks."""
    lines = (read_text(VARIABLES) or "").splitlines()
    named = {line.partition("=")[0].strip().removesuffix("_FILE") for line in lines}
    named |= {name.removesuffix("_FILE") for name in _given()}
    return box.bind in LOOPBACK and not named & set(OTHER_HOSTS)


def _lies_in(path: Path, folders: tuple[str, ...]) -> bool:
    real = Path(os.path.realpath(path))
    return any(each.is_relative_to(folder) for each in (path, real) for folder in folders)


def _quoted(word: str, *, in_command: bool = True) -> str:
    """One word for systemd, in which % and (in commands) $ mean nothing."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped.replace("$", "$$") if in_command else escaped}"'


def _given() -> dict[str, str]:
    """The desk's variables in the environment of whoever installs."""
    return {
        name: value
        for name, value in os.environ.items()
        if value and name not in OPTIONS and children.is_for_the_desk(name)
    }


def _keep_variables() -> None:
    """A service does not see the shell it was installed from: keep what that had, once."""
    given = _given()
    if not given:
        return
    if VARIABLES.exists():
        say(f"{VARIABLES} exists and stays as it is: {', '.join(sorted(given))} not written to it.")
        return
    lines = [f"{name}={_variable(value)}\n" for name, value in sorted(given.items())]
    descriptor = os.open(VARIABLES, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.writelines(lines)
    say(f"Kept {', '.join(sorted(given))} in {VARIABLES}, for root's eyes only.")


def _variable(value: str) -> str:
    """In double quotes, where systemd reads these four with a backslash before them."""
    return '"' + re.sub(r'([\\"$`])', r"\\\1", value) + '"'


# --- systemd


def _verify(wanted: str) -> None:
    """Ask systemd what it makes of the text, where the program for that is there."""
    program = shutil.which("systemd-analyze")
    if program is None:
        return
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / NAME
        file.write_text(wanted, encoding="utf-8")
        said = subprocess.run(  # noqa: S603
            [program, "verify", "--man=no", str(file)], capture_output=True, text=True, check=False
        )
    if wrong := [line for line in said.stderr.splitlines() if NAME in line]:
        raise BoxError(f"systemd does not accept the unit: {wrong[0]}")


def _systemctl(*arguments: str) -> None:
    program = shutil.which("systemctl", path="/usr/bin:/bin")
    if program is None:
        raise BoxError("This machine has no systemctl: install systemd, or see docs/operating.md.")
    said = subprocess.run(  # noqa: S603
        [program, *arguments], capture_output=True, text=True, check=False
    )
    if said.returncode:
        reason = (said.stderr or said.stdout).strip().splitlines() or ["no reason given"]
        raise BoxError(f"systemctl {' '.join(arguments)}: {reason[0]}\nSee journalctl -u {NAME}.")
