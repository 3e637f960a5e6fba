"""Which program listens on a TCP port, as far as this user may know."""

import os
import pwd
from collections.abc import Iterator
from pathlib import Path

PROGRAMS = ("launcher.py", "launcher.supervisord", "run/front.json")  # words that show a desk
LISTENING = "0A"  # the state in /proc/net/tcp


def describe(port: int) -> str:
    """Return "another program, process 12 (nginx)", or less if that cannot be found out."""
    listeners = list(_listeners(port))
    pid = _find_process({inode for _, inode in listeners})
    if pid is not None:
        return describe_process(pid)
    users = sorted({_user_name(uid) for uid, _ in listeners})
    return f"another program, of the user {', '.join(users)}" if users else "another program"


def describe_process(pid: int) -> str:
    """Return what a process is: a desk with its data directory, or another program."""
    words = _read(Path(f"/proc/{pid}/cmdline")).split("\0")
    if not any(word.endswith(PROGRAMS) for word in words):
        return f"another program, process {pid} ({_read(Path(f'/proc/{pid}/comm')).strip()})"
    data = _variable(pid, "SKERRY_DATA")
    if "--data" in words:
        data = words[words.index("--data") + 1]
    return f"another desk{f', on {data}' if data else ''} (process {pid})"


def _listeners(port: int) -> Iterator[tuple[int, str]]:
    """Yield user id and inode of every socket that listens on the port."""
    for table in ("tcp", "tcp6"):
        for line in _read(Path(f"/proc/net/{table}")).splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                yield int(fields[7]), fields[9]


def _find_process(inodes: set[str]) -> int | None:
    """Return the oldest process that holds one of the sockets, among those we may look into."""
    links = {f"socket:[{inode}]" for inode in inodes}
    for pid in sorted(int(entry) for entry in os.listdir("/proc") if entry.isdigit()):
        try:
            with os.scandir(f"/proc/{pid}/fd") as entries:
                if any(os.readlink(entry.path) in links for entry in entries):
                    return pid
        except OSError:  # another user's, or just ended
            continue
    return None


def _variable(pid: int, name: str) -> str:
    for line in _read(Path(f"/proc/{pid}/environ")).split("\0"):
        if line.startswith(f"{name}="):
            return line.partition("=")[2]
    return ""


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
