"""The place of one role in the engine: loads its bundle once, remembers what failed.

The first bundle that holds answers: the one that was chosen, else what ran before it, else the
release's own. Another choice is taken up while the process runs; until its bundle is loaded, the
one at hand goes on answering.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from threading import Lock

from appliance.inference.answers import BundleStatus
from appliance.inference.bundle import Bundle, BundleRef
from appliance.inference.errors import BundleMissingError, InferenceError
from appliance.inference.session import Reader
from appliance.inference.shelf import Given, Shelf, stamp_of

LOOK_AGAIN_SECONDS = 3.0  # how often the files are looked at


class Slot:
    """One role's bundle: not loaded, ready, refused or missing.

    With ``upcoming`` it is the place of what is to run next; being empty is no failure there.
    """

    def __init__(
        self, store: Shelf | Given, role: str, threads: int, *, upcoming: bool = False
    ) -> None:
        self._store, self._role, self._threads, self._upcoming = store, role, threads, upcoming
        self._lock = Lock()
        self._bundle: Bundle | None = None
        self._reader: Reader | None = None
        self._watched: dict[Path, Bundle] = {}  # looked at; their files tell when to look again
        self._failures: dict[Path, InferenceError] = {}  # folders that did not load
        self._passed_over: list[InferenceError] = []  # why not the bundle that was chosen
        self._refusal: InferenceError | None = None  # nothing holds
        self._is_blind = False  # something could not even be described, so nothing tells of it
        self._stamp: tuple = ()
        self._looked_at: float | None = None
        self._loaded_seconds: float | None = None

    def bundle(self) -> Bundle:
        """Which bundle answers now; loads nothing that was not loaded. Raises as ``reader``."""
        if self._reader is not None:
            return self.reader().bundle
        with self._lock:
            return self._described()

    def ref(self) -> BundleRef:
        """The state in a few words, for a log line."""
        return self.bundle().ref

    def reader(self) -> Reader:
        """The loaded bundle; the first caller loads it, the others wait for that one.

        Raises BundleMissingError or BundleRefusedError, the remembered one while nothing changed.
        """
        current = self._reader
        if current is not None and not self._is_time_to_look():
            return current
        if not self._lock.acquire(blocking=current is None):
            return current  # somebody else looks; this one goes on answering
        try:
            self._reader = self._loaded(self._described())
        finally:
            self._lock.release()
        return self._reader

    def status(self) -> BundleStatus:
        """How the role stands, without loading anything that was not loaded."""
        failure: InferenceError | None = None
        try:
            self.ref()
        except InferenceError as error:
            failure = error
        state = "ready" if self._reader is not None else "not_loaded"
        if failure is not None:
            state = "missing" if isinstance(failure, BundleMissingError) else "refused"
        elif self._passed_over:
            state, failure = "fallback", self._passed_over[0]
        shown = self._bundle or next(iter(self._watched.values()), None)
        ref = shown.ref if shown else BundleRef(self._role, "", "", "")
        return BundleStatus(
            self._role,
            ref.name,
            ref.version,
            ref.digest,
            state,
            str(failure or ""),
            self._loaded_seconds,
        )

    def _described(self) -> Bundle:
        """The best bundle not known to fail, looked for again when files changed. Lock held."""
        if self._is_time_to_look():
            self._looked_at = time.monotonic()
            is_changed = self._stamp != self._fingerprint()
            if is_changed or self._is_blind:
                self._bundle = self._refusal = None
            if is_changed:
                self._failures = {}
        if self._refusal is not None:
            raise type(self._refusal)(str(self._refusal))  # a fresh traceback for each caller
        if self._bundle is None:
            self._choose()
        return self._bundle

    def _choose(self) -> None:
        """Take the first bundle that may be tried; raises when there is none. Lock held."""
        self._passed_over, self._watched, self._is_blind = [], {}, False
        for rows in self._candidates():
            if isinstance(rows, InferenceError):
                self._passed_over.append(rows)
                self._is_blind = True
                continue
            self._watched[rows.folder] = rows
            if rows.folder not in self._failures:
                self._bundle = rows
                break
            self._passed_over.append(self._failures[rows.folder])
        self._stamp, self._looked_at = self._fingerprint(), time.monotonic()
        if self._bundle is None and self._reader is not None and not self._upcoming:
            self._bundle = self._reader.bundle  # its files are gone; what is loaded answers on
        if self._bundle is None:
            self._reader = None
            nothing = BundleMissingError(f"There is no bundle for {self._role}.")
            self._refusal = next(iter(self._passed_over), nothing)
            raise type(self._refusal)(str(self._refusal))

    def _candidates(self) -> Iterator[Bundle | InferenceError]:
        if not self._upcoming:
            yield from self._store.candidates(self._role)
            return
        try:
            rows = self._store.find_next(self._role)
        except InferenceError as error:
            yield error
            return
        if rows is not None:
            yield rows

    def _loaded(self, bundle: Bundle) -> Reader:
        """The reader of the best bundle that loads; what fails is remembered. Lock held."""
        while True:
            if self._reader is not None and self._reader.bundle.ref == bundle.ref:
                return self._reader
            started = time.monotonic()
            try:
                reader = Reader(bundle, self._threads)
            except InferenceError as error:
                self._failures[bundle.folder], self._bundle = error, None
                self._choose()
                bundle = self._bundle
                continue
            self._loaded_seconds = time.monotonic() - started
            return reader

    def _is_time_to_look(self) -> bool:
        since = self._looked_at
        return since is None or time.monotonic() - since >= LOOK_AGAIN_SECONDS

    def _fingerprint(self) -> tuple:
        """Both active.json, and the files of every bundle that was looked at."""
        paths = [
            bundle.folder / name
            for bundle in self._watched.values()
            for name in ("bundle.json", *bundle.files)
        ]
        return (self._store.stamp(), *(stamp_of(path) for path in paths))
