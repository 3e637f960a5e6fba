"""The words of the desk's systemd unit, and how systemd wants them quoted."""

import json
import os
import re
import sys
from pathlib import Path

from appliance.launcher import privileges
from appliance.launcher.layout import Installation

LOOPBACK = ("127.0.0.1", "::1", "localhost")
HOMES = ("/home", "/root", "/run/user")
OTHER_HOSTS = {"DATABASE_URL", "REDIS_URL", "SKERRY_SMTP_HOST"}

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
RestrictNamespaces=user net
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


def text(installation: Installation, variables: Path, names: set[str]) -> str:
    """The unit. Everything in it is absolute, so it means the same whoever starts it.

    ``variables`` is the file of the desk's variables, ``names`` those that are set.
    """
    is_home = any(
        _lies_in(path, HOMES)
        for path in (installation.code, installation.data, Path(sys.executable))
    )
    inward = _stays_on_this_machine(installation, names)
    desk = {key: getattr(installation, key) for key in ("bind", "port", "role")}
    return TEXT.format(
        user=privileges.SERVICE_USER,
        command=" ".join(_quoted(word) for word in command(installation)),
        variables=variables,
        data=_quoted(str(installation.data), in_command=False),
        homes="read-only" if is_home else "yes",
        network_words="It answers on this machine only, and can reach nothing beyond it."
        if inward
        else "It answers on the network. What it may reach is for the site's firewall to say.",
        network_rules="IPAddressDeny=any\nIPAddressAllow=localhost\n" if inward else "",
        desk=json.dumps({"code": str(installation.code), "data": str(installation.data), **desk}),
    )


def command(installation: Installation) -> list[str]:
    """The launcher with every option in full."""
    python = os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)
    options = {
        "data": installation.data,
        "bind": installation.bind,
        "port": installation.port,
        "role": installation.role,
    }
    arguments = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    return [python, str(installation.code / "launcher.py"), *arguments]


def variable(value: str) -> str:
    """In double quotes, where systemd reads these four with a backslash before them."""
    return '"' + re.sub(r'([\\"$`])', r"\\\1", value) + '"'


def _stays_on_this_machine(installation: Installation, names: set[str]) -> bool:
    """Whether the desk has no business beyond this machine, and nobody beyond it asks."""
    return (
        installation.bind in LOOPBACK
        and not {name.removesuffix("_FILE") for name in names} & OTHER_HOSTS
    )


def _lies_in(path: Path, folders: tuple[str, ...]) -> bool:
    real = Path(os.path.realpath(path))
    return any(each.is_relative_to(folder) for each in (path, real) for folder in folders)


def _quoted(word: str, *, in_command: bool = True) -> str:
    """One word for systemd, in which % and (in commands) $ mean nothing."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped.replace("$", "$$") if in_command else escaped}"'
