"""Unpack a repository that is one .tar file, with its size checked first."""

import os
import tarfile
from pathlib import Path

from appliance.model_updates.removable_media import MAX_DEPTH, MAX_FILES, NAME, reject

MAX_BYTES = 1_000_000_000
CHUNK = 1 << 20


def unpack(archive: Path, folder: Path) -> None:
    """Unpack plain files with plain names within the limits; raises UpdateRejectedError."""
    if not archive.is_file() or archive.stat().st_size > MAX_BYTES:
        raise reject(f"{archive.name} is no file, or larger than an update may be.")
    try:
        with tarfile.open(archive, "r:") as tar:
            members = _checked_members(tar)
            for member in members:
                _extract(tar, member, folder)
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise reject(f"It is not a whole .tar file ({error}).") from error


def _checked_members(tar: tarfile.TarFile) -> list[tarfile.TarInfo]:
    members: list[tarfile.TarInfo] = []
    total = 0
    for member in tar:
        parts = member.name.split("/")
        if not all(NAME.match(part) for part in parts) or len(parts) > MAX_DEPTH + 1:
            raise reject(f"{member.name[:120]!r} in the archive is not a plain path.")
        if member.isdir():
            continue
        if not member.isreg() or member.issparse():
            raise reject(f"{member.name} in the archive is a link or a device.")
        members.append(member)
        total += member.size
        if total > MAX_BYTES or len(members) > MAX_FILES:
            raise reject("The archive holds more than an update may.")
    if len({member.name for member in members}) != len(members):
        raise reject("The archive holds the same name twice.")
    return members


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    target = folder / member.name
    target.parent.mkdir(parents=True, exist_ok=True)
    source = tar.extractfile(member)
    if source is None:
        raise reject(f"{member.name} in the archive is a link or a device.")
    with source, target.open("xb") as stream:
        os.fchmod(stream.fileno(), 0o600)
        while chunk := source.read(CHUNK):
            stream.write(chunk)
