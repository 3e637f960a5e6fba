"""What articles are brought in from: a folder, a ZIP, or one file; sized before it is opened.

The names in there are only read, never used as paths. Links are not followed.
"""

import os
import stat
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from django.utils.translation import gettext as _

from appliance.core.errors import BadInputError

MB = 1024 * 1024
TEXTS = {".md", ".markdown", ".html", ".htm", ".csv"}
MAX_MEMBERS = 20_000
MAX_BYTES = 2 * MB  # of one Markdown or HTML file
MAX_TABLE_BYTES = 64 * MB  # of one CSV file
MAX_TOGETHER = 256 * MB  # of all that is read


@dataclass(frozen=True)
class Member:
    """One file of a source. ``open`` gives its bytes; ``problem`` says why nobody should."""

    name: str  # with folders, by "/"
    size: int
    open: Callable[[], BinaryIO]
    problem: str = ""

    @property
    def suffix(self) -> str:
        return PurePosixPath(self.name.lower()).suffix

    @property
    def is_text(self) -> bool:
        return self.suffix in TEXTS

    def read(self, limit: int) -> bytes:
        """All of it. Raises BadInputError when there is more than it said, or more than allowed."""
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


def list_members(source: Path | BinaryIO, name: str = "") -> list[Member]:
    """The files of a folder, of a ZIP, or the one file itself, by name.

    ``name`` is what an uploaded file was called. Raises BadInputError for what is none of these
    or holds too much.
    """
    if isinstance(source, Path) and source.is_dir():
        return _bounded(_in_folder(source))
    name = name or str(getattr(source, "name", ""))
    if name.lower().endswith(".zip"):
        return _bounded(_in_archive(source))
    alone = _alone(source, PurePosixPath(name.replace("\\", "/")).name)
    if not alone.is_text:
        raise BadInputError(_("Choose a ZIP, Markdown, HTML or CSV file."), field="file")
    return [alone]


def _bounded(members: Iterator[Member]) -> list[Member]:
    rows, together = [], 0
    for member in members:
        rows.append(member)
        together += member.size
        if len(rows) > MAX_MEMBERS or together > MAX_TOGETHER:
            raise BadInputError(
                _(
                    "The import is too large: the limit is %(files)d files and "
                    "%(size)d MB. Import in parts."
                )
                % {"files": MAX_MEMBERS, "size": MAX_TOGETHER // MB},
                field="file",
            )
    return sorted(rows, key=lambda member: member.name)


def _in_folder(folder: Path) -> Iterator[Member]:
    for place, folders, files in os.walk(folder, followlinks=False):
        folders[:] = [file for file in folders if not file.startswith(".")]
        for file in files:
            path = Path(place, file)
            rows = path.lstat()
            if not file.startswith(".") and stat.S_ISREG(rows.st_mode):
                name = path.relative_to(folder).as_posix()
                yield Member(name, rows.st_size, partial(open, path, "rb"))


def _in_archive(source: Path | BinaryIO) -> Iterator[Member]:
    try:
        archive = zipfile.ZipFile(source)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise BadInputError(
            _("This is not a valid ZIP file. Create it again."), field="file"
        ) from error
    for info in archive.infolist():
        if info.is_dir() or _is_hidden(info.filename):
            continue
        yield Member(
            info.filename,
            info.file_size,
            partial(archive.open, info),
            _problem_of(info),
        )


def _is_hidden(name: str) -> bool:
    """What a computer keeps for itself beside the files."""
    parts = [part for part in PurePosixPath(name).parts if part != ".."]
    return any(part.startswith((".", "__MACOSX")) for part in parts)


def _problem_of(info: zipfile.ZipInfo) -> str:
    if stat.S_ISLNK(info.external_attr >> 16):
        return _("This is a link. Replace it with the file.")
    if info.flag_bits & 1:
        return _("The file is password-protected. Remove the password.")
    if info.file_size > 1000 * max(info.compress_size, 1):
        return _("The file expands to more than a thousand times its size. Import it unpacked.")
    return ""


def _alone(source: Path | BinaryIO, name: str) -> Member:
    if isinstance(source, Path):
        if not source.is_file() or source.is_symlink():
            raise BadInputError(
                _("The file or folder does not exist. Check the path."), field="file"
            )
        return Member(name, source.stat().st_size, partial(open, source, "rb"))
    size = source.seek(0, os.SEEK_END)
    source.seek(0)
    return Member(name, size, lambda: _Kept(source))


class _Kept:
    """An uploaded file that stays open when whoever read it is done."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def __enter__(self) -> BinaryIO:
        self._file.seek(0)
        return self._file

    def __exit__(self, *_why: object) -> None:
        pass
