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

from appliance.launcher import manifest, postgres, subprocesses
from appliance.launcher.errors import LauncherError
from appliance.launcher.files import read_json, read_text, sync_dir, write_private
from appliance.launcher.layout import Installation

PARTS = ("postgres", "files", "secrets")
LIST, CARD = "SHA256SUMS", "backup.json"
CHUNK = 1 << 20


def take(installation: Installation, folder: Path) -> None:
    """Copy the desk into ``folder``, which appears only once it is whole and checked.

    Call it with the directory locked and the servers stopped.
    """
    if not is_shut_down(installation):
        raise LauncherError(
            f"The database in {installation.cluster} was not shut down: start and stop the desk."
        )
    making = folder.with_name(f"{folder.name}.making")
    for left in (making, folder):
        shutil.rmtree(left, ignore_errors=True)
    making.mkdir(mode=0o700, parents=True)
    listed: dict[str, str] = {}
    for part in PARTS:
        if (installation.data / part).is_dir():
            listed |= _copy_tree(installation.data / part, making / part, Path(part))
    card = {
        "skerry": installation.version,
        "made_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    card["postgres"] = (read_text(installation.cluster / "PG_VERSION") or "").strip()
    write_private(making / CARD, json.dumps(card) + "\n")
    listed[CARD] = manifest.sha256_of(making / CARD)
    lines = [f"{digest}  {path}\n" for path, digest in sorted(listed.items())]
    write_private(making / LIST, "".join(lines))
    ensure_whole(installation, making)
    making.rename(folder)
    sync_dir(folder.parent)


def ensure_whole(installation: Installation, folder: Path) -> None:
    """Every file is the one that was copied, and every page of the database reads right."""
    if not read_json(folder / CARD):
        raise LauncherError(f"{folder} holds no whole backup.")
    for path, digest in _listed(folder).items():
        manifest.ensure_same(folder / path, str(folder / path), digest)
    result = _run(installation, "pg_checksums", "--check", "-D", str(folder / "postgres"))
    if result.returncode:
        lines = result.stderr.strip().splitlines() or ["no reason given"]
        raise LauncherError(f"The database in {folder} does not read right: {lines[-1]}")


def restore(installation: Installation, folder: Path, *, previous: Path | None = None) -> None:
    """Database, files and secrets as they were. Done again after a cut, it ends the same.

    What the database was until now goes to ``previous``, or away when that is None. Files that came
    since stay: they are only ever added, and those nobody has a row of are tidied up at night.
    """
    ensure_whole(installation, folder)
    coming, gone = (
        installation.data / "postgres.coming",
        previous or installation.data / "postgres.gone",
    )
    shutil.rmtree(coming, ignore_errors=True)
    _copy_tree(folder / "postgres", coming, Path("postgres"))
    if installation.cluster.exists():
        if not previous:
            shutil.rmtree(gone, ignore_errors=True)
        elif gone.exists():  # cut short after this: what is there now is a copy of the backup
            shutil.rmtree(installation.cluster)
        if installation.cluster.exists():
            installation.cluster.rename(gone)
    coming.rename(installation.cluster)
    sync_dir(installation.data)
    _copy_tree(folder / "secrets", installation.secrets, Path("secrets"))
    if (folder / "files").is_dir():
        _copy_tree(folder / "files", installation.data / "files", Path("files"), only_missing=True)
    if not previous:
        shutil.rmtree(gone, ignore_errors=True)


def size_mb(installation: Installation) -> int:
    """What a backup will take, rounded up."""
    return sum(_size(installation.data / part) for part in PARTS) // 2**20 + 1


def _size(folder: Path) -> int:
    paths = (Path(where) / name for where, _, names in os.walk(folder) for name in names)
    return sum(path.lstat().st_size for path in paths)


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
                raise LauncherError(
                    f"{Path(where) / name} is a link: Skerry copies only what it made."
                )
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


def is_shut_down(installation: Installation) -> bool:
    """Whether the database was closed properly; files of one that was cut off are none yet."""
    output = _run(installation, "pg_controldata", "-D", str(installation.cluster)).stdout
    state = next((line for line in output.splitlines() if line.startswith("Database cluster")), "")
    return state.partition(":")[2].strip() == "shut down"


def _run(
    installation: Installation, program: str, *arguments: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603
        [str(postgres.binary(installation, program)), *arguments],
        env=subprocesses.environment(installation),
        capture_output=True,
        text=True,
        check=False,
    )
