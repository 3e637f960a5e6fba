"""Bundles installed later run before the release's own, and never leave a role without one."""

import json
from pathlib import Path

import pytest

from appliance.inference import slot
from appliance.inference.engine import Engine
from appliance.inference.errors import BundleMissingError
from appliance.inference.shelf import ACTIVE, Choice, Shelf, write_choice
from appliance.inference.tests.samples import SHIPPED, TEXTS, replace


@pytest.fixture(autouse=True)
def _look_at_once(monkeypatch):
    monkeypatch.setattr(slot, "LOOK_AGAIN_SECONDS", 0)


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


def own(role: str) -> str:
    """The version the release brings."""
    return json.loads((SHIPPED / ACTIVE).read_text(encoding="utf-8"))[role].split("/")[1]


def _choose(installed, **choice) -> None:
    write_choice(installed, Choice(**choice))


def test_what_was_installed_later_answers_without_a_restart(engine, installed, install):
    assert engine.read_sentiment(TEXTS[0]).bundle.version == own("sentiment")

    _choose(installed, running={"sentiment": install("sentiment", "103")})

    assert engine.read_sentiment(TEXTS[0]).bundle.version == "103"
    assert engine.ref("sentiment").version == "103"
    assert engine.ref("classifier").version == own("classifier")


def test_going_back_needs_no_restart_either(engine, installed, install):
    _choose(installed, running={"sentiment": install("sentiment", "103")})
    assert engine.read_sentiment(TEXTS[0]).bundle.version == "103"

    _choose(installed)

    assert engine.read_sentiment(TEXTS[0]).bundle.version == own("sentiment")


def test_a_damaged_later_bundle_leaves_the_one_before_it_and_an_alarm(engine, installed, install):
    before, later = install("sentiment", "103"), install("sentiment", "104")
    content = bytearray((installed / later / "model.onnx").read_bytes())
    content[1000] ^= 1
    replace(installed / later / "model.onnx", bytes(content))
    _choose(installed, running={"sentiment": later}, previous={"sentiment": before})

    assert engine.read_sentiment(TEXTS[0]).bundle.version == "103"
    status = {status.role: status for status in engine.statuses()}["sentiment"]
    assert (status.state, status.version) == ("fallback", "103")
    assert "sentiment/104" in status.reason


def test_a_bundle_that_was_put_back_is_taken_up_again(engine, installed, install):
    later = install("sentiment", "103")
    away = (installed / later).rename(installed / "away")
    _choose(installed, running={"sentiment": later})
    assert engine.read_sentiment(TEXTS[0]).bundle.version == own("sentiment")

    away.rename(installed / later)

    assert engine.read_sentiment(TEXTS[0]).bundle.version == "103"
    assert {status.state for status in engine.statuses()} <= {"ready", "not_loaded"}


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"sentiment": "../../x"}', b'{"next": 7}'])
def test_a_torn_choice_leaves_the_releases_own_and_an_alarm(engine, installed, content):
    installed.mkdir()
    (installed / ACTIVE).write_bytes(content)

    assert engine.read_sentiment(TEXTS[0]).bundle.version == own("sentiment")
    assert "fallback" in {status.state for status in engine.statuses()}


def test_what_is_loaded_answers_on_when_its_files_are_gone(engine, models):
    assert engine.read_sentiment(TEXTS[0]).bundle.version == own("sentiment")

    models.rename(models.with_name("away"))

    assert engine.read_sentiment(TEXTS[0]).bundle.version == own("sentiment")
    assert {status.role: status.state for status in engine.statuses()}["sentiment"] == "fallback"


def test_the_next_encoder_embeds_beside_the_one_that_is_read(engine, installed, install):
    assert engine.next_encoder() is None
    before = engine.embed(TEXTS[0])

    _choose(installed, upcoming={"encoder": install("encoder", "103")})

    assert engine.ref("encoder").version == own("encoder")
    assert engine.next_encoder().space == "encoder/103"
    vector = engine.embed(TEXTS[0], space="encoder/103")
    assert vector @ before == pytest.approx(1, abs=1e-5)


def test_a_space_nobody_writes_is_an_error_not_another_vector(engine):
    with pytest.raises(BundleMissingError):
        engine.embed(TEXTS[0], space="encoder/9")


def test_an_encoder_that_became_the_running_one_is_no_longer_the_next(engine, installed, install):
    later = install("encoder", "103")
    _choose(installed, upcoming={"encoder": later})
    engine.embed(TEXTS[0], space="encoder/103")

    _choose(installed, running={"encoder": later})

    assert engine.ref("encoder").space == "encoder/103"
    assert engine.next_encoder() is None


def test_a_choice_is_read_as_it_was_written(installed):
    choice = Choice({"encoder": "encoder/2"}, {"encoder": "encoder/1"}, {"encoder": "encoder/3"})

    write_choice(installed, choice)

    assert Shelf(SHIPPED, installed).read_choice() == choice
    assert [path.name for path in installed.iterdir()] == [ACTIVE]
