"""Attacks by somebody who can write on the medium: each is rejected, no active bundle changes."""

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

from appliance.inference.bundle import ENGLISH_MODEL, ENGLISH_TOKENIZER
from appliance.model_updates import release, services, steps
from appliance.model_updates.errors import EXIT_CODES, EXPIRED, Step, UpdateRejectedError
from appliance.model_updates.models import TrustAnchor, TrustFloor
from appliance.model_updates.onnx_inspection import inspect_model
from appliance.model_updates.removable_media import RemovableMedium
from appliance.model_updates.tests import tiny_bundles
from appliance.triage import engine
from scripts.updating import keys, repository
from scripts.updating.publishing import MODELS


@pytest.fixture
def articles(tmp_path):
    """A pack of one article: a release without bundles."""
    folder = tmp_path / "headquarters"
    folder.mkdir()
    (folder / "toner.md").write_text("# Change the toner\n\nOpen the flap, pull the old one out.\n")
    return (folder,)


@pytest.fixture
def assert_rejected(settings):
    """Check that a run was rejected at a step, and that no active bundle changed."""

    def check(run, step: Step, words: str = "") -> None:
        assert run.exit_code == EXIT_CODES[step], (run.exit_code, run.text)
        assert run.state == "rejected"
        assert words in run.text
        assert engine.find_ref("classifier").version == "1"
        assert not (settings.DATA / "models" / "active.json").exists()
        assert not list((settings.DATA / "quarantine").iterdir())

    return check


def find_file(medium, pattern: str):
    return next(iter(sorted(medium.rglob(pattern))))


def flip_a_byte(path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


# --- signatures


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
def test_changed_byte_is_rejected(apply, publisher, bundle, assert_rejected, pattern):
    medium = publisher.pack(bundle())
    flip_a_byte(find_file(medium, pattern))

    assert_rejected(apply(medium), Step.SIGNATURES)


@pytest.mark.parametrize(("role", "count"), [("targets", 0), ("targets", 1), ("timestamp", 0)])
def test_missing_signature_is_rejected(
    apply, publisher, bundle, assert_rejected, monkeypatch, role, count
):
    find_signers = keys.find_signers
    monkeypatch.setattr(
        keys,
        "find_signers",
        lambda root, signed, *more: find_signers(root, signed, *more)[
            : count if signed == role else None
        ],
    )

    assert_rejected(apply(publisher.pack(bundle())), Step.SIGNATURES, "not signed by enough")


def test_repository_of_another_publisher_is_rejected(
    apply, publisher, bundle, assert_rejected, tmp_path
):
    stranger = type(publisher)(tmp_path / "stranger", tmp_path)
    keys.make_keys(stranger.home, lambda name: "theirs")
    contents = repository.gather([bundle()], [])
    files = repository.publish(
        stranger.home, contents, repository.Terms(), [], lambda name: "theirs"
    )
    repository.write_media(files, tmp_path / "foreign")

    assert_rejected(apply(tmp_path / "foreign"), Step.SIGNATURES, "not signed by enough")


def test_signature_of_a_revoked_key_is_rejected(
    apply, publisher, bundle, articles, assert_rejected, tmp_path
):
    shutil.copytree(publisher.home, tmp_path / "thief")
    thief = type(publisher)(tmp_path / "thief", tmp_path)
    publisher.replace("targets-1")
    assert apply(publisher.pack(articles=articles)).exit_code == 0

    old_root = thief.pack(bundle(), name="old-root", number=9)
    assert_rejected(apply(old_root), Step.VERSIONS, "older than an update seen before")

    new_root = thief.pack(bundle(version="3"), name="new-root", number=9)
    (new_root / "metadata/2.root.json").write_bytes(
        (publisher.home / "metadata/2.root.json").read_bytes()
    )
    assert_rejected(apply(new_root), Step.SIGNATURES, "not signed by enough")


def test_rotated_keys_are_accepted(apply, publisher, articles):
    for name in ("targets-1", "root-1", "root-2", "timestamp-1"):
        publisher.replace(name)

    run = apply(publisher.pack(articles=articles))

    assert run.exit_code == 0, run.text
    assert TrustFloor.objects.get(file="root").version == 5


def test_another_root_cannot_replace_the_pinned_one(trusted_publisher, tmp_path):
    other = keys.make_keys(tmp_path / "other", lambda name: "x")

    with pytest.raises(UpdateRejectedError, match="Another root"):
        services.pin_root(other, by_name="Mallory")


# --- age


@pytest.mark.parametrize("lost", ["nothing", "rows", "files", "torn files"])
def test_older_update_is_rejected_whatever_was_deleted(
    apply, publisher, bundle, articles, assert_rejected, settings, lost
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

    assert_rejected(apply(older), Step.VERSIONS, "older than an update seen before")
    assert_rejected(apply(older, accept=("expired", "worse")), Step.VERSIONS)


@pytest.mark.parametrize("name", ["targets", "snapshot"])
def test_mixed_files_of_two_releases_are_rejected(
    apply, publisher, bundle, articles, assert_rejected, name
):
    old = publisher.pack(bundle(), name="old")
    new = publisher.pack(articles=articles, name="new")
    (new / f"metadata/2.{name}.json").write_bytes((old / f"metadata/1.{name}.json").read_bytes())

    assert_rejected(apply(new), Step.SIGNATURES)


def test_expired_update_needs_a_named_admin(apply, publisher, articles):
    medium = publisher.pack(articles=articles, days=-1)

    run = apply(medium)
    assert (run.exit_code, run.needs_approval) == (EXPIRED, "expired")

    run = apply(medium, accept=("expired",))
    assert run.exit_code == 0, run.text
    assert "expired accepted by Dan: Asked for" in run.steps[2]["text"]


def test_expired_update_that_is_older_too_is_rejected(apply, publisher, articles, assert_rejected):
    old = publisher.pack(articles=articles, name="old", days=-1)
    assert apply(publisher.pack(articles=articles, name="new")).exit_code == 0

    assert_rejected(apply(old, accept=("expired",)), Step.VERSIONS, "older than")


def _set_clock(monkeypatch, at: datetime) -> None:
    monkeypatch.setattr(timezone, "now", lambda: at)


def test_clock_at_1970_makes_no_update_fresh(apply, publisher, articles, monkeypatch):
    medium = publisher.pack(articles=articles, days=-1)
    _set_clock(monkeypatch, datetime(1970, 1, 2, tzinfo=UTC))

    assert apply(medium).exit_code == EXPIRED


def test_clock_five_years_ahead_does_no_lasting_harm(apply, publisher, articles, monkeypatch):
    medium, real = publisher.pack(articles=articles), timezone.now()
    with monkeypatch.context() as patch:
        _set_clock(patch, real + timedelta(days=5 * 365))
        run = apply(medium)
    assert run.exit_code == EXPIRED
    assert "set this machine's clock" in run.text

    assert apply(medium).exit_code == 0


# --- contents of the medium


def test_endless_data_is_rejected(apply, publisher, bundle, assert_rejected):
    medium = publisher.pack(bundle())
    with find_file(medium, "*.model.onnx").open("ab") as stream:
        stream.truncate(1 << 40)  # a hole of a terabyte

    assert_rejected(apply(medium), Step.QUARANTINE, "too large")


def test_endless_metadata_is_rejected(apply, publisher, bundle, assert_rejected):
    medium = publisher.pack(bundle())
    with (medium / "metadata/timestamp.json").open("ab") as stream:
        stream.write(b" " * 20_000_000)

    assert_rejected(apply(medium), Step.QUARANTINE, "too large")


def _exchange(path, how: str, tmp_path) -> None:
    original = path.rename(tmp_path / "original")
    if how == "symlink":
        path.symlink_to(original)
    elif how == "hard link":
        os.link(original, path)
    elif how == "fifo":
        os.mkfifo(path)


@pytest.mark.parametrize("how", ["symlink", "hard link", "fifo"])
@pytest.mark.parametrize("pattern", ["*.model.onnx", "timestamp.json"])
def test_only_plain_files_are_read(
    apply, publisher, bundle, assert_rejected, tmp_path, how, pattern
):
    medium = publisher.pack(bundle())
    _exchange(find_file(medium, pattern), how, tmp_path)

    assert_rejected(apply(medium), Step.QUARANTINE)


def test_folder_that_is_a_link_is_not_entered(apply, publisher, bundle, assert_rejected, tmp_path):
    medium = publisher.pack(bundle())
    (medium / "targets/bundles").rename(tmp_path / "aside")
    (medium / "targets/bundles").symlink_to(tmp_path / "aside")

    assert_rejected(apply(medium), Step.QUARANTINE, "link")


def test_device_is_not_read():
    with (
        RemovableMedium(Path("/dev")) as medium,
        pytest.raises(UpdateRejectedError, match="not a plain file"),
    ):
        medium.read("zero", max_bytes=10)


@pytest.mark.parametrize("path", ["../etc/passwd", "a/../b", "/etc/passwd", "", "a//b", ".hidden"])
def test_path_out_of_the_medium_is_not_opened(tmp_path, path):
    (tmp_path / "a").mkdir()
    with (
        RemovableMedium(tmp_path) as medium,
        pytest.raises(UpdateRejectedError, match="not allowed"),
    ):
        medium.read(path, max_bytes=10)


@pytest.mark.parametrize("name", ["..", "../x", "/x", "a/b", ".x", "", 7])
def test_signed_release_names_no_path_out_of_the_medium(name):
    bundle = {"role": "encoder", "name": "encoder", "version": "2", "files": [name]}
    release_json = {
        "format": 1,
        "made_at": "2026-01-01T00:00:00+00:00",
        "bundles": [bundle],
        "articles": [],
        "application": {"least": "0.1", "below": "1"},
    }

    with pytest.raises(UpdateRejectedError, match="form this Skerry does not know"):
        release.parse(json.dumps(release_json).encode())


@pytest.mark.parametrize("kind", ["symlink", "hard link", "device", "upwards", "twice", "huge"])
def test_archive_may_hold_only_plain_files(
    apply, publisher, bundle, assert_rejected, tmp_path, kind
):
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

    assert_rejected(apply(path), Step.QUARANTINE)


def test_file_that_is_no_archive_is_rejected(apply, tmp_path, assert_rejected):
    path = tmp_path / "update.tar"
    path.write_bytes(os.urandom(4096))

    assert_rejected(apply(path), Step.QUARANTINE, "not a whole .tar")


# --- contents of a signed bundle


def test_model_that_allocates_160_gigabytes_is_rejected(apply, publisher, bundle, assert_rejected):
    big = tiny_bundles.node("ConstantOfShape", ["S"], ["big"])
    out = tiny_bundles.node(
        "ReduceMean",
        ["big"],
        ["out"],
        tiny_bundles.attribute("axes", [0]),
        tiny_bundles.attribute("keepdims", 0),
    )
    shape = tiny_bundles.tensor("S", np.array([13_000_000_000, 1, 3], dtype=np.int64))
    onnx = tiny_bundles.model([big, out], [shape], 3)
    run = apply(publisher.pack(bundle(onnx=onnx)))

    assert run.exit_code in (EXIT_CODES[Step.LOAD], EXIT_CODES[Step.GOLDEN])
    assert engine.find_ref("classifier").version == "1"


def test_external_data_is_rejected(apply, publisher, bundle, assert_rejected):
    external = tiny_bundles.message(
        13, tiny_bundles.message(1, "location") + tiny_bundles.message(2, "/etc/passwd")
    )
    stored = tiny_bundles.tensor(
        "W", tiny_bundles.weights_for("classifier"), extra=external + tiny_bundles.number(14, 1)
    )
    onnx = tiny_bundles.model(
        [tiny_bundles.node("Gather", ["W", "input_ids"], ["out"])], [stored], 3
    )

    assert_rejected(apply(publisher.pack(bundle(onnx=onnx))), Step.COMPATIBILITY, "external data")


def test_operators_of_an_unknown_domain_are_rejected(apply, publisher, bundle, assert_rejected):
    unknown = tiny_bundles.node("Phone", ["input_ids"], ["out"], domain="home.example")
    onnx = tiny_bundles.model([unknown], [], 3, domains=("home.example",))

    assert_rejected(apply(publisher.pack(bundle(onnx=onnx))), Step.COMPATIBILITY, "home.example")


def test_only_known_operators_of_the_runtime_are_accepted(
    apply, publisher, bundle, assert_rejected
):
    nodes = [
        tiny_bundles.node(op, ["input_ids"], ["out"], domain=steps.RUNTIME_DOMAIN)
        for op in ("GatherBlockQuantized", "Attention")
    ]
    onnx = tiny_bundles.model(nodes, [], 3, domains=(steps.RUNTIME_DOMAIN,))

    run = apply(publisher.pack(bundle(onnx=onnx)))

    assert_rejected(run, Step.COMPATIBILITY, "not standard (com.microsoft.Attention)")


@pytest.mark.parametrize(
    "path", sorted(MODELS.glob("*/*/*.onnx")), ids=lambda path: "-".join(path.parts[-3:])
)
def test_shipped_models_may_be_delivered_by_an_update(path):
    assert list(steps._model_problems(inspect_model(path.read_bytes()))) == []


def test_model_for_english_texts_is_inspected_like_the_other(
    apply, publisher, bundle, assert_rejected
):
    folder = bundle("encoder")
    compiled = tiny_bundles.node("EPContext", ["input_ids"], ["out"])
    (folder / ENGLISH_MODEL).write_bytes(tiny_bundles.model([compiled], [], 3))
    (folder / ENGLISH_TOKENIZER).write_bytes((folder / "tokenizer.json").read_bytes())
    tiny_bundles.write_digests(folder)

    assert_rejected(
        apply(publisher.pack(folder)), Step.COMPATIBILITY, "english.onnx: it asks for compiled code"
    )


def test_compiled_code_is_rejected(apply, publisher, bundle, assert_rejected):
    onnx = tiny_bundles.model([tiny_bundles.node("EPContext", ["input_ids"], ["out"])], [], 3)

    assert_rejected(apply(publisher.pack(bundle(onnx=onnx))), Step.COMPATIBILITY, "EPContext")


@pytest.mark.parametrize(
    "content", [b"\x00", b"\x3a\xff\xff\xff\xff\x0f", b"not a model", b"\x08\x01"]
)
def test_bytes_that_are_no_model_are_rejected(apply, publisher, bundle, assert_rejected, content):
    assert_rejected(apply(publisher.pack(bundle(onnx=content))), Step.COMPATIBILITY)


def test_tokenizer_of_another_model_is_rejected(
    apply, publisher, bundle, assert_rejected, tmp_path
):
    folder = bundle()
    other = tiny_bundles.write_bundle(
        tmp_path / "other",
        "classifier",
        "9",
        vocabulary=[*reversed(tiny_bundles.VOCABULARY)],
        golden=False,
    )
    (folder / "tokenizer.json").write_bytes((other / "tokenizer.json").read_bytes())
    tiny_bundles.write_digests(folder)

    assert_rejected(apply(publisher.pack(folder)), Step.GOLDEN, "tokenized differently")


def test_missing_category_is_rejected(apply, publisher, bundle, assert_rejected):
    labels = ["access", "network", "printing"]

    run = apply(publisher.pack(bundle(labels=labels)))

    assert_rejected(run, Step.COMPATIBILITY, "hardware")


def test_swapped_labels_are_rejected_even_without_tickets(
    apply, publisher, bundle, assert_rejected
):
    run = apply(publisher.pack(bundle(labels=["network", "hardware", "access"])))

    assert (run.exit_code, run.needs_approval) == (EXIT_CODES[Step.EVALUATION], "worse")
    assert "own phrases" in run.text
    assert engine.find_ref("classifier").version == "1"


def test_slower_bundle_is_rejected(apply, publisher, bundle, monkeypatch):
    monkeypatch.setattr(steps, "_measure_active", lambda role: {"ms": 1e-9, "memory_mb": 1.0})
    monkeypatch.setattr(steps, "TOLERATED_MS", 0.0)

    run = apply(publisher.pack(bundle()))

    assert (run.exit_code, run.needs_approval) == (EXIT_CODES[Step.BUDGET], "budget")
