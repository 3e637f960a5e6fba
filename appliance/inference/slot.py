"""The place of one role in the engine: loads its bundle once, remembers a failure."""

import time
from pathlib import Path
from threading import Lock

from appliance.inference.answers import BundleStatus
from appliance.inference.bundle import Bundle, BundleRef, find_active
from appliance.inference.errors import BundleMissingError, InferenceError
from appliance.inference.session import Reader

LOOK_AGAIN_SECONDS = 3.0  # after a failure, how often the files are looked at


class Slot:
    """One role's bundle: not loaded, ready, refused or missing."""

    def __init__(self, models_dir: Path, role: str, threads: int) -> None:
        self._models_dir, self._role, self._threads = models_dir, role, threads
        self._lock = Lock()
        self._bundle: Bundle | None = None
        self._reader: Reader | None = None
        self._failure: InferenceError | None = None
        self._print: tuple = ()
        self._looked_at = 0.0
        self._loaded_seconds: float | None = None

    def ref(self) -> BundleRef:
        """What active.json names now, or what is loaded; raises as ``reader`` does."""
        if self._reader is not None:
            return self._reader.bundle.ref
        with self._lock:
            return self._described().ref

    def reader(self) -> Reader:
        """The loaded bundle; the first caller loads it, the others wait for that one.

        Raises BundleMissingError or BundleRefusedError, the remembered one while nothing changed.
        """
        if self._reader is not None:
            return self._reader
        with self._lock:
            if self._reader is None:
                self._reader = self._load(self._described())
            return self._reader

    def status(self) -> BundleStatus:
        """How the role stands, without loading anything."""
        failure: InferenceError | None = None
        try:
            self.ref()
        except InferenceError as error:
            failure = error
        state = "ready" if self._reader is not None else "not_loaded"
        if failure is not None:
            state = "missing" if isinstance(failure, BundleMissingError) else "refused"
        ref = self._bundle.ref if self._bundle else BundleRef(self._role, "", "", "")
        return BundleStatus(
            self._role, ref.name, ref.version, ref.digest, state, str(failure or ""),
            self._loaded_seconds,
        )

    def _described(self) -> Bundle:
        """The bundle's description, read again only when its files changed. Lock held."""
        self._forget_if_changed()
        if self._failure is not None:
            raise type(self._failure)(str(self._failure))  # a fresh traceback for each caller
        if self._bundle is None:
            try:
                self._bundle = find_active(self._models_dir, self._role)
            except InferenceError as error:
                raise self._remember(error) from error
            self._print = self._fingerprint()
        return self._bundle

    def _load(self, bundle: Bundle) -> Reader:
        started = time.monotonic()
        try:
            reader = Reader(bundle, self._threads)
        except InferenceError as error:
            raise self._remember(error) from error
        self._loaded_seconds = time.monotonic() - started
        return reader

    def _remember(self, error: InferenceError) -> InferenceError:
        self._failure, self._print = error, self._fingerprint()
        self._looked_at = time.monotonic()
        return type(error)(str(error))

    def _forget_if_changed(self) -> None:
        """Every few seconds: did someone put the files back, or activate another bundle?"""
        now = time.monotonic()
        if now - self._looked_at < LOOK_AGAIN_SECONDS:
            return
        self._looked_at = now
        if self._bundle is None or self._fingerprint() != self._print:
            self._failure = self._bundle = None  # without a bundle, reading again is cheap

    def _fingerprint(self) -> tuple:
        """Time and size of active.json and of the files of the bundle it led to."""
        paths = [self._models_dir / "active.json"]
        if self._bundle is not None:
            paths += [self._bundle.folder / n for n in ("bundle.json", *self._bundle.files)]
        return tuple(_stamp(path) for path in paths)


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size, found.st_ino)
