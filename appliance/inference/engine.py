"""One door to the three bundles: loaded once on first use, checked first, safe in any thread."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from appliance.inference.answers import BundleStatus, CategoryAnswer, SentimentAnswer
from appliance.inference.bundle import ROLES, Bundle, BundleRef
from appliance.inference.classify import (
    classify,
    head_shares,
    known_labels,
    nearness,
    pieces,
)
from appliance.inference.embed import VectorCache
from appliance.inference.errors import BundleMissingError, InferenceError
from appliance.inference.sentiment import sentiment_answer
from appliance.inference.session import Reader
from appliance.inference.shelf import Given, Shelf
from appliance.inference.slot import Slot
from appliance.inference.tokens import has_words

__all__ = ["BundleStatus", "CategoryAnswer", "Engine", "SentimentAnswer"]


class Engine:
    """Reads texts with the bundles that run: those of ``models_dir``, or installed later.

    Every method may raise BundleMissingError or BundleRefusedError for the role it needs; the
    other roles work on. One engine per process is enough.
    """

    def __init__(
        self, models_dir: Path, threads: int = 2, installed_dir: Path | None = None
    ) -> None:
        """``threads``: cores one text may use. Nothing is read until something is asked."""
        self._read_from(Shelf(Path(models_dir), installed_dir), threads)

    @classmethod
    def of(cls, folders: Mapping[str, Path], threads: int = 2) -> "Engine":
        """Reads with exactly these folders of bundles, by role: to try them out."""
        engine = cls.__new__(cls)
        engine._read_from(Given(folders), threads)
        return engine

    def _read_from(self, store: Shelf | Given, threads: int) -> None:
        self._slots = {role: Slot(store, role, threads) for role in ROLES}
        self._next_encoder = Slot(store, "encoder", threads, upcoming=True)
        self._texts = VectorCache(most=32)
        self._descriptions = VectorCache(most=4096)

    def ref(self, role: str) -> BundleRef:
        """Which bundle answers for a role; reads active.json and bundle.json only."""
        return self._slots[role].ref()

    def bundle(self, role: str) -> Bundle:
        """The description of that bundle: its folder, files, labels."""
        return self._slots[role].bundle()

    def next_encoder(self) -> BundleRef | None:
        """The encoder whose vectors are being written beside the old ones; None: there is none,
        or none that holds (``next_encoder_status`` says why).
        """
        try:
            return self._next_encoder.ref()
        except InferenceError:
            return None

    def next_encoder_status(self) -> BundleStatus:
        """How the next encoder stands; "missing" while there is none."""
        return self._next_encoder.status()

    def classify(
        self, text: str, labels: Mapping[str, str], *, careful: bool = False
    ) -> CategoryAnswer:
        """One of ``labels`` (slug → "name. description. example phrases"), or None: not sure.

        ``careful`` asks for more, as it should be for a desk nobody has trained on.
        """
        reader = self._slots["classifier"].reader()
        names = list(labels)
        if not names or not has_words(text):
            return CategoryAnswer(None, 0.0, tuple((n, 0.0) for n in names), reader.bundle.ref)
        known = known_labels(reader.bundle, names)
        similarities = self._similarities(text, labels, required=not known)
        logits = reader.run(text) if known else None
        return classify(reader.bundle, logits, similarities, names, careful=careful)

    def head_choice(self, text: str, labels: Sequence[str]) -> str | None:
        """What the classifier's head alone takes first of these labels; None: it knows none."""
        reader = self._slots["classifier"].reader()
        known = known_labels(reader.bundle, labels)
        if not known:
            return None
        shares = head_shares(reader.bundle, reader.run(text), known)
        return known[int(np.argmax(shares))]

    def read_sentiment(self, text: str) -> SentimentAnswer:
        """The sentiment of a text."""
        reader = self._slots["sentiment"].reader()
        return sentiment_answer(reader.bundle, reader.run(text))

    def embed(self, text: str, space: str | None = None) -> np.ndarray:
        """float32 (384,), unit length, read-only; equal texts give equal vectors.

        With ``space``, in that space and no other: by the encoder that runs, or by the next one.
        Raises BundleMissingError when neither speaks it (any more).
        """
        reader = self._slots["encoder"].reader()
        if space is not None and reader.bundle.ref.space != space:
            reader = self._next_encoder.reader()
            if reader.bundle.ref.space != space:
                raise BundleMissingError(f"No encoder at hand writes the space {space}.")
        return self._texts.embed(reader, text)

    def load(self) -> None:
        """Load all three now; a failure is remembered in ``statuses``, not raised."""
        for slot in self._slots.values():
            try:
                slot.reader()
            except InferenceError:
                continue  # the slot remembers it and says so

    def statuses(self) -> tuple[BundleStatus, ...]:
        """One per role, for the health page; loads nothing."""
        return tuple(slot.status() for slot in self._slots.values())

    def _similarities(
        self, text: str, labels: Mapping[str, str], *, required: bool
    ) -> dict[str, float] | None:
        """How near the text is to each description; None when there is no encoder to ask."""
        try:
            encoder = self._slots["encoder"].reader()
        except InferenceError:
            if required:
                raise
            return None
        vector = self._texts.embed(encoder, text)
        return {
            label: nearness(vector, self._described(encoder, description))
            for label, description in labels.items()
        }

    def _described(self, encoder: Reader, description: str) -> np.ndarray:
        """float32 (pieces, dims): the parts of a category's description."""
        return np.stack([self._descriptions.embed(encoder, p) for p in pieces(description)])
