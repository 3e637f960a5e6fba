"""Read an untrusted folder: no link is followed, and every read is bounded.

Every part of a path is opened relative to the handle of its parent, and a file must be a plain file
without other hard links. So the file that was checked is the file that is read, whatever changes
meanwhile.
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
    """A plain file on a medium."""

    path: str  # with slashes, relative to the medium
    size: int


def reject(text: str) -> UpdateRejectedError:
    return UpdateRejectedError(Step.QUARANTINE, text)


class RemovableMedium:
    """One open folder, as a context manager."""

    def __init__(self, folder: Path) -> None:
        """Raises UpdateRejectedError when it is no folder, a link, or not readable."""
        try:
            self._root = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError as error:
            reason = f"{folder} cannot be opened as a folder: {error.strerror}."
            raise reject(f"{reason} The service user must be able to read it.") from error

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

    def read(self, path: str, *, max_bytes: int) -> bytes:
        """Read a file; raises FileNotFoundError, or UpdateRejectedError when it is too large."""
        with self._opened(path, max_bytes) as handle:
            return b"".join(self._chunks(handle, path, max_bytes))

    def copy(self, path: str, target: Path, *, size: int) -> str:
        """Copy exactly ``size`` bytes to a new file and sync it to disk. Returns their sha256."""
        digest, copied = hashlib.sha256(), 0
        with self._opened(path, size) as handle, target.open("xb") as stream:
            for chunk in self._chunks(handle, path, size):
                digest.update(chunk)
                copied += stream.write(chunk)
            stream.flush()
            os.fsync(stream.fileno())
        if copied != size:
            raise reject(f"{path} holds {copied} bytes where {size} were promised.")
        return digest.hexdigest()

    def walk(self, folder: str) -> list[MediumFile]:
        """List every file below a folder; rejects anything but plain files and folders."""
        files: list[MediumFile] = []
        try:
            with self._entered(folder.split("/")) as handle:
                self._walk(handle, folder, 1, files)
        except FileNotFoundError as error:
            raise reject(f"There is no folder {folder} in it: this is no update.") from error
        return files

    def _walk(self, handle: int, prefix: str, depth: int, files: list[MediumFile]) -> None:
        if depth > MAX_DEPTH:
            raise reject(f"{prefix} lies too deep.")
        with os.scandir(handle) as entries:
            for entry in entries:
                path = f"{prefix}/{entry.name}"
                info = _stat(entry.name, handle, path)
                if stat.S_ISDIR(info.st_mode):
                    with _open_folder(entry.name, handle, path) as below:
                        self._walk(below, path, depth + 1, files)
                    continue
                _check_plain(info, path)
                files.append(MediumFile(path, info.st_size))
                if len(files) > MAX_FILES:
                    raise reject(f"It holds more than {MAX_FILES} files.")

    @contextlib.contextmanager
    def _opened(self, path: str, max_bytes: int | None = None) -> Iterator[int]:
        *folders, name = path.split("/")
        with self._entered(folders) as parent:
            before = _stat(name, parent, path)
            _check_plain(before, path)
            handle = _open(name, parent, path, os.O_NONBLOCK)
            try:
                info = os.fstat(handle)
                _check_plain(info, path)
                if (info.st_dev, info.st_ino) != (before.st_dev, before.st_ino):
                    raise reject(f"{path} was exchanged while it was being opened.")
                if max_bytes is not None and info.st_size > max_bytes:
                    text = f"{path} is too large: {info.st_size} bytes, at most {max_bytes}."
                    raise reject(text)
                yield handle
            finally:
                os.close(handle)

    @contextlib.contextmanager
    def _entered(self, folders: list[str]) -> Iterator[int]:
        with contextlib.ExitStack() as stack:
            handle = self._root
            for number, name in enumerate(folders, start=1):
                path = "/".join(folders[:number])
                handle = stack.enter_context(_open_folder(name, handle, path))
            yield handle

    def _chunks(self, handle: int, path: str, max_bytes: int) -> Iterator[bytes]:
        """Yield the content, bounded also when the file grows meanwhile."""
        size = 0
        while chunk := os.read(handle, CHUNK):
            size += len(chunk)
            if size > max_bytes:
                raise reject(f"{path} does not end where it should ({max_bytes} bytes).")
            yield chunk


@contextlib.contextmanager
def _open_folder(name: str, parent: int, path: str) -> Iterator[int]:
    handle = _open(name, parent, path, os.O_DIRECTORY)
    try:
        yield handle
    finally:
        os.close(handle)


def _stat(name: str, parent: int, path: str) -> os.stat_result:
    if not NAME.match(name):
        raise reject(f"{path[:120]!r} has a name that is not allowed.")
    return os.stat(name, dir_fd=parent, follow_symlinks=False)


def _open(name: str, parent: int, path: str, flags: int) -> int:
    if not NAME.match(name):
        raise reject(f"{path[:120]!r} has a name that is not allowed.")
    try:
        return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | flags, dir_fd=parent)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise reject(f"{path} is a link or cannot be read: {error.strerror}.") from error


def _check_plain(info: os.stat_result, path: str) -> None:
    if stat.S_ISLNK(info.st_mode):
        raise reject(f"{path} is a link.")
    if not stat.S_ISREG(info.st_mode):
        raise reject(f"{path} is not a plain file.")
    if info.st_nlink != 1:
        raise reject(f"{path} has more than one name (a hard link).")
