"""Hold the bundle of one role: loaded once, swapped while the process runs.

Everything known about the role is one immutable ``Snapshot``. Callers take the reference and work
with it; a reload builds a new snapshot under a lock and swaps the reference. While a bundle loads,
callers go on with the one that is loaded already.

The first usable bundle answers: the active one, else the previous one, else the release's own.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock

from appliance.inference.bundle import Bundle, BundleMissingError, BundleRef, InferenceError
from appliance.inference.bundle_store import BundleStore, FixedBundles, file_state
from appliance.inference.predictions import BundleStatus
from appliance.inference.session import LoadedBundle

CHECK_SECONDS = 3.0  # how often the files on disk are compared


@dataclass(frozen=True)
class Snapshot:
    """What is known about one role at one moment. Replaced as a whole, never changed."""

    bundle: Bundle | None = None  # the description that answers, loaded or not
    loaded: LoadedBundle | None = None
    load_seconds: float | None = None
    watched: tuple[Bundle, ...] = ()  # their files tell when to choose again
    failures: Mapping[Path, InferenceError] = field(default_factory=dict)  # folder → load error
    passed_over: tuple[InferenceError, ...] = ()  # why a better candidate does not answer
    refusal: InferenceError | None = None  # set when no candidate is usable
    has_undescribed: bool = False  # a candidate without a description has no files to watch
    fingerprint: tuple[object, ...] = ()
    checked_at: float | None = None  # monotonic seconds

    @property
    def is_check_due(self) -> bool:
        return self.checked_at is None or time.monotonic() - self.checked_at >= CHECK_SECONDS

    def error(self) -> InferenceError:
        """Return the refusal as a new exception, so that each caller has its own traceback."""
        refusal = self.refusal or BundleMissingError("There is no bundle.")
        return type(refusal)(str(refusal))


class BundleHolder:
    """The bundle of one role: not loaded, ready, refused or missing.

    With ``is_next`` it holds the bundle that will run next; being empty is no failure then.
    """

    def __init__(
        self, store: BundleStore | FixedBundles, role: str, threads: int, *, is_next: bool = False
    ) -> None:
        self._store, self._role, self._threads, self._is_next = store, role, threads, is_next
        self._lock = Lock()  # held by whoever builds the next snapshot
        self._snapshot = Snapshot()

    def loaded(self) -> LoadedBundle:
        """Return the loaded bundle. The first caller loads it while the others wait.

        Raises BundleMissingError or BundleRefusedError, remembered until a file changes.
        """
        current = self._snapshot
        if current.loaded is None:
            self._lock.acquire()
        elif not current.is_check_due or not self._lock.acquire(blocking=False):
            return current.loaded  # up to date, or another thread is checking already
        try:
            snapshot = self._snapshot = self._load(self._refresh(self._snapshot))
        finally:
            self._lock.release()
        if snapshot.loaded is None:
            raise snapshot.error()
        return snapshot.loaded

    def bundle(self) -> Bundle:
        """Return the description of the bundle that answers. Raises as ``loaded``."""
        if self._snapshot.loaded is not None:
            return self.loaded().bundle
        with self._lock:
            snapshot = self._snapshot = self._refresh(self._snapshot)
        if snapshot.bundle is None:
            raise snapshot.error()
        return snapshot.bundle

    def ref(self) -> BundleRef:
        """Return the reference of the bundle that answers. Raises as ``loaded``."""
        return self.bundle().ref

    def status(self) -> BundleStatus:
        """Return the state of the role for the health page; loads nothing new."""
        failure: InferenceError | None = None
        try:
            self.ref()
        except InferenceError as error:
            failure = error
        snapshot = self._snapshot
        state = "ready" if snapshot.loaded is not None else "not_loaded"
        if failure is not None:
            state = "missing" if isinstance(failure, BundleMissingError) else "refused"
        elif snapshot.passed_over:
            state, failure = "fallback", snapshot.passed_over[0]
        bundle = snapshot.bundle or next(iter(snapshot.watched), None)
        ref = bundle.ref if bundle else BundleRef(self._role, "", "", "")
        return BundleStatus(
            role=self._role,
            name=ref.name,
            version=ref.version,
            digest=ref.digest,
            state=state,
            reason=str(failure or ""),
            load_seconds=snapshot.load_seconds,
            languages=bundle.languages if bundle else (),
        )

    def _refresh(self, snapshot: Snapshot) -> Snapshot:
        """Return the snapshot, with its bundle chosen again if files changed. Lock required."""
        if snapshot.is_check_due:
            has_changed = snapshot.fingerprint != self._fingerprint(snapshot.watched)
            snapshot = replace(snapshot, checked_at=time.monotonic())
            if has_changed:
                snapshot = replace(snapshot, failures={})
            if has_changed or snapshot.has_undescribed:
                snapshot = replace(snapshot, bundle=None, refusal=None)
        if snapshot.bundle is None and snapshot.refusal is None:
            snapshot = self._choose(snapshot)
        return snapshot

    def _choose(self, snapshot: Snapshot) -> Snapshot:
        """Return a snapshot with the first candidate that has not failed. Lock required."""
        watched: list[Bundle] = []
        passed_over: list[InferenceError] = []
        chosen: Bundle | None = None
        has_undescribed = False
        for candidate in self._candidates():
            if isinstance(candidate, InferenceError):
                passed_over.append(candidate)
                has_undescribed = True
                continue
            watched.append(candidate)
            if candidate.folder not in snapshot.failures:
                chosen = candidate
                break
            passed_over.append(snapshot.failures[candidate.folder])
        loaded, refusal = snapshot.loaded, None
        if chosen is None and loaded is not None and not self._is_next:
            chosen = loaded.bundle  # its files are gone; what is in memory still answers
        if chosen is None:
            loaded = None
            missing = BundleMissingError(f"There is no bundle for {self._role}.")
            refusal = next(iter(passed_over), missing)
        return replace(
            snapshot,
            bundle=chosen,
            loaded=loaded,
            watched=tuple(watched),
            passed_over=tuple(passed_over),
            refusal=refusal,
            has_undescribed=has_undescribed,
            fingerprint=self._fingerprint(watched),
            checked_at=time.monotonic(),
        )

    def _candidates(self) -> Iterator[Bundle | InferenceError]:
        if not self._is_next:
            yield from self._store.candidates(self._role)
            return
        try:
            bundle = self._store.find_next(self._role)
        except InferenceError as error:
            yield error
            return
        if bundle is not None:
            yield bundle

    def _load(self, snapshot: Snapshot) -> Snapshot:
        """Return a snapshot with the best bundle that loads, or a refusal. Lock required."""
        while snapshot.bundle is not None:
            if snapshot.loaded is not None and snapshot.loaded.bundle.ref == snapshot.bundle.ref:
                return snapshot
            started_at = time.monotonic()
            try:
                loaded = LoadedBundle(snapshot.bundle, self._threads)
            except InferenceError as error:
                failures = {**snapshot.failures, snapshot.bundle.folder: error}
                snapshot = self._choose(replace(snapshot, failures=failures))
                continue
            seconds = time.monotonic() - started_at
            return replace(snapshot, loaded=loaded, load_seconds=seconds)
        return snapshot

    def _fingerprint(self, watched: Sequence[Bundle]) -> tuple[object, ...]:
        """Return the state of both active.json files and of every file of the watched bundles."""
        paths = [
            bundle.folder / name for bundle in watched for name in ("bundle.json", *bundle.files)
        ]
        return (self._store.active_file_states(), *(file_state(path) for path in paths))
