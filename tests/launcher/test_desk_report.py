"""What ``status`` reports: the state, what is wrong, and the exit status."""

import json
import shutil
import time
from pathlib import Path

import pytest

from appliance.launcher import commands, desk_report
from appliance.launcher.layout import Installation
from tests.launcher.conftest import CODE, Desk, wait_for


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    (tmp_path / "run").mkdir()
    return Installation(code=CODE, data=tmp_path)


def run(name: str, state: str = "running", up_seconds: int = 100) -> dict[str, dict]:
    return {name: {"state": state, "up_seconds": up_seconds, "pid": 1}}


def write_worker_report(installation: Installation, age_seconds: float, database: str) -> None:
    report = {"uptime_seconds": time.monotonic() - age_seconds, "database": database}
    (installation.run / "worker.json").write_text(json.dumps(report))


def test_refused_model_degrades_the_desk(first_start: Desk, new_desk, scratch: Path) -> None:
    models = scratch / "models"
    bundle = models / "sentiment" / "1"
    bundle.mkdir(parents=True, exist_ok=True)
    (models / "active.json").write_text('{"sentiment": "sentiment/1"}')
    (bundle / "bundle.json").write_text("damaged")
    broken = new_desk(SKERRY_MODELS=str(models))
    shutil.copytree(first_start.data, broken.data)
    broken.start()
    result = wait_for(lambda: (r := broken.call("status")).returncode == 3 and r, 60)
    assert "running and degraded" in result.stdout
    assert "The sentiment model is refused" in result.stdout
    report = broken.status()
    assert (report["state"], report["healthy"]) == ("degraded", False)


def test_status_shows_the_port_of_a_desk_that_is_starting(first_start: Desk, new_desk) -> None:
    desk = new_desk()
    shutil.copytree(first_start.data, desk.data)
    desk.launch()
    wait_for(lambda: (desk.data / "run" / "supervisord.pid").exists(), 60)
    port, desk.port = desk.port, 8000
    result = desk.call("status")
    desk.port = port
    if result.returncode == 1:  # else it was quicker than this test
        assert "The desk is starting: http://127.0.0.1" in result.stdout
    assert f":{port}" in result.stdout
    wait_for(desk.is_announced, 60)


def test_worker_without_a_database_is_reported(installation: Installation) -> None:
    write_worker_report(installation, 1, "does not answer")
    problems = desk_report._problems(installation, run("worker"), {})
    assert problems == ["The database of the worker does not answer."]


def test_worker_that_reports_nothing_is_reported(installation: Installation) -> None:
    assert desk_report._worker_problems(installation, 100) == ["The worker does not respond."]
    write_worker_report(installation, 90, "ok")
    assert desk_report._worker_problems(installation, 100) == ["The worker does not respond."]
    assert desk_report._worker_problems(installation, 5) == []
    write_worker_report(installation, 5, "ok")
    assert desk_report._worker_problems(installation, 100) == []


def test_desk_without_models_is_healthy(installation: Installation, monkeypatch) -> None:
    monkeypatch.setenv("SKERRY_MODELS", str(installation.data / "none"))
    assert desk_report._model_problems(installation, {"encoder": "missing"}) == []


@pytest.mark.parametrize(
    ("state", "status"),
    [("healthy", 0), ("stopped", 1), ("starting", 1), ("down", 1), ("degraded", 3)],
)
def test_exit_status_tells_the_state(
    installation: Installation, monkeypatch, state: str, status: int
) -> None:
    report = {"state": state, "running": False, "data": "/data"}
    monkeypatch.setattr(desk_report, "report", lambda installation: report)
    assert commands.status(installation, wait_seconds=0, as_json=True) == status
