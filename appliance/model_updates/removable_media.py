"""Reads a folder that a stranger may have prepared: no link is followed, nothing is endless.

Every part of a path is opened by itself, below the part before it, and what is opened must be a
plain file with one name. So what was checked is what is read, whatever changes meanwhile.
"""

import contextlib
import hashlib
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from appliance.model_updates.errors import Step, UpdateRejectedError

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,160}\Z")
MAX_FILES = 5000
MAX_DEPTH = 6
CHUNK = 1 << 20


@dataclass(frozen=True)
class MediumFile:
    """A plain file on the stick."""

    path: str  # with slashes, below the stick's folder
    size: int


def refuse(text: str) -> UpdateRejectedError:
    return UpdateRejectedError(Step.QUARANTINE, text)


class RemovableMedium:
    """One open folder. Use it in a ``with`` block."""

    def __init__(self, folder: Path) -> None:
        """Raises UpdateRefusedError when it is no folder, a link, or closed to the desk's user."""
        try:
            self._root = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError as error:
            why = f"{folder} cannot be opened as a folder: {error.strerror}."
            raise refuse(f"{why} The desk's user must be able to read it.") from error

    def __enter__(self) -> "RemovableMedium":
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._root)

    def has(self, path: str) -> bool:
        try:
            with self._opened(path):
                return True
        except FileNotFoundError:
            return False

    def read(self, path: str, *, most: int) -> bytes:
        """At most so many bytes; FileNotFoundError when it is not there."""
        with self._opened(path, most) as handle:
            return b"".join(self._chunks(handle, path, most))

    def copy(self, path: str, target: Path, *, size: int) -> str:
        """Exactly so many bytes into a new file, down to the disk. Their sha256."""
        digest, copied = hashlib.sha256(), 0
        with self._opened(path, size) as handle, target.open("xb") as stream:
            for chunk in self._chunks(handle, path, size):
                digest.update(chunk)
                copied += stream.write(chunk)
            stream.flush()
            os.fsync(stream.fileno())
        if copied != size:
            raise refuse(f"{path} holds {copied} bytes where {size} were promised.")
        return digest.hexdigest()

    def walk(self, folder: str) -> list[MediumFile]:
        """Every file below a folder; refuses what is not a plain file or folder."""
        files: list[MediumFile] = []
        try:
            with self._entered(folder.split("/")) as handle:
                self._walk(handle, folder, 1, files)
        except FileNotFoundError as error:
            raise refuse(f"There is no folder {folder} in it: this is no update.") from error
        return files

    def _walk(self, handle: int, prefix: str, depth: int, files: list[MediumFile]) -> None:
        if depth > MAX_DEPTH:
            raise refuse(f"{prefix} lies too deep.")
        with os.scandir(handle) as entries:
            for entry in entries:
                path = f"{prefix}/{entry.name}"
                info = _open_file(entry.name, handle, path)
                if stat.S_ISDIR(info.st_mode):
                    with _open_folder(entry.name, handle, path) as below:
                        self._walk(below, path, depth + 1, files)
                    continue
                _check_plain(info, path)
                files.append(MediumFile(path, info.st_size))
                if len(files) > MAX_FILES:
                    raise refuse(f"It holds more than {MAX_FILES} files.")

    @contextlib.contextmanager
    def _opened(self, path: str, most: int | None = None) -> Iterator[int]:
        *folders, name = path.split("/")
        with self._entered(folders) as parent:
            before = _open_file(name, parent, path)
            _check_plain(before, path)
            handle = _open(name, parent, path, os.O_NONBLOCK)
            try:
                info = os.fstat(handle)
                _check_plain(info, path)
                if (info.st_dev, info.st_ino) != (before.st_dev, before.st_ino):
                    raise refuse(f"{path} was exchanged while it was being opened.")
                if most is not None and info.st_size > most:
                    raise refuse(f"{path} is too large: {info.st_size} bytes, at most {most}.")
                yield handle
            finally:
                os.close(handle)

    @contextlib.contextmanager
    def _entered(self, folders: list[str]) -> Iterator[int]:
        with contextlib.ExitStack() as stack:
            handle = self._root
            for number, name in enumerate(folders, start=1):
                so_far = "/".join(folders[:number])
                handle = stack.enter_context(_open_folder(name, handle, so_far))
            yield handle

    def _chunks(self, handle: int, path: str, most: int) -> Iterator[bytes]:
        """What the file holds now, also when it grows while it is read."""
        seen = 0
        while chunk := os.read(handle, CHUNK):
            seen += len(chunk)
            if seen > most:
                raise refuse(f"{path} does not end where it should ({most} bytes).")
            yield chunk


@contextlib.contextmanager
def _open_folder(name: str, parent: int, path: str) -> Iterator[int]:
    handle = _open(name, parent, path, os.O_DIRECTORY)
    try:
        yield handle
    finally:
        os.close(handle)


def _open_file(name: str, parent: int, path: str) -> os.stat_result:
    if not NAME.match(name):
        raise refuse(f"{path[:120]!r} has a name that is not allowed.")
    return os.stat(name, dir_fd=parent, follow_symlinks=False)


def _open(name: str, parent: int, path: str, flags: int) -> int:
    if not NAME.match(name):
        raise refuse(f"{path[:120]!r} has a name that is not allowed.")
    try:
        return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | flags, dir_fd=parent)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise refuse(f"{path} is a link or cannot be read: {error.strerror}.") from error


def _check_plain(info: os.stat_result, path: str) -> None:
    if stat.S_ISLNK(info.st_mode):
        raise refuse(f"{path} is a link.")
    if not stat.S_ISREG(info.st_mode):
        raise refuse(f"{path} is not a plain file.")
    if info.st_nlink != 1:
        raise refuse(f"{path} has more than one name (a hard link).")
