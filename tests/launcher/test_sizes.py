"""PostgreSQL is sized by the machine: it starts on the smallest, and leaves room on all."""

import pytest

from appliance.launcher import postgres_tuning
from appliance.launcher.layout import Installation
from tests.launcher.conftest import CODE


def of(memory_mb: int, shared_memory_mb: int = 64_000, cores: int = 2) -> postgres_tuning.Sizes:
    return postgres_tuning.sizes(
        memory_mb=memory_mb, cores=cores, shared_memory_mb=shared_memory_mb
    )


@pytest.mark.parametrize("memory_mb", [512, 700, 1024])
def test_the_smallest_machine_keeps_its_memory_for_the_desk(memory_mb: int) -> None:
    assert (of(memory_mb).shared_buffers, of(memory_mb).work_mem) == (64, 8)
    assert of(memory_mb).maintenance_work_mem <= 128


@pytest.mark.parametrize("memory_mb", [1950, 4000, 16_000, 500_000])
def test_a_larger_one_gives_a_quarter_at_most(memory_mb: int) -> None:
    given = of(memory_mb)
    assert 64 < given.shared_buffers <= min(memory_mb // 4, 8192)
    assert given.maintenance_work_mem <= min(memory_mb // 8, 2048)


def test_indexes_are_built_by_one_process_where_shared_memory_is_short() -> None:
    assert of(8000, shared_memory_mb=64).parallel_index_workers == 0
    assert of(8000, cores=16).parallel_index_workers == 4


def test_tests_are_planned_alike_on_every_machine(tmp_path, monkeypatch) -> None:
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
