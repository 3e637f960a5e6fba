"""A whole copy of a desk that stands still: database, files, secrets, and a list of digests.

The database is copied as its files, so putting it back needs no server and changes nothing of it:
roles, extensions and index pages come back as they were.
"""

import hashlib
import json
import os
import shutil
import subprocess
import time
from pathlib import Path

from appliance.launcher import children, manifest, postgres
from appliance.launcher.errors import BoxError
from appliance.launcher.files import read_json, read_text, sync_dir, write_private
from appliance.launcher.layout import Box

PARTS = ("postgres", "files", "secrets")
LIST, CARD = "SHA256SUMS", "backup.json"
CHUNK = 1 << 20


def take(box: Box, folder: Path) -> None:
    """Copy the desk into ``folder``, which appears only once it is whole and checked.

    Call it with the directory locked and the servers stopped.
    """
    if not is_shut_down(box):
        raise BoxError(f"The database in {box.cluster} was not shut down: start and stop the desk.")
    making = folder.with_name(f"{folder.name}.making")
    for left in (making, folder):
        shutil.rmtree(left, ignore_errors=True)
    making.mkdir(mode=0o700, parents=True)
    listed: dict[str, str] = {}
    for part in PARTS:
        if (box.data / part).is_dir():
            listed |= _copy_tree(box.data / part, making / part, Path(part))
    card = {"skerry": box.version, "made_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
    card["postgres"] = (read_text(box.cluster / "PG_VERSION") or "").strip()
    write_private(making / CARD, json.dumps(card) + "\n")
    listed[CARD] = manifest.sha256_of(making / CARD)
    lines = [f"{digest}  {path}\n" for path, digest in sorted(listed.items())]
    write_private(making / LIST, "".join(lines))
    ensure_whole(box, making)
    making.rename(folder)
    sync_dir(folder.parent)


def ensure_whole(box: Box, folder: Path) -> None:
    """Every file is the one that was copied, and every page of the database reads right."""
    if not read_json(folder / CARD):
        raise BoxError(f"{folder} holds no whole backup.")
    for path, digest in _listed(folder).items():
        manifest.ensure_same(folder / path, str(folder / path), digest)
    said = _run(box, "pg_checksums", "--check", "-D", str(folder / "postgres"))
    if said.returncode:
        lines = said.stderr.strip().splitlines() or ["no reason given"]
        raise BoxError(f"The database in {folder} does not read right: {lines[-1]}")


def put_back(box: Box, folder: Path, *, kept: Path | None = None) -> None:
    """Database, files and secrets as they were. Done again after a cut, it ends the same.

    What the database was until now goes to ``kept``, or away when that is None. Files that came
    since stay: they are only ever added, and those nobody has a row of are tidied up at night.
    """
    ensure_whole(box, folder)
    coming, gone = box.data / "postgres.coming", kept or box.data / "postgres.gone"
    shutil.rmtree(coming, ignore_errors=True)
    _copy_tree(folder / "postgres", coming, Path("postgres"))
    if box.cluster.exists():
        if not kept:
            shutil.rmtree(gone, ignore_errors=True)
        elif gone.exists():  # cut short after this: what is there now is a copy of the backup
            shutil.rmtree(box.cluster)
        if box.cluster.exists():
            box.cluster.rename(gone)
    coming.rename(box.cluster)
    sync_dir(box.data)
    _copy_tree(folder / "secrets", box.secrets, Path("secrets"))
    if (folder / "files").is_dir():
        _copy_tree(folder / "files", box.data / "files", Path("files"), only_missing=True)
    if not kept:
        shutil.rmtree(gone, ignore_errors=True)


def size_mb(box: Box) -> int:
    """What a backup will take, rounded up."""
    return sum(_size(box.data / part) for part in PARTS) // 2**20 + 1


def _size(folder: Path) -> int:
    found = (Path(where) / name for where, _, names in os.walk(folder) for name in names)
    return sum(path.lstat().st_size for path in found)


def _listed(folder: Path) -> dict[str, str]:
    return manifest.parse(read_text(folder / LIST) or "")


def _copy_tree(source: Path, target: Path, at: Path, *, only_missing: bool = False) -> dict:
    """Copy a folder, each file flushed to disk; path below ``at`` → sha256."""
    listed = {}
    for where, folders, names in os.walk(source):
        inside = Path(where).relative_to(source)
        (target / inside).mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in (*folders, *names):
            if (Path(where) / name).is_symlink():
                raise BoxError(f"{Path(where) / name} is a link: Skerry copies only what it made.")
        for name in names:
            copy = target / inside / name
            if not (only_missing and copy.exists()):
                listed[(at / inside / name).as_posix()] = copy_file(Path(where) / name, copy)
        sync_dir(target / inside)
    return listed


def copy_file(source: Path, target: Path) -> str:
    """Copy one file whole, under its name only when it is; its sha256."""
    digest, making = hashlib.sha256(), target.with_name(f"{target.name}.making")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    with source.open("rb") as reading, os.fdopen(os.open(making, flags, 0o600), "wb") as writing:
        for block in iter(lambda: reading.read(CHUNK), b""):
            digest.update(block)
            writing.write(block)
        writing.flush()
        os.fsync(writing.fileno())
    making.replace(target)
    return digest.hexdigest()


def is_shut_down(box: Box) -> bool:
    """Whether the database was closed properly; files of one that was cut off are none yet."""
    said = _run(box, "pg_controldata", "-D", str(box.cluster)).stdout
    state = next((line for line in said.splitlines() if line.startswith("Database cluster")), "")
    return state.partition(":")[2].strip() == "shut down"


def _run(box: Box, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603
        [str(postgres.binary(box, program)), *arguments],
        env=children.environment(box),
        capture_output=True,
        text=True,
        check=False,
    )
