"""The archive of a bundle: packed reproducibly, unpacked without trusting it."""

import gzip
import tarfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from appliance.launcher.terminal import LauncherError

CHUNK = 1 << 20


def pack(root: Path, target: Path, at: int) -> None:
    """Pack with fixed order, owner, mode and time (``at``, seconds): equal files, equal bytes."""
    paths = sorted(root.rglob("*"), key=lambda path: path.relative_to(root).as_posix())
    with (
        target.open("wb") as stream,
        gzip.GzipFile("", "wb", 6, stream, mtime=at) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path in [root, *paths]:
            tar.add(path, path.relative_to(root.parent), recursive=False, filter=_plain(at))


def _plain(at: int) -> Callable[[tarfile.TarInfo], tarfile.TarInfo]:
    def plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        member.mtime = at
        member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
        return member

    return plain


def unpack(tar: tarfile.TarFile, folder: Path) -> None:
    """Unpack regular files and folders below ``folder``; raise LauncherError for anything else.

    ``extractall(filter=…)`` is not used because Python 3.11.2 of Debian 12 lacks the filter.
    """
    for member in tar:
        path = PurePosixPath(member.name)
        if path.is_absolute() or ".." in path.parts or not (member.isfile() or member.isdir()):
            raise LauncherError(f"The archive contains {member.name!r}, which no bundle has.")
        target = folder / path
        if member.isdir():
            target.mkdir(parents=True, exist_ok=True)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            _copy(tar, member, target)


def _copy(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    source = tar.extractfile(member)
    with target.open("xb") as out:
        for block in iter(lambda: source.read(CHUNK), b""):
            out.write(block)
    target.chmod(0o755 if member.mode & 0o100 else 0o644)
