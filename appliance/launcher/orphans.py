"""Stop processes that a killed launcher or supervisor left running on this data directory.

The kernel has signalled them already (see parent_death_signal.py); this waits, and signals again.
"""

import os
import signal
import time
from pathlib import Path

from appliance.launcher.files import read_text
from appliance.launcher.layout import Installation
from appliance.launcher.terminal import LauncherError, say

GRACE_SECONDS = 5  # they have got their signal already
TIMEOUT_SECONDS = 90


def ensure_stopped(installation: Installation) -> None:
    """Wait for and stop processes of an earlier start. Call it with the directory locked."""
    started = time.monotonic()
    is_signalled = False
    while pids := _list_pids(installation):
        waited = time.monotonic() - started
        if waited > TIMEOUT_SECONDS:
            raise LauncherError(
                f"Processes of an earlier start do not end ({', '.join(map(str, pids))}): "
                "kill them, then start again."
            )
        if waited > GRACE_SECONDS and not is_signalled:
            say("Stopping what an earlier start left behind ...")
            for pid in pids:
                _terminate(pid)
            is_signalled = True
        time.sleep(0.1)
    (installation.run / "supervisord.pid").unlink(missing_ok=True)


def _list_pids(installation: Installation) -> list[int]:
    """Return this user's processes of this data directory, by pid file or environment."""
    pids = {pid for pid in _pids_from_files(installation) if _is_server(pid)}
    marker = f"SKERRY_DATA={installation.data}".encode()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and _belongs_to(entry, marker):
            pids.add(int(entry.name))
    return sorted(pids)


def _pids_from_files(installation: Installation) -> list[int]:
    """Return the servers, which overwrite their environment but write a pid file."""
    files = (installation.cluster / "postmaster.pid", installation.run / "valkey.pid")
    first_lines = [(read_text(path) or "").partition("\n")[0].strip() for path in files]
    return [int(line) for line in first_lines if line.isdigit()]


def _is_server(pid: int) -> bool:
    """Return whether it is PostgreSQL or Valkey: a pid may have been reused."""
    try:
        program = os.readlink(f"/proc/{pid}/exe").removesuffix(" (deleted)")
    except OSError:
        return False
    return Path(program).name in ("postgres", "valkey-server")


def _belongs_to(entry: Path, marker: bytes) -> bool:
    """Return whether it is a supervised process; pytest and its children are not."""
    try:
        variables = (entry / "environ").read_bytes().split(b"\0")
        command = (entry / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    if marker not in variables or int(entry.name) == os.getpid():
        return False
    is_supervisor = any(part.endswith(b".supervisord") for part in command)
    return b"SUPERVISOR_ENABLED=1" in variables or is_supervisor


def _terminate(pid: int) -> None:
    try:
        is_postgres = Path(os.readlink(f"/proc/{pid}/exe")).name == "postgres"
        os.kill(pid, signal.SIGINT if is_postgres else signal.SIGTERM)
    except OSError:
        return
