"""Memory and processes for PostgreSQL on this machine, in megabytes (see docs/operating.md)."""

from dataclasses import dataclass

from appliance.launcher import machine
from appliance.launcher.layout import Installation

RESERVED_MB = 1000  # for web, worker, cache and system of a small installation
SMALLEST_MACHINE_MB = 1024


@dataclass(frozen=True)
class Sizes:
    """Values for the settings of PostgreSQL."""

    shared_buffers: int
    effective_cache: int
    work_mem: int
    maintenance_work_mem: int
    parallel_workers: int
    parallel_index_workers: int


def sizes_for(installation: Installation) -> Sizes:
    """Return the sizes for this machine; tests use the smallest machine, for the same plans."""
    if installation.testing:
        return sizes(memory_mb=SMALLEST_MACHINE_MB, cores=2, shared_memory_mb=SMALLEST_MACHINE_MB)
    return sizes(
        memory_mb=machine.memory_mb(),
        cores=machine.cores(),
        shared_memory_mb=machine.shared_memory_mb(),
        reserved_mb=0 if installation.role == "database" else RESERVED_MB,
    )


def sizes(
    *, memory_mb: int, cores: int, shared_memory_mb: int, reserved_mb: int = RESERVED_MB
) -> Sizes:
    """Give PostgreSQL a quarter of the memory that is not reserved for the other processes."""
    index_build = _clamp(96, memory_mb // 8, 2048)
    # Parallel index builds use shared memory, of which containers have little.
    has_shared_memory = shared_memory_mb > index_build
    return Sizes(
        shared_buffers=_clamp(64, (memory_mb - reserved_mb) // 4, 8192),
        effective_cache=_clamp(512, memory_mb // 2, 65536),
        work_mem=_clamp(8, memory_mb // 256, 32),
        maintenance_work_mem=index_build,
        parallel_workers=_clamp(2, cores, 8),
        parallel_index_workers=_clamp(1, cores // 2, 4) if has_shared_memory else 0,
    )


def _clamp(minimum: int, value: int, maximum: int) -> int:
    return max(minimum, min(value, maximum))
