"""Backup of stopped servers: database, uploaded files and secrets, with their digests.

The database is copied as files, so a restore needs no server and restores roles, extensions and
indexes exactly.
"""

import hashlib
import json
import os
import shutil
import subprocess
import time
from pathlib import Path

from appliance.launcher import disk_watch, manifest, postgres, subprocesses
from appliance.launcher.files import read_json, read_text, sync_dir, write_private
from appliance.launcher.layout import Installation
from appliance.launcher.terminal import LauncherError

FOLDERS = ("postgres", "files", "secrets")
DIGESTS_FILE, METADATA_FILE = "SHA256SUMS", "backup.json"
CHUNK_BYTES = 1 << 20


def create(installation: Installation, folder: Path) -> None:
    """Copy everything into ``folder``, which appears only when it is complete and verified.

    Call it with the directory locked and the servers stopped.
    """
    if not is_shut_down(installation):
        raise LauncherError(
            f"The database in {installation.cluster} was not shut down: start and stop the desk."
        )
    temporary = folder.with_name(f"{folder.name}.making")
    for leftover in (temporary, folder):
        shutil.rmtree(leftover, ignore_errors=True)
    temporary.mkdir(mode=0o700, parents=True)
    digests: dict[str, str] = {}
    for name in FOLDERS:
        if (installation.data / name).is_dir():
            digests |= _copy_tree(installation.data / name, temporary / name, Path(name))
    metadata = {
        "skerry": installation.version,
        "made_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    metadata["postgres"] = (read_text(installation.cluster / "PG_VERSION") or "").strip()
    write_private(temporary / METADATA_FILE, json.dumps(metadata) + "\n")
    digests[METADATA_FILE] = manifest.sha256_of(temporary / METADATA_FILE)
    lines = [f"{digest}  {path}\n" for path, digest in sorted(digests.items())]
    write_private(temporary / DIGESTS_FILE, "".join(lines))
    verify(installation, temporary)
    temporary.rename(folder)
    sync_dir(folder.parent)


def verify(installation: Installation, folder: Path) -> None:
    """Refuse a backup with a changed file or a database page with a wrong checksum."""
    if not read_json(folder / METADATA_FILE):
        raise LauncherError(f"{folder} holds no complete backup.")
    for path, digest in _digests(folder).items():
        manifest.ensure_digest(folder / path, str(folder / path), digest)
    result = _run(installation, "pg_checksums", "--check", "-D", str(folder / "postgres"))
    if result.returncode:
        lines = result.stderr.strip().splitlines() or ["no reason given"]
        raise LauncherError(f"The database in {folder} is damaged: {lines[-1]}")


def restore(installation: Installation, folder: Path, *, previous: Path | None = None) -> None:
    """Restore database, files and secrets. After an interruption, call it again.

    The current database is moved to ``previous``, or deleted if that is None. Uploaded files that
    are newer stay; the nightly job removes those without a row.
    """
    verify(installation, folder)
    copy = installation.data / "postgres.coming"
    replaced = previous or installation.data / "postgres.gone"
    shutil.rmtree(copy, ignore_errors=True)
    _copy_tree(folder / "postgres", copy, Path("postgres"))
    if installation.cluster.exists():
        if not previous:
            shutil.rmtree(replaced, ignore_errors=True)
        elif replaced.exists():  # interrupted before: the current database is a copy of the backup
            shutil.rmtree(installation.cluster)
        if installation.cluster.exists():
            installation.cluster.rename(replaced)
    copy.rename(installation.cluster)
    sync_dir(installation.data)
    _copy_tree(folder / "secrets", installation.secrets, Path("secrets"))
    if (folder / "files").is_dir():
        _copy_tree(folder / "files", installation.data / "files", Path("files"), only_missing=True)
    if not previous:
        shutil.rmtree(replaced, ignore_errors=True)


def size_mb(installation: Installation) -> int:
    """Return the size of a backup, rounded up."""
    return sum(_size(installation.data / name) for name in FOLDERS) // 2**20 + 1


def _size(folder: Path) -> int:
    paths = (Path(parent) / name for parent, _, names in os.walk(folder) for name in names)
    return sum(path.lstat().st_size for path in paths)


def _digests(folder: Path) -> dict[str, str]:
    return manifest.parse(read_text(folder / DIGESTS_FILE) or "")


def _copy_tree(
    source: Path, target: Path, prefix: Path, *, only_missing: bool = False
) -> dict[str, str]:
    """Copy a folder, sync each file, and return path below ``prefix`` → sha256."""
    digests = {}
    for parent, folders, names in os.walk(source):
        inside = Path(parent).relative_to(source)
        (target / inside).mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in (*folders, *names):
            if (Path(parent) / name).is_symlink():
                raise LauncherError(
                    f"{Path(parent) / name} is a link: Skerry copies only files it wrote itself."
                )
        for name in names:
            if name.startswith(disk_watch.RESERVE_FILE):
                continue
            copy = target / inside / name
            if not (only_missing and copy.exists()):
                digests[(prefix / inside / name).as_posix()] = copy_file(Path(parent) / name, copy)
        sync_dir(target / inside)
    return digests


def copy_file(source: Path, target: Path) -> str:
    """Copy one file atomically and return its sha256."""
    digest, temporary = hashlib.sha256(), target.with_name(f"{target.name}.making")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    descriptor = os.open(temporary, flags, 0o600)
    with source.open("rb") as source_stream, os.fdopen(descriptor, "wb") as target_stream:
        for chunk in iter(lambda: source_stream.read(CHUNK_BYTES), b""):
            digest.update(chunk)
            target_stream.write(chunk)
        target_stream.flush()
        os.fsync(target_stream.fileno())
    temporary.replace(target)
    return digest.hexdigest()


def is_shut_down(installation: Installation) -> bool:
    """Return whether the database was shut down cleanly, so that its files can be copied."""
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
