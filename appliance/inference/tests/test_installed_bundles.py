"""Bundles installed by updates precede the release's own and never leave a role without one."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from appliance.inference import bundle_holder
from appliance.inference.bundle import BundleMissingError
from appliance.inference.bundle_store import ACTIVE, ActiveBundles, BundleStore, write_active
from appliance.inference.engine import Engine
from appliance.inference.tests.samples import SHIPPED, TEXTS, replace


@pytest.fixture(autouse=True)
def _check_files_at_every_call(monkeypatch):
    monkeypatch.setattr(bundle_holder, "CHECK_SECONDS", 0)


@pytest.fixture
def installed(tmp_path) -> Path:
    return tmp_path / "installed"


@pytest.fixture
def install(installed, folder):
    """Put the shipped bundle of a role into ``installed`` under another version (and space)."""

    def make(role: str, version: str) -> str:
        source, target = folder(role), installed / role / version
        target.mkdir(parents=True)
        settings = json.loads((source / "bundle.json").read_text(encoding="utf-8"))
        settings |= {"version": version, "space": f"{role}/{version}"}
        for name in settings["files"]:
            (target / name).write_bytes((source / name).read_bytes())
        (target / "bundle.json").write_text(json.dumps(settings), encoding="utf-8")
        return f"{role}/{version}"

    return make


@pytest.fixture
def engine(models, installed) -> Engine:
    return Engine(models, threads=1, installed_dir=installed)


def shipped_version(role: str) -> str:
    """Return the version the release ships."""
    return json.loads((SHIPPED / ACTIVE).read_text(encoding="utf-8"))[role].split("/")[1]


def _write_active(installed, **entries) -> None:
    write_active(installed, ActiveBundles(**entries))


def test_installed_bundle_answers_without_a_restart(engine, installed, install):
    assert engine.classify_sentiment(TEXTS[0]).bundle.version == shipped_version("sentiment")

    _write_active(installed, running={"sentiment": install("sentiment", "103")})

    assert engine.classify_sentiment(TEXTS[0]).bundle.version == "103"
    assert engine.ref("sentiment").version == "103"
    assert engine.ref("classifier").version == shipped_version("classifier")


def test_rollback_needs_no_restart(engine, installed, install):
    _write_active(installed, running={"sentiment": install("sentiment", "103")})
    assert engine.classify_sentiment(TEXTS[0]).bundle.version == "103"

    _write_active(installed)

    assert engine.classify_sentiment(TEXTS[0]).bundle.version == shipped_version("sentiment")


def test_damaged_bundle_falls_back_to_the_previous_and_is_reported(engine, installed, install):
    previous, later = install("sentiment", "103"), install("sentiment", "104")
    content = bytearray((installed / later / "model.onnx").read_bytes())
    content[1000] ^= 1
    replace(installed / later / "model.onnx", bytes(content))
    _write_active(installed, running={"sentiment": later}, previous={"sentiment": previous})

    assert engine.classify_sentiment(TEXTS[0]).bundle.version == "103"
    status = {status.role: status for status in engine.statuses()}["sentiment"]
    assert (status.state, status.version) == ("fallback", "103")
    assert "sentiment/104" in status.reason


def test_restored_bundle_answers_again(engine, installed, install):
    later = install("sentiment", "103")
    away = (installed / later).rename(installed / "away")
    _write_active(installed, running={"sentiment": later})
    assert engine.classify_sentiment(TEXTS[0]).bundle.version == shipped_version("sentiment")

    away.rename(installed / later)

    assert engine.classify_sentiment(TEXTS[0]).bundle.version == "103"
    assert {status.state for status in engine.statuses()} <= {"ready", "not_loaded"}


def test_loaded_bundle_answers_while_another_loads(engine, installed, install, monkeypatch):
    engine.classify_sentiment(TEXTS[0])
    is_loading, may_load, load = Event(), Event(), bundle_holder.LoadedBundle

    def load_slowly(bundle, threads):
        is_loading.set()
        may_load.wait(timeout=30)
        return load(bundle, threads)

    monkeypatch.setattr(bundle_holder, "LoadedBundle", load_slowly)
    _write_active(installed, running={"sentiment": install("sentiment", "103")})

    with ThreadPoolExecutor(1) as pool:
        reload = pool.submit(engine.classify_sentiment, TEXTS[0])
        assert is_loading.wait(timeout=30)
        during = engine.classify_sentiment(TEXTS[0])
        may_load.set()
        after = reload.result()

    assert during.bundle.version == shipped_version("sentiment")
    assert after.bundle.version == engine.ref("sentiment").version == "103"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"sentiment": "../../x"}', b'{"next": 7}'])
def test_broken_active_json_falls_back_to_the_release_and_is_reported(engine, installed, content):
    installed.mkdir()
    (installed / ACTIVE).write_bytes(content)

    assert engine.classify_sentiment(TEXTS[0]).bundle.version == shipped_version("sentiment")
    assert "fallback" in {status.state for status in engine.statuses()}


def test_loaded_bundle_answers_after_its_files_are_gone(engine, models):
    assert engine.classify_sentiment(TEXTS[0]).bundle.version == shipped_version("sentiment")

    models.rename(models.with_name("away"))

    assert engine.classify_sentiment(TEXTS[0]).bundle.version == shipped_version("sentiment")
    assert {status.role: status.state for status in engine.statuses()}["sentiment"] == "fallback"


def test_next_encoder_embeds_beside_the_active_one(engine, installed, install):
    assert engine.next_encoder() is None
    before = engine.embed(TEXTS[0])

    _write_active(installed, upcoming={"encoder": install("encoder", "103")})

    assert engine.ref("encoder").version == shipped_version("encoder")
    assert engine.next_encoder().space == "encoder/103"
    vector = engine.embed(TEXTS[0], space="encoder/103")
    assert vector @ before == pytest.approx(1, abs=1e-5)


def test_unknown_space_is_an_error(engine):
    with pytest.raises(BundleMissingError):
        engine.embed(TEXTS[0], space="encoder/9")


def test_activated_encoder_is_no_longer_the_next(engine, installed, install):
    later = install("encoder", "103")
    _write_active(installed, upcoming={"encoder": later})
    engine.embed(TEXTS[0], space="encoder/103")

    _write_active(installed, running={"encoder": later})

    assert engine.ref("encoder").space == "encoder/103"
    assert engine.next_encoder() is None


def test_active_bundles_survive_writing_and_reading(installed):
    active = ActiveBundles(
        running={"encoder": "encoder/2"},
        previous={"encoder": "encoder/1"},
        upcoming={"encoder": "encoder/3"},
    )

    write_active(installed, active)

    assert BundleStore(SHIPPED, installed).read_active() == active
    assert [path.name for path in installed.iterdir()] == [ACTIVE]
