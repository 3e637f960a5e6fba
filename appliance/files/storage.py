"""Uploaded files on disk: their bytes, the type the bytes have, and a name that is safe to show.

A file is stored under the id of its row, readable by the service user only. The name it was
uploaded with never becomes a path.
"""

import contextlib
import hashlib
import os
import time
import unicodedata
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import filetype
from django.conf import settings

MAX_NAME = 200
UNKNOWN_TYPE, TEXT_TYPE = "application/octet-stream", "text/plain"
HEAD_BYTES = 8192  # the type is read from these
PARTIAL_SUFFIX = ".new"


@dataclass(frozen=True)
class WrittenFile:
    size: int
    sha256: str
    head: bytes  # the first HEAD_BYTES


def root() -> Path:
    return Path(settings.DATA) / "files"


def path_of(file_id: uuid.UUID) -> Path:
    return root() / file_id.hex[:2] / str(file_id)


def write(file_id: uuid.UUID, chunks: Iterable[bytes]) -> WrittenFile:
    """Write a file completely or not at all: under its final name it is whole and synced."""
    path = path_of(file_id)
    for folder in (root(), path.parent):  # mkdir gives its mode to the last folder alone
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial_path = path.with_suffix(PARTIAL_SUFFIX)
    digest, size, head = hashlib.sha256(), 0, b""
    with open(partial_path, "xb", opener=_open_private) as stream:
        for chunk in chunks:
            stream.write(chunk)
            digest.update(chunk)
            size += len(chunk)
            head += chunk[: HEAD_BYTES - len(head)]
        stream.flush()
        os.fsync(stream.fileno())
    partial_path.rename(path)
    _sync_folder(path.parent)
    return WrittenFile(size, digest.hexdigest(), head)


def remove(file_id: uuid.UUID) -> None:
    """Delete the file, also a partial one; do nothing if there is none."""
    path = path_of(file_id)
    path.unlink(missing_ok=True)
    path.with_suffix(PARTIAL_SUFFIX).unlink(missing_ok=True)


def list_ids(*, older_than_seconds: float) -> Iterator[uuid.UUID]:
    """Yield the ids of files, complete or partial, that were written before that."""
    written_before = time.time() - older_than_seconds
    for path in root().glob("??/*"):
        with contextlib.suppress(ValueError, FileNotFoundError):  # not ours; just removed
            if path.stat().st_mtime < written_before:
                yield uuid.UUID(path.name.removesuffix(PARTIAL_SUFFIX))


def content_type_of(head: bytes) -> str:
    """Return the type that the first bytes show; HTML and SVG are plain text."""
    known_type = filetype.guess_mime(head)
    if known_type:
        return known_type
    return TEXT_TYPE if _is_text(head) else UNKNOWN_TYPE


def safe_name(name: str) -> str:
    """Return the name without folders, control characters and bidirectional marks."""
    name = name.replace("\\", "/").rsplit("/", 1)[-1]
    clean_name = "".join(c for c in name if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co"))
    clean_name = clean_name.strip(" .") or "file"
    if len(clean_name) <= MAX_NAME:
        return clean_name
    suffix = PurePosixPath(clean_name).suffix[:20]
    return clean_name[: MAX_NAME - len(suffix)] + suffix


def _is_text(head: bytes) -> bool:
    if b"\0" in head:
        return False
    try:
        head.decode()
    except UnicodeDecodeError as error:
        return error.start > len(head) - 4  # a character cut in two where the head ends
    return True


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _sync_folder(folder: Path) -> None:
    """Make the rename itself survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
