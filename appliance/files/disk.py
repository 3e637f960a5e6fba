"""Where uploaded bytes lie: under the id of their row, for the desk alone to read.

The name a file came with never reaches the disk.
"""

import contextlib
import hashlib
import os
import time
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

HEAD_BYTES = 8192  # what the type is read from
HALF_WRITTEN = ".new"


@dataclass(frozen=True)
class Written:
    size: int
    sha256: str
    head: bytes  # the first HEAD_BYTES


def path_of(file_id: uuid.UUID) -> Path:
    return root() / file_id.hex[:2] / str(file_id)


def root() -> Path:
    return Path(settings.DATA) / "files"


def write(file_id: uuid.UUID, chunks: Iterable[bytes]) -> Written:
    """All of it or nothing: a file that stands under its own name is whole and on the disk."""
    path = path_of(file_id)
    for folder in (root(), path.parent):  # mkdir gives its mode to the last folder alone
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    half = path.with_suffix(HALF_WRITTEN)
    digest, size, head = hashlib.sha256(), 0, b""
    with open(half, "xb", opener=_for_the_desk_alone) as out:
        for chunk in chunks:
            out.write(chunk)
            digest.update(chunk)
            size += len(chunk)
            head += chunk[: HEAD_BYTES - len(head)]
        out.flush()
        os.fsync(out.fileno())
    half.rename(path)
    _sync_folder(path.parent)
    return Written(size, digest.hexdigest(), head)


def remove(file_id: uuid.UUID) -> None:
    """Take the bytes away, half-written ones too; nothing there is fine."""
    path = path_of(file_id)
    for row in (path, path.with_suffix(HALF_WRITTEN)):
        row.unlink(missing_ok=True)


def list_ids(*, older_than_seconds: float) -> Iterator[uuid.UUID]:
    """The ids of what lies there since so long, whole or half-written."""
    before = time.time() - older_than_seconds
    for path in root().glob("??/*"):
        with contextlib.suppress(ValueError, FileNotFoundError):  # not ours; just removed
            if path.stat().st_mtime < before:
                yield uuid.UUID(path.name.removesuffix(HALF_WRITTEN))


def _for_the_desk_alone(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _sync_folder(folder: Path) -> None:
    """The rename itself must survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
