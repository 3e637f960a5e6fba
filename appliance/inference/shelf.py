"""Where bundles lie: those of the release, and beside them those installed later.

``installed/active.json`` names, for each role, the bundle that runs; ``previous`` what ran before
it, and ``next`` an encoder whose vectors are still being written. It is written whole or not at
all, by appliance/model_updates; the release's own ``active.json`` is never written.
"""

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from appliance.inference.bundle import Bundle, describe, find_active, folder_of, read_json, refuse
from appliance.inference.errors import BundleMissingError, InferenceError

ACTIVE = "active.json"


@dataclass(frozen=True)
class Choice:
    """What ``installed/active.json`` says: role → "name/version", for each of three questions."""

    running: Mapping[str, str] = field(default_factory=dict)
    previous: Mapping[str, str] = field(default_factory=dict)  # no entry: the release's own
    upcoming: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict:
        return {**self.running, "previous": dict(self.previous), "next": dict(self.upcoming)}


@dataclass(frozen=True)
class Shelf:
    """Two folders of bundles. ``installed`` may be absent, or name nothing."""

    shipped: Path
    installed: Path | None = None

    def candidates(self, role: str) -> Iterator[Bundle | InferenceError]:
        """The bundles that may answer for a role, best first, or why one of them may not: the one
        that was chosen, what ran before it, the release's own. Opens only descriptions.
        """
        folders: list[Path] = []
        try:
            choice = self.read_choice()
            for named in (choice.running, choice.previous):
                if role in named:
                    folders.append(folder_of(self.installed, named[role]))
        except InferenceError as error:
            yield error
        for folder in dict.fromkeys(folders):
            yield _described(folder, role)
        try:
            yield find_active(self.shipped, role)
        except InferenceError as error:
            yield error

    def find_next(self, role: str) -> Bundle | None:
        """What is to run once its vectors are written; raises BundleRefusedError when broken."""
        entry = self.read_choice().upcoming.get(role)
        return describe(folder_of(self.installed, entry), role) if entry else None

    def read_choice(self) -> Choice:
        """Empty while nothing was installed; raises BundleRefusedError when it cannot be read."""
        if self.installed is None:
            return Choice()
        try:
            values = read_json(self.installed / ACTIVE, about="for the installed models")
        except BundleMissingError:
            return Choice()
        if not isinstance(values, dict):
            raise refuse("for the installed models", "active.json is not an object.")
        parts = [values.get("previous") or {}, values.get("next") or {}]
        if not all(isinstance(part, dict) for part in parts):
            raise refuse("for the installed models", "active.json is malformed.")
        running = {role: name for role, name in values.items() if role not in ("previous", "next")}
        return Choice(running, *parts)

    def stamp(self) -> tuple:
        """Changes when either active.json does."""
        folders = [self.shipped, self.installed] if self.installed else [self.shipped]
        return tuple(stamp_of(folder / ACTIVE) for folder in folders)


@dataclass(frozen=True)
class Given:
    """Exactly these folders and nothing to fall back on: for trying a bundle."""

    folders: Mapping[str, Path]  # role → folder

    def candidates(self, role: str) -> Iterator[Bundle | InferenceError]:
        if role in self.folders:
            yield _described(self.folders[role], role)

    def find_next(self, role: str) -> None:
        return None

    def stamp(self) -> tuple:
        return ()


def write_choice(installed: Path, choice: Choice) -> None:
    """Replace ``installed/active.json``; after a power cut it is the old one or the new one."""
    content = json.dumps(choice.as_json(), indent=1, sort_keys=True) + "\n"
    write_whole(installed / ACTIVE, content.encode())


def write_whole(path: Path, content: bytes) -> None:
    """Write a file beside its place, down to the disk, and then put it there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".part-")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Let the names in a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def stamp_of(path: Path) -> tuple[int, int, int] | None:
    """Time, size and inode of a file: another file, another stamp."""
    try:
        rows = path.stat()
    except OSError:
        return None
    return (rows.st_mtime_ns, rows.st_size, rows.st_ino)


def _described(folder: Path, role: str) -> Bundle | InferenceError:
    try:
        return describe(folder, role)
    except InferenceError as error:
        return error
