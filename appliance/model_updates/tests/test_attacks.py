"""What somebody who can write on the stick may try. Each is refused, and what runs goes on."""

import io
import json
import os
import shutil
import tarfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from django.utils import timezone

from appliance.model_updates import release, services, steps
from appliance.model_updates.errors import EXIT_CODES, EXPIRED, Step, UpdateRejectedError
from appliance.model_updates.models import TrustAnchor, TrustFloor
from appliance.model_updates.removable_media import RemovableMedium
from appliance.model_updates.tests import tiny
from appliance.triage import engine
from scripts.updating import keys, repository


@pytest.fixture
def articles(tmp_path):
    """A pack of one article: a release that needs no model to be tried."""
    folder = tmp_path / "headquarters"
    folder.mkdir()
    (folder / "toner.md").write_text("# Change the toner\n\nOpen the flap, pull the old one out.\n")
    return (folder,)


@pytest.fixture
def refused(settings):
    """Check that a run was refused at a step, and that nothing that runs was touched."""

    def check(run, step: Step, words: str = "") -> None:
        assert run.exit_code == EXIT_CODES[step], (run.exit_code, run.text)
        assert run.state == "refused"
        assert words in run.text
        assert engine.find_ref("classifier").version == "1"
        assert not (settings.DATA / "models" / "active.json").exists()
        assert not list((settings.DATA / "quarantine").iterdir())

    return check


def only(stick, pattern: str):
    return next(iter(sorted(stick.rglob(pattern))))


def flip(path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


# --- who signed it


@pytest.mark.parametrize(
    "pattern",
    [
        "*.model.onnx",
        "*.bundle.json",
        "*.release.json",
        "timestamp.json",
        "1.snapshot.json",
        "1.targets.json",
    ],
)
def test_a_changed_byte_is_refused(apply, publisher, bundle, refused, pattern):
    stick = publisher.pack(bundle())
    flip(only(stick, pattern))

    refused(apply(stick), Step.SIGNATURES)


@pytest.mark.parametrize(("role", "count"), [("targets", 0), ("targets", 1), ("timestamp", 0)])
def test_unsigned_or_signed_by_one_of_two_is_refused(
    apply, publisher, bundle, refused, monkeypatch, role, count
):
    find = keys.find_signers
    monkeypatch.setattr(
        keys,
        "find_signers",
        lambda root, asked, *more: find(root, asked, *more)[: count if asked == role else None],
    )

    refused(apply(publisher.pack(bundle())), Step.SIGNATURES, "not signed by enough")


def test_a_foreign_repository_is_refused(apply, publisher, bundle, refused, tmp_path):
    stranger = type(publisher)(tmp_path / "stranger", tmp_path)
    keys.make_keys(stranger.home, lambda name: "theirs")
    contents = repository.gather([bundle()], [])
    stick = repository.publish(
        stranger.home, contents, repository.Terms(), [], lambda name: "theirs"
    )
    repository.write_media(stick, tmp_path / "foreign")

    refused(apply(tmp_path / "foreign"), Step.SIGNATURES, "not signed by enough")


def test_a_key_that_was_revoked_signs_nothing_any_more(
    apply, publisher, bundle, articles, refused, tmp_path
):
    shutil.copytree(publisher.home, tmp_path / "thief")
    thief = type(publisher)(tmp_path / "thief", tmp_path)
    publisher.replace("targets-1")
    assert apply(publisher.pack(articles=articles)).exit_code == 0

    old_root = thief.pack(bundle(), name="old-root", number=9)
    refused(apply(old_root), Step.VERSIONS, "older than what this desk has seen")

    new_root = thief.pack(bundle(version="3"), name="new-root", number=9)
    (new_root / "metadata/2.root.json").write_bytes(
        (publisher.home / "metadata/2.root.json").read_bytes()
    )
    refused(apply(new_root), Step.SIGNATURES, "not signed by enough")


def test_a_desk_follows_its_publisher_through_every_rotation(apply, publisher, articles):
    for name in ("targets-1", "root-1", "root-2", "timestamp-1"):
        publisher.replace(name)

    run = apply(publisher.pack(articles=articles))

    assert run.exit_code == 0, run.text
    assert TrustFloor.objects.get(file="root").version == 5


def test_another_root_is_never_pinned_over_the_first(trusting, tmp_path):
    other = keys.make_keys(tmp_path / "other", lambda name: "x")

    with pytest.raises(UpdateRejectedError, match="another root"):
        services.pin_root(other, by_name="Mallory")


# --- how old it is


@pytest.mark.parametrize("lost", ["nothing", "rows", "files", "torn files"])
def test_an_older_update_is_refused_whatever_was_deleted(
    apply, publisher, bundle, articles, refused, settings, lost
):
    older = publisher.pack(bundle(), name="older")
    assert apply(publisher.pack(articles=articles, name="newer")).exit_code == 0
    for path in (settings.DATA / "trust").iterdir():
        if lost == "files":
            path.unlink()
        if lost == "torn files":
            path.write_bytes(path.read_bytes()[:20])
    if lost == "rows":
        TrustFloor.objects.all().delete()
        TrustAnchor.objects.all().delete()

    refused(apply(older), Step.VERSIONS, "older than what this desk has seen")
    refused(apply(older, accept=("expired", "worse")), Step.VERSIONS)


@pytest.mark.parametrize("name", ["targets", "snapshot"])
def test_files_of_two_releases_do_not_mix(apply, publisher, bundle, articles, refused, name):
    old = publisher.pack(bundle(), name="old")
    new = publisher.pack(articles=articles, name="new")
    (new / f"metadata/2.{name}.json").write_bytes((old / f"metadata/1.{name}.json").read_bytes())

    refused(apply(new), Step.SIGNATURES)


def test_an_expired_update_needs_a_named_admin(apply, publisher, articles):
    stick = publisher.pack(articles=articles, days=-1)

    run = apply(stick)
    assert (run.exit_code, run.asks) == (EXPIRED, "expired")

    run = apply(stick, accept=("expired",))
    assert run.exit_code == 0, run.text
    assert "expired accepted by Dan: Asked for" in run.steps[2]["text"]


def test_an_expired_update_that_is_older_too_is_never_taken(apply, publisher, articles, refused):
    old = publisher.pack(articles=articles, name="old", days=-1)
    assert apply(publisher.pack(articles=articles, name="new")).exit_code == 0

    refused(apply(old, accept=("expired",)), Step.VERSIONS, "older than")


def _set_clock(monkeypatch, at: datetime) -> None:
    monkeypatch.setattr(timezone, "now", lambda: at)


def test_a_clock_at_1970_makes_nothing_fresh(apply, publisher, articles, monkeypatch):
    stick = publisher.pack(articles=articles, days=-1)
    _set_clock(monkeypatch, datetime(1970, 1, 2, tzinfo=UTC))

    assert apply(stick).exit_code == EXPIRED


def test_a_clock_five_years_ahead_harms_nobody_for_long(apply, publisher, articles, monkeypatch):
    stick, real = publisher.pack(articles=articles), timezone.now()
    with monkeypatch.context() as patch:
        _set_clock(patch, real + timedelta(days=5 * 365))
        run = apply(stick)
    assert run.exit_code == EXPIRED
    assert "set this machine's clock" in run.text

    assert apply(stick).exit_code == 0


# --- what lies on the stick


def test_data_that_does_not_end_is_refused(apply, publisher, bundle, refused):
    stick = publisher.pack(bundle())
    with only(stick, "*.model.onnx").open("ab") as stream:
        stream.truncate(1 << 40)  # a hole of a terabyte

    refused(apply(stick), Step.QUARANTINE, "too large")


def test_metadata_that_does_not_end_is_refused(apply, publisher, bundle, refused):
    stick = publisher.pack(bundle())
    with (stick / "metadata/timestamp.json").open("ab") as stream:
        stream.write(b" " * 20_000_000)

    refused(apply(stick), Step.QUARANTINE, "too large")


def _exchange(path, how: str, tmp_path) -> None:
    aside = path.rename(tmp_path / "aside")
    if how == "symlink":
        path.symlink_to(aside)
    elif how == "hard link":
        os.link(aside, path)
    elif how == "fifo":
        os.mkfifo(path)


@pytest.mark.parametrize("how", ["symlink", "hard link", "fifo"])
@pytest.mark.parametrize("pattern", ["*.model.onnx", "timestamp.json"])
def test_only_plain_files_are_read(apply, publisher, bundle, refused, tmp_path, how, pattern):
    stick = publisher.pack(bundle())
    _exchange(only(stick, pattern), how, tmp_path)

    refused(apply(stick), Step.QUARANTINE)


def test_a_folder_that_is_a_link_is_not_entered(apply, publisher, bundle, refused, tmp_path):
    stick = publisher.pack(bundle())
    (stick / "targets/bundles").rename(tmp_path / "aside")
    (stick / "targets/bundles").symlink_to(tmp_path / "aside")

    refused(apply(stick), Step.QUARANTINE, "link")


def test_a_device_is_not_read():
    with (
        RemovableMedium(Path("/dev")) as stick,
        pytest.raises(UpdateRejectedError, match="not a plain file"),
    ):
        stick.read("zero", most=10)


@pytest.mark.parametrize("path", ["../etc/passwd", "a/../b", "/etc/passwd", "", "a//b", ".hidden"])
def test_a_path_that_leads_elsewhere_is_not_opened(tmp_path, path):
    (tmp_path / "a").mkdir()
    with (
        RemovableMedium(tmp_path) as stick,
        pytest.raises(UpdateRejectedError, match="not allowed"),
    ):
        stick.read(path, most=10)


@pytest.mark.parametrize("name", ["..", "../x", "/x", "a/b", ".x", "", 7])
def test_a_signed_release_names_no_path_that_leads_elsewhere(name):
    bundle = {"role": "encoder", "name": "encoder", "version": "2", "files": [name]}
    said = {
        "format": 1,
        "made_at": "2026-01-01T00:00:00+00:00",
        "bundles": [bundle],
        "articles": [],
        "application": {"least": "0.1", "below": "1"},
    }

    with pytest.raises(UpdateRejectedError, match="form this Skerry does not know"):
        release.parse(json.dumps(said).encode())


@pytest.mark.parametrize("kind", ["symlink", "hard link", "device", "upwards", "twice", "huge"])
def test_an_archive_holds_plain_files_only(apply, publisher, bundle, refused, tmp_path, kind):
    path = publisher.pack(bundle(), name="update.tar")
    evil = tarfile.TarInfo("targets/evil")
    kinds = {"symlink": tarfile.SYMTYPE, "hard link": tarfile.LNKTYPE, "device": tarfile.CHRTYPE}
    evil.type, evil.linkname = kinds.get(kind, tarfile.REGTYPE), "/etc/passwd"
    evil.name = {"upwards": "targets/../../evil", "twice": "metadata/timestamp.json"}.get(
        kind, evil.name
    )
    if kind == "huge":
        content = path.read_bytes()
        evil.size = 1 << 40
        header = evil.tobuf(tarfile.GNU_FORMAT)
        path.write_bytes(header + content)
    else:
        with tarfile.open(path, "a") as archive:
            archive.addfile(evil, io.BytesIO(b""))

    refused(apply(path), Step.QUARANTINE)


def test_a_file_that_is_no_archive_is_refused(apply, tmp_path, refused):
    path = tmp_path / "update.tar"
    path.write_bytes(os.urandom(4096))

    refused(apply(path), Step.QUARANTINE, "not a whole .tar")


# --- what is inside, although it is signed


def test_a_tiny_model_that_asks_for_160_gigabytes_takes_nothing_with_it(
    apply, publisher, bundle, refused
):
    big = tiny.node("ConstantOfShape", ["S"], ["big"])
    out = tiny.node(
        "ReduceMean", ["big"], ["out"], tiny.attribute("axes", [0]), tiny.attribute("keepdims", 0)
    )
    shape = tiny.tensor("S", np.array([13_000_000_000, 1, 3], dtype=np.int64))
    onnx = tiny.model([big, out], [shape], 3)
    run = apply(publisher.pack(bundle(onnx=onnx)))

    assert run.exit_code in (EXIT_CODES[Step.LOAD], EXIT_CODES[Step.GOLDEN])
    assert engine.find_ref("classifier").version == "1"


def test_values_in_another_file_are_refused(apply, publisher, bundle, refused):
    elsewhere = tiny.message(13, tiny.message(1, "location") + tiny.message(2, "/etc/passwd"))
    stored = tiny.tensor("W", tiny.weights_for("classifier"), extra=elsewhere + tiny.number(14, 1))
    onnx = tiny.model([tiny.node("Gather", ["W", "input_ids"], ["out"])], [stored], 3)

    refused(apply(publisher.pack(bundle(onnx=onnx))), Step.COMPATIBILITY, "external data")


def test_operators_of_an_unknown_domain_are_refused(apply, publisher, bundle, refused):
    strange = tiny.node("Phone", ["input_ids"], ["out"], domain="home.example")
    onnx = tiny.model([strange], [], 3, domains=("home.example",))

    refused(apply(publisher.pack(bundle(onnx=onnx))), Step.COMPATIBILITY, "home.example")


def test_compiled_code_is_refused(apply, publisher, bundle, refused):
    onnx = tiny.model([tiny.node("EPContext", ["input_ids"], ["out"])], [], 3)

    refused(apply(publisher.pack(bundle(onnx=onnx))), Step.COMPATIBILITY, "EPContext")


@pytest.mark.parametrize(
    "content", [b"\x00", b"\x3a\xff\xff\xff\xff\x0f", b"not a model", b"\x08\x01"]
)
def test_bytes_that_are_no_model_are_refused(apply, publisher, bundle, refused, content):
    refused(apply(publisher.pack(bundle(onnx=content))), Step.COMPATIBILITY)


def test_the_tokenizer_of_another_model_is_noticed(apply, publisher, bundle, refused, tmp_path):
    folder = bundle()
    other = tiny.write_bundle(
        tmp_path / "other",
        "classifier",
        "9",
        vocabulary=[*reversed(tiny.VOCABULARY)],
        golden=False,
    )
    (folder / "tokenizer.json").write_bytes((other / "tokenizer.json").read_bytes())
    tiny.sign(folder)

    refused(apply(publisher.pack(folder)), Step.GOLDEN, "tokenized differently")


def test_a_forgotten_category_is_noticed(apply, publisher, bundle, refused):
    labels = ["access", "network", "printing"]

    run = apply(publisher.pack(bundle(labels=labels)))

    refused(run, Step.COMPATIBILITY, "hardware")


def test_swapped_labels_are_noticed_without_a_single_ticket(apply, publisher, bundle, refused):
    run = apply(publisher.pack(bundle(labels=["network", "hardware", "access"])))

    assert (run.exit_code, run.asks) == (EXIT_CODES[Step.EVALUATION], "worse")
    assert "own phrases" in run.text
    assert engine.find_ref("classifier").version == "1"


def test_a_slower_bundle_is_noticed(apply, publisher, bundle, monkeypatch):
    monkeypatch.setattr(steps, "_speed_of_running", lambda role: {"ms": 1e-9, "memory_mb": 1.0})
    monkeypatch.setattr(steps, "MORE_MS", 0.0)

    run = apply(publisher.pack(bundle()))

    assert (run.exit_code, run.asks) == (EXIT_CODES[Step.BUDGET], "budget")
