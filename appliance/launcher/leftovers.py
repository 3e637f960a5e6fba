"""What a killed launcher or supervisor left behind on this data directory: find it and end it.

The kernel has told these processes to stop (see tether.py); this waits for them, and insists.
"""

import os
import signal
import time
from pathlib import Path

from appliance.launcher.errors import BoxError
from appliance.launcher.files import read_text
from appliance.launcher.layout import Box
from appliance.launcher.terminal import say

PATIENCE_SECONDS = 5  # they were told already
LIMIT_SECONDS = 90


def ensure_none(box: Box) -> None:
    """No process of an earlier start runs on this data. Call it with the directory locked."""
    started = time.monotonic()
    asked = False
    while found := _find(box):
        waited = time.monotonic() - started
        if waited > LIMIT_SECONDS:
            raise BoxError(
                f"Processes of an earlier start do not end ({', '.join(map(str, found))}): "
                f"kill them, then start again."
            )
        if waited > PATIENCE_SECONDS and not asked:
            say("Stopping what an earlier start left behind ...")
            for process in found:
                _ask_to_stop(process)
            asked = True
        time.sleep(0.1)
    (box.run / "supervisord.pid").unlink(missing_ok=True)


def _find(box: Box) -> list[int]:
    """Our own processes that belong to this data directory, by what they run or carry."""
    found = {pid for pid in _recorded(box) if _is_server(pid)}
    marker = f"SKERRY_DATA={box.data}".encode()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and _carries(entry, marker):
            found.add(int(entry.name))
    return sorted(found)


def _recorded(box: Box) -> list[int]:
    """Servers that overwrite their own environment, but write a pid file."""
    files = (box.cluster / "postmaster.pid", box.run / "valkey.pid")
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
