"""The shipped models loaded once, and a copy of them to break."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.inference.engine import Engine
from appliance.inference.tests.samples import SHIPPED


@pytest.fixture(scope="session")
def engine() -> Engine:
    """All three shipped bundles."""
    return Engine(SHIPPED, threads=1)


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """The shipped models as hard links, or copies where links cannot be made."""
    for path in SHIPPED.rglob("*"):
        if path.is_file():
            target = tmp_path / "models" / path.relative_to(SHIPPED)
            target.parent.mkdir(parents=True, exist_ok=True)
            _link(path, target)
    return tmp_path / "models"


@pytest.fixture
def folder(models: Path) -> Callable[[str], Path]:
    """Return the folder of a role's active bundle in the copy."""
    active = json.loads((models / "active.json").read_text())
    return lambda role: models / active[role]


def _link(path: Path, target: Path) -> None:
    try:
        os.link(path, target)
    except OSError:
        target.write_bytes(path.read_bytes())
