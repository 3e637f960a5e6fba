"""A release as a TUF repository: its files and the signed metadata on the removable media."""

import hashlib
import io
import json
import re
import shutil
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from tuf.api.metadata import (
    Metadata,
    MetaFile,
    Root,
    Signed,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)
from tuf.api.serialization.json import JSONSerializer

from appliance import VERSION
from appliance.inference.bundle import Bundle, InferenceError, describe, verify_files
from scripts.updating import keys
from scripts.updating.keys import PublishingError

RELEASE = "release.json"
PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
TARGETS_DAYS = 365


@dataclass
class Contents:
    """The contents of a release: path in the repository → bytes, and their description."""

    files: dict[str, bytes] = field(default_factory=dict)
    bundles: list[dict] = field(default_factory=list)
    articles: list[dict] = field(default_factory=list)


@dataclass(frozen=True)
class Terms:
    """The supported versions of Skerry (``least`` <= version < ``below``), validity and notes."""

    least: str = VERSION
    below: str = f"{int(VERSION.split('.')[0]) + 1}.0.0"
    days: int = 90
    notes: str = ""
    number: int = 0  # of the release; 0: one higher than the last


def gather(bundles: Iterable[Path], articles: Iterable[Path]) -> Contents:
    """Read the folders; raise PublishingError for an invalid bundle or if all are empty."""
    contents = Contents()
    for folder in bundles:
        _add_bundle(contents, folder.resolve())
    for folder in articles:
        _add_articles(contents, folder.resolve())
    if not contents.files:
        raise PublishingError("There is nothing to pack: use --bundle or --articles.")
    return contents


def _add_bundle(contents: Contents, folder: Path) -> None:
    try:
        role = json.loads((folder / "bundle.json").read_text(encoding="utf-8")).get("role")
        bundle: Bundle = describe(folder, str(role))
        verify_files(bundle)
    except InferenceError as error:
        raise PublishingError(str(error)) from error
    prefix = f"bundles/{bundle.ref.name}/{bundle.ref.version}"
    names = ["bundle.json", *bundle.files]
    if (folder / "card.md").is_file() and "card.md" not in names:
        names.append("card.md")
    for name in names:
        contents.files[f"{prefix}/{name}"] = (folder / name).read_bytes()
    contents.bundles.append(
        {
            "role": role,
            "name": bundle.ref.name,
            "version": bundle.ref.version,
            "digest": bundle.ref.digest,
            "files": names,
        }
    )


def _add_articles(contents: Contents, folder: Path) -> None:
    """Add the Markdown files of a folder, sorted by name."""
    paths = sorted(path for path in folder.glob("*.md") if path.is_file())
    if not paths:
        raise PublishingError(f"{folder} has no articles (*.md).")
    names = []
    for path in paths:
        if not PLAIN_NAME.fullmatch(path.name):
            raise PublishingError(
                f"{path}: rename it to at most 80 letters, digits, dots and dashes."
            )
        names.append(path.name)
        contents.files[f"articles/{folder.name}/{path.name}"] = path.read_bytes()
    contents.articles.append({"pack": folder.name, "files": names})


def publish(
    home: Path, contents: Contents, terms: Terms, folders: Iterable[Path], ask: keys.AskPassphrase
) -> dict[str, bytes]:
    """Sign a release; return the files of the media: path → bytes.

    ``home`` stores the roots and the number of the last release, which increases by one.
    """
    metadata, folders = home / "metadata", [*folders, home / "keys"]
    root = keys.read_root(metadata).signed
    release = _describe(contents, terms)
    files = {**contents.files, RELEASE: json.dumps(release, indent=1).encode()}
    number = max(terms.number, _last_number(metadata) + 1)
    expires = keys.now() + timedelta(days=terms.days)
    targets = Targets(version=number, expires=keys.now() + timedelta(days=TARGETS_DAYS))
    files_by_path: dict[str, bytes] = {}
    for path, content in sorted(files.items()):
        targets.targets[path] = TargetFile.from_data(path, content, ["sha256"])
        files_by_path[f"targets/{_by_hash(path, content)}"] = content
    signed_targets = _sign(root, targets, folders, ask)
    snapshot = Snapshot(version=number, expires=expires)
    snapshot.meta["targets.json"] = MetaFile.from_data(number, signed_targets, ["sha256"])
    signed_snapshot = _sign(root, snapshot, folders, ask)
    timestamp = Timestamp(version=number, expires=expires)
    timestamp.snapshot_meta = MetaFile.from_data(number, signed_snapshot, ["sha256"])
    files_by_path |= {
        f"metadata/{path.name}": path.read_bytes() for path in metadata.glob("*.root.json")
    }
    files_by_path |= {
        f"metadata/{number}.targets.json": signed_targets,
        f"metadata/{number}.snapshot.json": signed_snapshot,
        "metadata/timestamp.json": _sign(root, timestamp, folders, ask),
    }
    _store_number(metadata, number)
    return files_by_path


def _describe(contents: Contents, terms: Terms) -> dict:
    return {
        "format": 1,
        "made_at": keys.now().isoformat(),
        "application": {"least": terms.least, "below": terms.below},
        "bundles": contents.bundles,
        "articles": contents.articles,
        "notes": terms.notes,
    }


def _by_hash(path: str, content: bytes) -> str:
    folder, slash, name = path.rpartition("/")
    return f"{folder}{slash}{hashlib.sha256(content).hexdigest()}.{name}"


def _sign(root: Root, signed: Signed, folders: list[Path], ask: keys.AskPassphrase) -> bytes:
    envelope = Metadata(signed)
    for signer in keys.find_signers(root, signed.type, folders, ask):
        envelope.sign(signer, append=True)
    return envelope.to_bytes(JSONSerializer())


def _last_number(metadata: Path) -> int:
    path = metadata / "published"
    return int(path.read_text()) if path.exists() else 0


def _store_number(metadata: Path, number: int) -> None:
    temporary = metadata / ".published"
    temporary.write_text(f"{number}\n")
    temporary.replace(metadata / "published")


def ensure_free(out: Path, contents: Contents) -> None:
    """Raise PublishingError unless ``out`` is new and has disk space; called before signing."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise PublishingError(f"{out} already exists: name a new folder or file.")
    parent = next(folder for folder in out.absolute().parents if folder.exists())
    needed = sum(map(len, contents.files.values())) + 1_000_000
    if shutil.disk_usage(parent).free < needed:
        raise PublishingError(f"{parent} has no space for {needed // 1_000_000} MB.")


def write_media(files_by_path: dict[str, bytes], out: Path) -> None:
    """Write the files into a new folder, or into one file if the name ends in .tar."""
    if out.suffix == ".tar":
        _write_tar(files_by_path, out)
        return
    for path, content in files_by_path.items():
        target = out / path
        target.parent.mkdir(parents=True, exist_ok=True)
        keys.write_new(target, content)


def _write_tar(files_by_path: dict[str, bytes], out: Path) -> None:
    with tarfile.open(out, "x", format=tarfile.PAX_FORMAT) as archive:
        for path, content in sorted(files_by_path.items()):
            member = tarfile.TarInfo(path)
            member.size, member.mode = len(content), 0o644
            archive.addfile(member, io.BytesIO(content))
