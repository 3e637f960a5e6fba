"""How much of this machine PostgreSQL is given. Every figure in megabytes; docs/operating.md says
why.
"""

from dataclasses import dataclass

from appliance.launcher import machine
from appliance.launcher.layout import Installation

OF_THE_REST_MB = 1000  # pages, worker, cache and system of a small desk
SMALL_MB = 1024


@dataclass(frozen=True)
class Sizes:
    """What the settings of PostgreSQL are filled with."""

    shared_buffers: int
    effective_cache: int
    work_mem: int
    maintenance_work_mem: int
    parallel_workers: int
    parallel_builders: int


def of(installation: Installation) -> Sizes:
    """By memory and cores; the tests get those of the smallest machine, so that plans are alike."""
    if installation.testing:
        return sizes(memory_mb=SMALL_MB, cores=2, shared_memory_mb=SMALL_MB)
    return sizes(
        memory_mb=machine.memory_mb(),
        cores=machine.cores(),
        shared_memory_mb=machine.shared_memory_mb(),
        rest_mb=0 if installation.role == "database" else OF_THE_REST_MB,
    )


def sizes(
    *, memory_mb: int, cores: int, shared_memory_mb: int, rest_mb: int = OF_THE_REST_MB
) -> Sizes:
    """A quarter of what the rest of the desk leaves is PostgreSQL's own; 1 GB is enough."""
    building = _between(96, memory_mb // 8, 2048)
    # several processes build one index in shared memory, which containers are short of
    has_room = shared_memory_mb > building
    return Sizes(
        shared_buffers=_between(64, (memory_mb - rest_mb) // 4, 8192),
        effective_cache=_between(512, memory_mb // 2, 65536),
        work_mem=_between(8, memory_mb // 256, 32),
        maintenance_work_mem=building,
        parallel_workers=_between(2, cores, 8),
        parallel_builders=_between(1, cores // 2, 4) if has_room else 0,
    )


def _between(least: int, value: int, most: int) -> int:
    return max(least, min(value, most))
