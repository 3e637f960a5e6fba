"""Cores and memory that this process may use."""

import os
from pathlib import Path

CGROUP_ROOT = Path("/sys/fs/cgroup")
MAX_WEB_PROCESSES = 4
WEB_PROCESS_MEMORY_MB = 900  # 220 MB of its own, and its share of the other processes


def cores() -> int:
    """Return the number of cores the scheduler lets this process use."""
    return len(os.sched_getaffinity(0))


def memory_mb() -> int:
    """Return the memory of the machine or, if less, what a control group allows (container)."""
    with open("/proc/meminfo", encoding="ascii") as stream:
        total = next(int(line.split()[1]) for line in stream if line.startswith("MemTotal:"))
    return min([total // 1024, *_cgroup_limits_mb()])


def shared_memory_mb() -> int:
    """Return the size of /dev/shm; 0 without one."""
    try:
        filesystem = os.statvfs("/dev/shm")  # noqa: S108 - only its size is read
    except OSError:
        return 0
    return filesystem.f_blocks * filesystem.f_frsize // 2**20


def _cgroup_limits_mb() -> list[int]:
    """Return the memory limits of this process's control group and of its parents."""
    own = CGROUP_ROOT / _cgroup_path().lstrip("/")
    groups = [folder for folder in (own, *own.parents) if folder.is_relative_to(CGROUP_ROOT)]
    return [limit for folder in groups for limit in _read_limit_mb(folder / "memory.max")]


def _cgroup_path() -> str:
    """Return this process's control group, read from "0::/system.slice/skerry.service"."""
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="ascii").strip().splitlines()
    except OSError:
        return "/"
    return lines[-1].partition("::")[2] if lines else "/"


def _read_limit_mb(file: Path) -> list[int]:
    try:
        return [int(file.read_text(encoding="ascii")) // 2**20]
    except (OSError, ValueError):  # no such group, or "max"
        return []


def web_processes() -> int:
    """Return the default number: one per core, at most four, fewer if memory is short."""
    by_memory = memory_mb() // WEB_PROCESS_MEMORY_MB
    return max(1, min(cores(), by_memory, MAX_WEB_PROCESSES))
