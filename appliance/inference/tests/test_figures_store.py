"""The stored figures of docs/models.md: scripts/models/figures_store.py."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.inference.bundle import find_active
from appliance.inference.tests.samples import ROLES, replace

SCRIPTS = Path(__file__).resolve().parents[3] / "scripts/models"
OF = {"classifier": "first", "sentiment": "sentiment", "encoder": "vectors"}
SPEED, BANKING = "one ticket of 60 tokens", "BANKING77, full training set"
SST2 = {"rows": 872, "accuracy": 0.9}


@pytest.fixture
def store_module(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPTS))
    yield pytest.importorskip("figures_store")
    for name in ("figures_store", "goals"):
        sys.modules.pop(name, None)


def fingerprints(store_module, models: Path) -> dict[str, str]:
    return store_module.fingerprints({role: find_active(models, role) for role in ROLES})


def rewrite(folder: Path, change: Callable[[dict], None]) -> None:
    about = json.loads((folder / "bundle.json").read_text(encoding="utf-8"))
    change(about)
    replace(folder / "bundle.json", json.dumps(about).encode())


def test_stopped_run_finds_its_figures_again(store_module, tmp_path):
    store_module.FiguresStore(tmp_path / "figures.json").put("int8", "SST-2 dev", "sentiment", SST2)
    again = store_module.FiguresStore(tmp_path / "figures.json")
    assert again.has("int8", "SST-2 dev", "sentiment")
    assert not again.has("int8", "sentiment, probe sentences", "sentiment")
    assert again.figures("int8", OF) == {"SST-2 dev": SST2}
    assert again.figures("fp32", OF) == {}


def test_figures_leave_the_table_with_their_bundle(store_module, tmp_path):
    store = store_module.FiguresStore(tmp_path / "figures.json")
    store.put("int8", "SST-2 dev", "sentiment", SST2)
    store.put("int8", "STS-B test", "vectors", {"spearman": 0.8})
    assert store.figures("int8", OF | {"sentiment": "another"}) == {"STS-B test": {"spearman": 0.8}}


def test_figures_of_no_shipped_bundle_stay(store_module, tmp_path):
    store = store_module.FiguresStore(tmp_path / "figures.json")
    store.put("int8", BANKING, BANKING, {"accuracy": 0.94})
    assert store.figures("int8", dict.fromkeys(ROLES, "new")) == {BANKING: {"accuracy": 0.94}}


def test_speed_on_two_processors_stays_until_a_bundle_changes(store_module, tmp_path):
    store = store_module.FiguresStore(tmp_path / "figures.json")
    store.add("int8", SPEED, "three", {"avx2": 60.0})
    store.add("int8", SPEED, "three", {"avx512_vnni": 20.0})
    both = {SPEED: {"avx2": 60.0, "avx512_vnni": 20.0}}
    assert store.figures("int8", {"all bundles": "three"}) == both
    store.add("int8", SPEED, "others", {"avx2": 50.0})
    assert store.figures("int8", {"all bundles": "others"}) == {SPEED: {"avx2": 50.0}}


def test_figures_are_in_the_order_of_the_table(store_module, tmp_path):
    store = store_module.FiguresStore(None)
    store.put("int8", "sentiment, probe sentences", "sentiment", {"rows": 32})
    store.put("int8", "categories, all sources", "first", {"rows": 502})
    assert list(store.figures("int8", OF)) == [
        "categories, all sources",
        "sentiment, probe sentences",
    ]


def test_new_calibration_changes_the_fingerprint_of_the_classifier(store_module, models, folder):
    before = fingerprints(store_module, models)
    rewrite(folder("classifier"), lambda about: about["calibration"].update(sharpness=1.23))
    after = fingerprints(store_module, models)
    assert after["classifier"] != before["classifier"]
    assert (after["sentiment"], after["encoder"]) == (before["sentiment"], before["encoder"])


def test_fingerprint_of_the_classifier_includes_the_encoder(store_module, models, folder):
    before = fingerprints(store_module, models)
    rewrite(folder("encoder"), lambda about: about["files"].update({"model.onnx": "0" * 64}))
    after = fingerprints(store_module, models)
    assert after["encoder"] != before["encoder"]
    assert after["classifier"] != before["classifier"]
    assert after["sentiment"] == before["sentiment"]
