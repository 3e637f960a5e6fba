"""The text of the systemd unit, and systemd's quoting rules."""

import json
import os
import re
import sys
from pathlib import Path

from appliance.launcher import privileges
from appliance.launcher.layout import Installation

LOOPBACK = ("127.0.0.1", "::1", "localhost")
HOME_FOLDERS = ("/home", "/root", "/run/user")
NETWORK_VARIABLES = {"DATABASE_URL", "REDIS_URL", "SKERRY_SMTP_HOST"}

TEMPLATE = """\
# Written by launcher.py --install-service, which overwrites it. Make changes with
# "systemctl edit skerry", and set variables of Skerry in {variables}.
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

# It can write only its data directory and cannot see files of other users.
ProtectSystem=strict
ReadWritePaths={data}
ProtectHome={homes}
PrivateTmp=yes
PrivateDevices=yes
PrivateMounts=yes
ProtectProc=invisible

# It cannot gain privileges, and may use only the system calls of a service.
NoNewPrivileges=yes
CapabilityBoundingSet={capability}
AmbientCapabilities={capability}
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

# {network_comment}
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
{network_rules}
[Install]
WantedBy=multi-user.target

[X-Skerry]
Desk={desk}
"""


def render(installation: Installation, variables: Path, names: set[str]) -> str:
    """Return the text of the unit, with absolute paths and every option.

    ``variables`` is the file with Skerry's variables, ``names`` are those that are set.
    """
    is_home = any(
        _is_inside(path, HOME_FOLDERS)
        for path in (installation.code, installation.data, Path(sys.executable))
    )
    is_local_only = _is_local_only(installation, names)
    options = {key: getattr(installation, key) for key in ("bind", "port", "role")}
    return TEMPLATE.format(
        user=privileges.SERVICE_USER,
        capability="CAP_NET_BIND_SERVICE" if installation.port < 1024 else "",
        command=" ".join(_quoted(word) for word in command(installation)),
        variables=variables,
        data=_quoted(str(installation.data), in_command=False),
        homes="read-only" if is_home else "yes",
        network_comment="It listens on this machine only and cannot reach any other."
        if is_local_only
        else "It listens on the network. The site's firewall decides what it can reach.",
        network_rules="IPAddressDeny=any\nIPAddressAllow=localhost\n" if is_local_only else "",
        desk=json.dumps(
            {"code": str(installation.code), "data": str(installation.data), **options}
        ),
    )


def command(installation: Installation) -> list[str]:
    """Return the command line of the launcher with every option."""
    python = os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)
    options = {
        "data": installation.data,
        "bind": installation.bind,
        "port": installation.port,
        "role": installation.role,
    }
    for name in ("url", "tls_cert", "tls_key"):
        if value := getattr(installation, name):
            options[name.replace("_", "-")] = value
    arguments = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    if installation.insecure_http and installation.is_exposed:
        arguments.append("--insecure-http")
    return [python, str(installation.code / "launcher.py"), *arguments]


def quoted_variable(value: str) -> str:
    """Quote a value for an EnvironmentFile, where these four characters need a backslash."""
    return '"' + re.sub(r'([\\"$`])', r"\\\1", value) + '"'


def _is_local_only(installation: Installation, names: set[str]) -> bool:
    """Return whether neither the address nor a configured server needs the network."""
    return (
        installation.bind in LOOPBACK
        and not {name.removesuffix("_FILE") for name in names} & NETWORK_VARIABLES
    )


def _is_inside(path: Path, folders: tuple[str, ...]) -> bool:
    real_path = Path(os.path.realpath(path))
    return any(p.is_relative_to(folder) for p in (path, real_path) for folder in folders)


def _quoted(word: str, *, in_command: bool = True) -> str:
    """Quote one word for systemd, where % and, in commands, $ have a meaning."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped.replace("$", "$$") if in_command else escaped}"'
