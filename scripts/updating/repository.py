"""A release as a TUF repository in a folder: what is on the stick, and what vouches for it."""

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
from scripts.updating.errors import PublishingError

RELEASE = "release.json"
PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
TARGETS_DAYS = 365


@dataclass
class Contents:
    """What is to travel: file name inside the repository → bytes, and what it is."""

    files: dict[str, bytes] = field(default_factory=dict)
    bundles: list[dict] = field(default_factory=list)
    articles: list[dict] = field(default_factory=list)


@dataclass(frozen=True)
class Terms:
    """For which versions of Skerry the release is meant, for how long it is fresh, and a word."""

    least: str = VERSION
    below: str = f"{int(VERSION.split('.')[0]) + 1}.0.0"
    days: int = 90
    notes: str = ""
    number: int = 0  # of the release; 0: one higher than the last


def gather(bundles: Iterable[Path], articles: Iterable[Path]) -> Contents:
    """Read the folders; raises when a bundle does not hold or there is nothing to pack."""
    contents = Contents()
    for folder in bundles:
        _add_bundle(contents, folder.resolve())
    for folder in articles:
        _add_articles(contents, folder.resolve())
    if not contents.files:
        raise PublishingError("There is nothing to pack: name --bundle or --articles.")
    return contents


def _add_bundle(contents: Contents, folder: Path) -> None:
    try:
        role = json.loads((folder / "bundle.json").read_text(encoding="utf-8")).get("role")
        bundle: Bundle = describe(folder, str(role))
        verify_files(bundle)
    except InferenceError as error:
        raise PublishingError(str(error)) from error
    place = f"bundles/{bundle.ref.name}/{bundle.ref.version}"
    names = ["bundle.json", *bundle.files]
    if (folder / "card.md").is_file() and "card.md" not in names:
        names.append("card.md")
    for name in names:
        contents.files[f"{place}/{name}"] = (folder / name).read_bytes()
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
    """The Markdown files of a folder, by their names."""
    found = sorted(path for path in folder.glob("*.md") if path.is_file())
    if not found:
        raise PublishingError(f"{folder} holds no articles (*.md).")
    names = []
    for path in found:
        if not PLAIN_NAME.fullmatch(path.name):
            raise PublishingError(
                f"{path}: rename it to letters, digits, dots, dashes, at most 80."
            )
        names.append(path.name)
        contents.files[f"articles/{folder.name}/{path.name}"] = path.read_bytes()
    contents.articles.append({"pack": folder.name, "files": names})


def publish(
    home: Path, contents: Contents, terms: Terms, folders: Iterable[Path], ask: keys.Ask
) -> dict[str, bytes]:
    """Sign a release. What is to lie on the stick: path → bytes.

    ``home`` keeps the roots and the numbers of the last release; each is higher by one.
    """
    metadata, folders = home / "metadata", [*folders, home / "keys"]
    root = keys.read_root(metadata).signed
    release = _describe(contents, terms)
    files = {**contents.files, RELEASE: json.dumps(release, indent=1).encode()}
    number = max(terms.number, _last_number(metadata) + 1)
    expires = keys.now() + timedelta(days=terms.days)
    targets = Targets(version=number, expires=keys.now() + timedelta(days=TARGETS_DAYS))
    stick: dict[str, bytes] = {}
    for path, content in sorted(files.items()):
        targets.targets[path] = TargetFile.from_data(path, content, ["sha256"])
        stick[f"targets/{_by_hash(path, content)}"] = content
    signed_targets = _sign(root, targets, folders, ask)
    snapshot = Snapshot(version=number, expires=expires)
    snapshot.meta["targets.json"] = MetaFile.from_data(number, signed_targets, ["sha256"])
    signed_snapshot = _sign(root, snapshot, folders, ask)
    timestamp = Timestamp(version=number, expires=expires)
    timestamp.snapshot_meta = MetaFile.from_data(number, signed_snapshot, ["sha256"])
    stick |= {f"metadata/{path.name}": path.read_bytes() for path in metadata.glob("*.root.json")}
    stick |= {
        f"metadata/{number}.targets.json": signed_targets,
        f"metadata/{number}.snapshot.json": signed_snapshot,
        "metadata/timestamp.json": _sign(root, timestamp, folders, ask),
    }
    _remember(metadata, number)
    return stick


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


def _sign(root: Root, signed: Signed, folders: list[Path], ask: keys.Ask) -> bytes:
    envelope = Metadata(signed)
    for signer in keys.find_signers(root, signed.type, folders, ask):
        envelope.sign(signer, append=True)
    return envelope.to_bytes(JSONSerializer())


def _last_number(metadata: Path) -> int:
    path = metadata / "published"
    return int(path.read_text()) if path.exists() else 0


def _remember(metadata: Path, number: int) -> None:
    temporary = metadata / ".published"
    temporary.write_text(f"{number}\n")
    temporary.replace(metadata / "published")


def ensure_free(out: Path, contents: Contents) -> None:
    """The place is new and has room; before anything is signed."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise PublishingError(f"{out} is there already: name a new folder or file.")
    parent = next(folder for folder in out.absolute().parents if folder.exists())
    needed = sum(map(len, contents.files.values())) + 1_000_000
    if shutil.disk_usage(parent).free < needed:
        raise PublishingError(f"{parent} has no room for {needed // 1_000_000} MB.")


def write_stick(stick: dict[str, bytes], out: Path) -> None:
    """Into a new folder, or as one file when the name ends in .tar."""
    if out.suffix == ".tar":
        _write_tar(stick, out)
        return
    for path, content in stick.items():
        target = out / path
        target.parent.mkdir(parents=True, exist_ok=True)
        keys.write_new(target, content)


def _write_tar(stick: dict[str, bytes], out: Path) -> None:
    with tarfile.open(out, "x", format=tarfile.PAX_FORMAT) as archive:
        for path, content in sorted(stick.items()):
            member = tarfile.TarInfo(path)
            member.size, member.mode = len(content), 0o644
            archive.addfile(member, io.BytesIO(content))
