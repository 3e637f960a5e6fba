"""The benchmarks: what comes before anything is timed."""

import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parent.parent / "scripts" / "bench"


@pytest.fixture
def servers(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    yield pytest.importorskip("servers")
    for name in ("servers", "_environment"):
        sys.modules.pop(name, None)


def test_environment_is_installed_before_the_servers_are_awaited(servers, monkeypatch, tmp_path):
    calls = []

    @contextmanager
    def launch(role, *_):
        calls.append(role)
        yield

    monkeypatch.setattr(subprocess, "run", lambda command, check: calls.append(command[-1]))
    monkeypatch.setattr(servers, "_launch", launch)
    with servers.running(tmp_path / "data"):
        assert calls == ["install", "database", "cache"]


def test_benchmark_restarts_in_the_environment(servers, monkeypatch):
    environment, calls = sys.modules["_environment"], []
    monkeypatch.setattr(sys, "prefix", "/usr")
    monkeypatch.setattr(sys, "orig_argv", ["python3", "scripts/bench/search.py", "--data", "x"])
    monkeypatch.setattr(subprocess, "run", lambda command, check: calls.append(command[-1]))
    monkeypatch.setattr("os.execv", lambda path, arguments: calls.append(arguments[1:]))
    environment.enter()
    assert calls == ["install", ["scripts/bench/search.py", "--data", "x"]]


@pytest.mark.parametrize("name", ["data", "fusion", "indexes", "inference", "peers", "search"])
def test_benchmark_enters_the_environment_before_it_imports_a_library(name):
    imports = [
        line.split()[1]
        for line in (BENCHMARKS / f"{name}.py").read_text().splitlines()
        if line.startswith(("import ", "from "))
    ]
    libraries = [
        module for module in imports if module.split(".")[0] not in sys.stdlib_module_names
    ]
    assert libraries[0] == "_environment"
