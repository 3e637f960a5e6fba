"""The figures of docs/models.md between two runs: kept by scripts/models/kept.py."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.inference.bundle import find_active
from appliance.inference.tests.samples import ROLES, replace

SCRIPTS = Path(__file__).resolve().parents[3] / "scripts/models"
OF = {"classifier": "first", "sentiment": "mood", "encoder": "vectors"}
SPEED = "one ticket of 60 tokens"
SST2 = {"rows": 872, "accuracy": 0.9}


@pytest.fixture
def kept(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPTS))
    yield pytest.importorskip("kept")
    for name in ("kept", "goals"):
        sys.modules.pop(name, None)


def fingerprints(kept, models: Path) -> dict[str, str]:
    return kept.fingerprints({role: find_active(models, role) for role in ROLES})


def rewrite(folder: Path, change: Callable[[dict], None]) -> None:
    about = json.loads((folder / "bundle.json").read_text(encoding="utf-8"))
    change(about)
    replace(folder / "bundle.json", json.dumps(about).encode())


def test_a_stopped_run_finds_its_rows_again(kept, tmp_path):
    kept.Kept(tmp_path / "figures.json").put("int8", "SST-2 dev", "mood", SST2)
    again = kept.Kept(tmp_path / "figures.json")
    assert again.has("int8", "SST-2 dev", "mood")
    assert not again.has("int8", "tones", "mood")
    assert again.figures("int8", OF) == {"SST-2 dev": SST2}
    assert again.figures("fp32", OF) == {}


def test_a_row_leaves_the_table_with_its_bundle(kept, tmp_path):
    found = kept.Kept(tmp_path / "figures.json")
    found.put("int8", "SST-2 dev", "mood", SST2)
    found.put("int8", "STS-B test", "vectors", {"spearman": 0.8})
    assert found.figures("int8", OF | {"sentiment": "another"}) == {"STS-B test": {"spearman": 0.8}}


def test_what_is_of_no_shipped_bundle_stays(kept, tmp_path):
    found = kept.Kept(tmp_path / "figures.json")
    found.put("int8", SPEED, SPEED, {"median ms": 20.0})
    assert found.figures("int8", {role: "new" for role in ROLES}) == {SPEED: {"median ms": 20.0}}


def test_rows_stand_in_the_order_of_the_table(kept, tmp_path):
    found = kept.Kept(None)
    found.put("int8", "tones", "mood", {"rows": 32})
    found.put("int8", "taxonomy, all sources", "first", {"rows": 502})
    assert list(found.figures("int8", OF)) == ["taxonomy, all sources", "tones"]


def test_other_numbers_beside_the_same_files_are_another_classifier(kept, models, folder):
    before = fingerprints(kept, models)
    rewrite(folder("classifier"), lambda about: about["calibration"].update(head_weight=0.123))
    after = fingerprints(kept, models)
    assert after["classifier"] != before["classifier"]
    assert (after["sentiment"], after["encoder"]) == (before["sentiment"], before["encoder"])


def test_the_classifier_is_asked_with_the_encoder(kept, models, folder):
    before = fingerprints(kept, models)
    rewrite(folder("encoder"), lambda about: about["files"].update({"model.onnx": "0" * 64}))
    after = fingerprints(kept, models)
    assert after["encoder"] != before["encoder"]
    assert after["classifier"] != before["classifier"]
    assert after["sentiment"] == before["sentiment"]
