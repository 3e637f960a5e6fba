"""What this machine has: the cores and the memory this process may use."""

import os
from pathlib import Path

GROUPS = Path("/sys/fs/cgroup")
MAX_WEB_PROCESSES = 4
MEMORY_FOR_A_WEB_PROCESS_MB = 900  # its own 220 MB, and what the rest of the desk needs


def cores() -> int:
    """Those the scheduler lets this process use."""
    return len(os.sched_getaffinity(0))


def memory_mb() -> int:
    """All of it, or what the nearest group allows: a container is told of the whole machine."""
    with open("/proc/meminfo", encoding="ascii") as stream:
        total = next(int(line.split()[1]) for line in stream if line.startswith("MemTotal:"))
    return min([total // 1024, *_limits_mb()])


def shared_memory_mb() -> int:
    """What /dev/shm holds at most; 0 where there is none."""
    try:
        room = os.statvfs("/dev/shm")  # noqa: S108 - only looked at
    except OSError:
        return 0
    return room.f_blocks * room.f_frsize // 2**20


def _limits_mb() -> list[int]:
    """The limits of this process's group and of those around it; none where groups say nothing."""
    group = GROUPS / _group().lstrip("/")
    around = [folder for folder in (group, *group.parents) if folder.is_relative_to(GROUPS)]
    return [limit for folder in around for limit in _limit_mb(folder / "memory.max")]


def _group() -> str:
    """Its path below the root of all groups: the last line's, "0::/system.slice/skerry.service"."""
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="ascii").strip().splitlines()
    except OSError:
        return "/"
    return lines[-1].partition("::")[2] if lines else "/"


def _limit_mb(file: Path) -> list[int]:
    try:
        return [int(file.read_text(encoding="ascii")) // 2**20]
    except (OSError, ValueError):  # no such group here, or "max"
        return []


def web_processes() -> int:
    """One a core, at most four, and as many as the memory holds with the rest of the desk."""
    by_memory = memory_mb() // MEMORY_FOR_A_WEB_PROCESS_MB
    return max(1, min(cores(), by_memory, MAX_WEB_PROCESSES))
