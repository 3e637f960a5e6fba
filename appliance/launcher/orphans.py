"""What a killed launcher or supervisor left behind on this data directory: find it and end it.

The kernel has told these processes to stop (see parent_death_signal.py); this waits for them, and
insists.
"""

import os
import signal
import time
from pathlib import Path

from appliance.launcher.errors import LauncherError
from appliance.launcher.files import read_text
from appliance.launcher.layout import Installation
from appliance.launcher.terminal import say

PATIENCE_SECONDS = 5  # they were told already
LIMIT_SECONDS = 90


def ensure_none(installation: Installation) -> None:
    """No process of an earlier start runs on this data. Call it with the directory locked."""
    started = time.monotonic()
    has_signalled = False
    while pids := _find(installation):
        waited = time.monotonic() - started
        if waited > LIMIT_SECONDS:
            raise LauncherError(
                f"Processes of an earlier start do not end ({', '.join(map(str, pids))}): "
                f"kill them, then start again."
            )
        if waited > PATIENCE_SECONDS and not has_signalled:
            say("Stopping what an earlier start left behind ...")
            for process in pids:
                _ask_to_stop(process)
            has_signalled = True
        time.sleep(0.1)
    (installation.run / "supervisord.pid").unlink(missing_ok=True)


def _find(installation: Installation) -> list[int]:
    """Our own processes that belong to this data directory, by what they run or carry."""
    pids = {pid for pid in _recorded(installation) if _is_server(pid)}
    marker = f"SKERRY_DATA={installation.data}".encode()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and _carries(entry, marker):
            pids.add(int(entry.name))
    return sorted(pids)


def _recorded(installation: Installation) -> list[int]:
    """Servers that overwrite their own environment, but write a pid file."""
    files = (installation.cluster / "postmaster.pid", installation.run / "valkey.pid")
    first_lines = [(read_text(path) or "").partition("\n")[0].strip() for path in files]
    return [int(line) for line in first_lines if line.isdigit()]


def _is_server(pid: int) -> bool:
    """A recorded pid may be somebody else's by now: ours runs postgres or valkey, as us."""
    try:
        program = os.readlink(f"/proc/{pid}/exe").removesuffix(" (deleted)")
    except OSError:
        return False
    return Path(program).name in ("postgres", "valkey-server")


def _carries(entry: Path, marker: bytes) -> bool:
    """A supervised Python process of this desk; pytest and its children are not supervised."""
    try:
        variables = (entry / "environ").read_bytes().split(b"\0")
        command = (entry / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    if marker not in variables or int(entry.name) == os.getpid():
        return False
    return b"SUPERVISOR_ENABLED=1" in variables or b"supervisor.supervisord" in command


def _ask_to_stop(pid: int) -> None:
    try:
        is_postgres = Path(os.readlink(f"/proc/{pid}/exe")).name == "postgres"
        os.kill(pid, signal.SIGINT if is_postgres else signal.SIGTERM)
    except OSError:
        return
