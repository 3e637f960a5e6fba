"""Memory and processes of PostgreSQL for machines of different sizes."""

import pytest

from appliance.launcher import postgres_tuning
from appliance.launcher.layout import Installation
from tests.launcher.conftest import CODE


def sizes_of(
    memory_mb: int, shared_memory_mb: int = 64_000, cores: int = 2
) -> postgres_tuning.Sizes:
    return postgres_tuning.sizes(
        memory_mb=memory_mb, cores=cores, shared_memory_mb=shared_memory_mb
    )


@pytest.mark.parametrize("memory_mb", [512, 700, 1024])
def test_smallest_machine_gives_postgresql_the_minimum(memory_mb: int) -> None:
    assert (sizes_of(memory_mb).shared_buffers, sizes_of(memory_mb).work_mem) == (64, 8)
    assert sizes_of(memory_mb).maintenance_work_mem <= 128


@pytest.mark.parametrize("memory_mb", [1950, 4000, 16_000, 500_000])
def test_larger_machine_gives_postgresql_a_quarter_at_most(memory_mb: int) -> None:
    sizes = sizes_of(memory_mb)
    assert 64 < sizes.shared_buffers <= min(memory_mb // 4, 8192)
    assert sizes.maintenance_work_mem <= min(memory_mb // 8, 2048)


def test_index_builds_are_not_parallel_without_shared_memory() -> None:
    assert sizes_of(8000, shared_memory_mb=64).parallel_index_workers == 0
    assert sizes_of(8000, cores=16).parallel_index_workers == 4


def test_test_runs_use_the_same_sizes_on_every_machine(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(postgres_tuning.machine, "memory_mb", lambda: 64_000)
    assert (
        postgres_tuning.sizes_for(
            Installation(code=CODE, data=tmp_path, testing=True)
        ).effective_cache
        == 512
    )
    assert (
        postgres_tuning.sizes_for(Installation(code=CODE, data=tmp_path)).effective_cache == 32_000
    )
