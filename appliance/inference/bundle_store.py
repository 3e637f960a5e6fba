"""Bundles on disk: those of the release, and those installed by later updates.

``installed/active.json`` names, for each role, the bundle that runs; ``previous`` the one that ran
before it, and ``next`` an encoder whose vectors are still being written. It is written atomically,
by appliance/model_updates; the release's own ``active.json`` is never written.
"""

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from appliance.inference.bundle import (
    Bundle,
    BundleMissingError,
    InferenceError,
    describe,
    find_active,
    folder_of,
    read_json,
    refuse,
)

ACTIVE = "active.json"
NOT_ROLES = ("previous", "next")  # keys of active.json that are no roles
FileState = tuple[int, int, int]  # modification time in ns, size, inode


@dataclass(frozen=True)
class ActiveBundles:
    """The content of ``installed/active.json``: role → "name/version", three times."""

    running: Mapping[str, str] = field(default_factory=dict)
    previous: Mapping[str, str] = field(default_factory=dict)  # no entry: the release's own
    upcoming: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        return {**self.running, "previous": dict(self.previous), "next": dict(self.upcoming)}


@dataclass(frozen=True)
class BundleStore:
    """Two folders of bundles. ``installed`` may be absent, or name no bundle."""

    shipped: Path
    installed: Path | None = None

    def candidates(self, role: str) -> Iterator[Bundle | InferenceError]:
        """Yield the bundles that may answer for a role, best first, or why one of them may not.

        The order is the active bundle, the previous one, the release's own. Reads descriptions
        only.
        """
        folders: list[Path] = []
        if self.installed is not None:
            try:
                active = self.read_active()
                folders.extend(
                    folder_of(self.installed, entries[role])
                    for entries in (active.running, active.previous)
                    if role in entries
                )
            except InferenceError as error:
                yield error
        for folder in dict.fromkeys(folders):
            yield _describe_or_error(folder, role)
        try:
            yield find_active(self.shipped, role)
        except InferenceError as error:
            yield error

    def find_next(self, role: str) -> Bundle | None:
        """Return the bundle that runs once its vectors are written.

        Raises BundleRefusedError when it is broken.
        """
        entry = self.read_active().upcoming.get(role)
        if self.installed is None or not entry:
            return None
        return describe(folder_of(self.installed, entry), role)

    def read_active(self) -> ActiveBundles:
        """Return the installed choice, empty while nothing was installed.

        Raises BundleRefusedError when the file cannot be read.
        """
        if self.installed is None:
            return ActiveBundles()
        try:
            content = read_json(self.installed / ACTIVE, about="for the installed models")
        except BundleMissingError:
            return ActiveBundles()
        if not isinstance(content, dict):
            raise refuse("for the installed models", "active.json is not an object.")
        previous, upcoming = content.get("previous") or {}, content.get("next") or {}
        if not isinstance(previous, dict) or not isinstance(upcoming, dict):
            raise refuse("for the installed models", "active.json is malformed.")
        running = {role: entry for role, entry in content.items() if role not in NOT_ROLES}
        return ActiveBundles(running, previous, upcoming)

    def active_file_states(self) -> tuple[FileState | None, ...]:
        """Return a value that changes when either active.json does."""
        folders = [self.shipped, self.installed] if self.installed else [self.shipped]
        return tuple(file_state(folder / ACTIVE) for folder in folders)


@dataclass(frozen=True)
class FixedBundles:
    """Exactly these folders and no fallback: to evaluate a bundle before it is active."""

    folders: Mapping[str, Path]  # role → folder

    def candidates(self, role: str) -> Iterator[Bundle | InferenceError]:
        if role in self.folders:
            yield _describe_or_error(self.folders[role], role)

    def find_next(self, role: str) -> None:
        return None

    def active_file_states(self) -> tuple[FileState | None, ...]:
        return ()


def write_active(installed: Path, active: ActiveBundles) -> None:
    """Replace ``installed/active.json``; after a power cut it is the old one or the new one."""
    content = json.dumps(active.as_json(), indent=1, sort_keys=True) + "\n"
    write_atomically(installed / ACTIVE, content.encode())


def write_atomically(path: Path, content: bytes) -> None:
    """Write a temporary file beside the path, sync it to disk, then rename it into place."""
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
    """Sync a folder's entries to disk, so that they survive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def file_state(path: Path) -> FileState | None:
    """Return a value that differs for another or a changed file; None when there is none."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return (stat.st_mtime_ns, stat.st_size, stat.st_ino)


def _describe_or_error(folder: Path, role: str) -> Bundle | InferenceError:
    try:
        return describe(folder, role)
    except InferenceError as error:
        return error
