"""The files of an import source: a folder, a ZIP archive, or a single file.

Sizes are checked before a file is opened. Names inside an archive are never used as paths, and
symbolic links are not followed.
"""

import os
import stat
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from django.utils.translation import gettext as _

from appliance.core.errors import BadInputError

MB = 1024 * 1024
TEXT_SUFFIXES = {".md", ".markdown", ".html", ".htm", ".csv"}
MAX_MEMBERS = 20_000
MAX_BYTES = 2 * MB  # of one Markdown or HTML file
MAX_TABLE_BYTES = 64 * MB  # of one CSV file
MAX_TOTAL_BYTES = 256 * MB  # of all files


@dataclass(frozen=True)
class Member:
    """One file of a source."""

    name: str  # with its folders, separated by "/"
    size: int
    open: Callable[[], AbstractContextManager[IO[bytes]]]
    problem: str = ""  # why it must not be opened

    @property
    def suffix(self) -> str:
        return PurePosixPath(self.name.lower()).suffix

    @property
    def is_text(self) -> bool:
        return self.suffix in TEXT_SUFFIXES

    def read(self, limit: int) -> bytes:
        """Return the content. Raises BadInputError if it exceeds the limit or its stated size."""
        if self.problem:
            raise BadInputError(self.problem)
        if self.size > limit:
            raise BadInputError(
                _("The file is too large: the limit is %(most)d MB. Split it.")
                % {"most": limit // MB}
            )
        try:
            with self.open() as file:
                data = file.read(limit + 1)
        except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
            raise BadInputError(
                _("The file is damaged and cannot be read. Create it again.")
            ) from error
        if len(data) > limit:
            raise BadInputError(
                _("The file is larger than its ZIP entry states. Create the archive again.")
            )
        return data


def list_members(source: Path | IO[bytes], name: str = "") -> list[Member]:
    """Return the files of a folder or a ZIP archive, or the single file, sorted by name.

    ``name`` is the name of an uploaded file. Raises BadInputError for other sources, and for
    those with too many files or bytes.
    """
    if isinstance(source, Path) and source.is_dir():
        return _list_within_limits(_members_of_folder(source))
    name = name or str(getattr(source, "name", ""))
    if name.lower().endswith(".zip"):
        return _list_within_limits(_members_of_archive(source))
    member = _single_member(source, PurePosixPath(name.replace("\\", "/")).name)
    if not member.is_text:
        raise BadInputError(_("Choose a ZIP, Markdown, HTML or CSV file."), field="file")
    return [member]


def _list_within_limits(candidates: Iterator[Member]) -> list[Member]:
    members, total_bytes = [], 0
    for member in candidates:
        members.append(member)
        total_bytes += member.size
        if len(members) > MAX_MEMBERS or total_bytes > MAX_TOTAL_BYTES:
            raise BadInputError(
                _(
                    "The import is too large: the limit is %(files)d files and "
                    "%(size)d MB. Import in parts."
                )
                % {"files": MAX_MEMBERS, "size": MAX_TOTAL_BYTES // MB},
                field="file",
            )
    return sorted(members, key=lambda member: member.name)


def _members_of_folder(folder: Path) -> Iterator[Member]:
    for parent, folder_names, file_names in os.walk(folder, followlinks=False):
        folder_names[:] = [name for name in folder_names if not name.startswith(".")]
        for file_name in file_names:
            path = Path(parent, file_name)
            status = path.lstat()
            if not file_name.startswith(".") and stat.S_ISREG(status.st_mode):
                name = path.relative_to(folder).as_posix()
                yield Member(name, status.st_size, partial(_open_path, path))


def _members_of_archive(source: Path | IO[bytes]) -> Iterator[Member]:
    try:
        archive = zipfile.ZipFile(source)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise BadInputError(
            _("This is not a valid ZIP file. Create it again."), field="file"
        ) from error
    for info in archive.infolist():
        if not info.is_dir() and not _is_hidden(info.filename):
            open_entry = partial(archive.open, info)
            yield Member(info.filename, info.file_size, open_entry, _find_problem(info))


def _is_hidden(name: str) -> bool:
    """Return whether it is a hidden file, or one that macOS adds to archives."""
    parts = [part for part in PurePosixPath(name).parts if part != ".."]
    return any(part.startswith((".", "__MACOSX")) for part in parts)


def _find_problem(info: zipfile.ZipInfo) -> str:
    if stat.S_ISLNK(info.external_attr >> 16):
        return _("This is a link. Replace it with the file.")
    if info.flag_bits & 1:
        return _("The file is password-protected. Remove the password.")
    if info.file_size > 1000 * max(info.compress_size, 1):
        return _("The file expands to more than a thousand times its size. Import it unpacked.")
    return ""


def _single_member(source: Path | IO[bytes], name: str) -> Member:
    if isinstance(source, Path):
        if not source.is_file() or source.is_symlink():
            raise BadInputError(
                _("The file or folder does not exist. Check the path."), field="file"
            )
        return Member(name, source.stat().st_size, partial(_open_path, source))
    size = source.seek(0, os.SEEK_END)
    source.seek(0)
    return Member(name, size, partial(_rewind, source))


def _open_path(path: Path) -> IO[bytes]:
    return path.open("rb")


@contextmanager
def _rewind(file: IO[bytes]) -> Iterator[IO[bytes]]:
    """Yield an uploaded file from its start, and leave it open."""
    file.seek(0)
    yield file
