"""The entry point of inference: three bundles, loaded on first use, safe in any thread."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock

import numpy as np

from appliance.inference import languages
from appliance.inference.bundle import (
    ROLES,
    Bundle,
    BundleMissingError,
    BundleRef,
    InferenceError,
)
from appliance.inference.bundle_holder import BundleHolder
from appliance.inference.bundle_store import BundleStore, FixedBundles
from appliance.inference.classify import (
    classify,
    classify_sentiment,
    head_probabilities,
    known_labels,
    nearness,
    pieces,
)
from appliance.inference.learned import LearnedHead, refine
from appliance.inference.predictions import BundleStatus, CategoryPrediction, SentimentPrediction
from appliance.inference.session import LoadedBundle


class VectorCache:
    """The latest vectors by text, so that a ticket is embedded once for category and search."""

    def __init__(self, max_vectors: int) -> None:
        self._max_vectors = max_vectors
        self._vectors: OrderedDict[tuple[str, str], np.ndarray] = OrderedDict()
        self._lock = Lock()

    def embed(self, encoder: LoadedBundle, text: str) -> np.ndarray:
        """Return float32 (dims,) of unit length, read-only because it is shared."""
        key = (encoder.bundle.ref.digest, text)
        with self._lock:
            if key in self._vectors:
                self._vectors.move_to_end(key)
                return self._vectors[key]
        vector = unit(encoder.run(text))
        vector.flags.writeable = False
        with self._lock:
            self._vectors[key] = vector
            while len(self._vectors) > self._max_vectors:
                self._vectors.popitem(last=False)
        return vector


def unit(vector: np.ndarray) -> np.ndarray:
    """Scale a vector to unit length, float32; a zero vector stays zero."""
    length = float(np.linalg.norm(vector))
    return (vector / length if length else vector).astype(np.float32)


class Engine:
    """Predicts with the active bundles: those of ``models_dir``, or those installed later.

    Every method may raise BundleMissingError or BundleRefusedError for the role it needs; the
    other roles work on. One engine per process is enough.
    """

    def __init__(
        self, models_dir: Path, threads: int = 2, installed_dir: Path | None = None
    ) -> None:
        """``threads``: cores one text may use. Nothing is loaded before the first call."""
        self._use(BundleStore(Path(models_dir), installed_dir), threads)

    @classmethod
    def from_folders(cls, folders: Mapping[str, Path], threads: int = 2) -> "Engine":
        """Return an engine with exactly these bundles, by role, to evaluate them."""
        engine = cls.__new__(cls)
        engine._use(FixedBundles(folders), threads)
        return engine

    def _use(self, store: BundleStore | FixedBundles, threads: int) -> None:
        self._holders = {role: BundleHolder(store, role, threads) for role in ROLES}
        self._next_encoder = BundleHolder(store, "encoder", threads, is_next=True)
        self._text_vectors = VectorCache(max_vectors=32)
        self._description_vectors = VectorCache(max_vectors=4096)

    def ref(self, role: str) -> BundleRef:
        """Return which bundle answers for a role; reads active.json and bundle.json only."""
        return self._holders[role].ref()

    def bundle(self, role: str) -> Bundle:
        """Return the description of the bundle that answers: its folder, files, labels."""
        return self._holders[role].bundle()

    def floors(self) -> Mapping[str, float]:
        """Return the cosines of the active encoder below which nothing is offered."""
        return self._holders["encoder"].bundle().floors

    def next_encoder(self) -> BundleRef | None:
        """Return the encoder whose vectors are being written beside the old ones.

        None while there is none, or it is unusable (``next_encoder_status`` says why).
        """
        try:
            return self._next_encoder.ref()
        except InferenceError:
            return None

    def next_encoder_status(self) -> BundleStatus:
        """Return the state of the next encoder, "missing" while there is none."""
        return self._next_encoder.status()

    def classify(
        self,
        text: str,
        labels: Mapping[str, str],
        *,
        cold_start: bool = False,
        learned: LearnedHead | None = None,
    ) -> CategoryPrediction:
        """Predict one of ``labels`` (slug → "name. description. example phrases"), or None.

        Of a text in a language that the classifier was not measured on, or without a word that it
        knows, nothing is predicted.
        ``cold_start`` asks for the agreement of head and similarity, as on an installation whose
        tickets the classifier has not proven itself on. ``learned`` is the installation's own
        head; it counts while the active encoder writes its space.
        """
        classifier = self._holders["classifier"].loaded()
        names = list(labels)
        if not languages.is_supported(text, classifier.bundle.languages):
            return CategoryPrediction(None, 0.0, (), classifier.bundle.ref, is_other_language=True)
        if not names or not classifier.knows_words(text):
            scores = tuple((name, 0.0) for name in names)
            return CategoryPrediction(None, 0.0, scores, classifier.bundle.ref)
        known = known_labels(classifier.bundle, names)
        similarities = self._similarities(text, labels, is_required=not known)
        logits = classifier.run(text) if known else None
        base = classify(
            classifier.bundle,
            logits,
            similarities,
            names,
            frozen=self._frozen_probabilities(classifier, text),
            cold_start=cold_start,
        )
        return self._refine(classifier.bundle, base, text, learned) if learned else base

    def _frozen_probabilities(self, classifier: LoadedBundle, text: str) -> dict[str, float] | None:
        """Return label → probability by the classifier's regression on the encoder's vector.

        None when it brings none, or one for another vector space than that of the encoder.
        """
        head = classifier.frozen_head
        if head is None:
            return None
        vector = self._vector_in(str(classifier.bundle.settings.get("frozen_space")), text)
        if vector is None:
            return None
        shares = head.probabilities(vector[None])[0]
        return dict(zip(head.labels, shares.tolist(), strict=True))

    def _refine(
        self, bundle: Bundle, base: CategoryPrediction, text: str, learned: LearnedHead
    ) -> CategoryPrediction:
        """Combine a prediction with the learned head, unless its encoder is not at hand."""
        vector = self._vector_in(learned.space, text)
        return base if vector is None else refine(bundle, base, vector, learned)

    def _vector_in(self, space: str, text: str) -> np.ndarray | None:
        """Return the text's vector if the active encoder is at hand and writes this space."""
        try:
            encoder = self._holders["encoder"].loaded()
        except InferenceError:
            return None
        if encoder.bundle.ref.space != space:
            return None
        return self._text_vectors.embed(encoder, text)

    def classify_with_head(self, text: str, labels: Sequence[str]) -> str | None:
        """Return the label the classifier's head alone ranks first; None if it knows none."""
        classifier = self._holders["classifier"].loaded()
        known = known_labels(classifier.bundle, labels)
        if not known:
            return None
        probabilities = head_probabilities(classifier.bundle, classifier.run(text), known)
        return known[int(np.argmax(probabilities))]

    def classify_sentiment(self, text: str) -> SentimentPrediction:
        """Predict the sentiment of a text in a language that the bundle was measured on."""
        loaded = self._holders["sentiment"].loaded()
        if not languages.is_supported(text, loaded.bundle.languages):
            return SentimentPrediction(None, 0.0, 0.0, loaded.bundle.ref, is_other_language=True)
        return classify_sentiment(loaded.bundle, loaded.run(text))

    def embed(self, text: str, space: str | None = None) -> np.ndarray:
        """Return float32 (384,) of unit length, read-only; equal texts give equal vectors.

        With ``space``, by the active or the next encoder, whichever writes that space. Raises
        BundleMissingError when neither does (any more).
        """
        encoder = self._holders["encoder"].loaded()
        if space is not None and encoder.bundle.ref.space != space:
            encoder = self._next_encoder.loaded()
            if encoder.bundle.ref.space != space:
                raise BundleMissingError(f"No encoder at hand writes the space {space}.")
        return self._text_vectors.embed(encoder, text)

    def embed_description(self, description: str, space: str) -> np.ndarray:
        """Return float32 (pieces, dims): the parts of a category's description. Cached.

        Raises BundleMissingError when the active encoder does not write that space.
        """
        encoder = self._holders["encoder"].loaded()
        if encoder.bundle.ref.space != space:
            raise BundleMissingError(f"The active encoder does not write the space {space}.")
        return self._embed_description(encoder, description)

    def knows_words(self, text: str) -> bool:
        """Return whether the encoder knows a word of the text; else its vector says little."""
        return self._holders["encoder"].loaded().knows_words(text)

    def supports(self, role: str, text: str) -> bool:
        """Return whether the text may be in a language that the bundle was measured on."""
        return languages.is_supported(text, self.bundle(role).languages)

    def load(self) -> None:
        """Load all three bundles now; ``statuses`` names the failures, none is raised."""
        for holder in self._holders.values():
            try:
                holder.loaded()
            except InferenceError:
                continue
        languages.load()

    def statuses(self) -> tuple[BundleStatus, ...]:
        """Return one status per role for the health page; loads nothing."""
        return tuple(holder.status() for holder in self._holders.values())

    def _similarities(
        self, text: str, labels: Mapping[str, str], *, is_required: bool
    ) -> dict[str, float] | None:
        """Return the nearness of the text to each description; None without an encoder."""
        try:
            encoder = self._holders["encoder"].loaded()
        except InferenceError:
            if is_required:
                raise
            return None
        vector = self._text_vectors.embed(encoder, text)
        return {
            label: nearness(vector, self._embed_description(encoder, description))
            for label, description in labels.items()
        }

    def _embed_description(self, encoder: LoadedBundle, description: str) -> np.ndarray:
        """Return float32 (pieces, dims): the parts of a category's description."""
        vectors = [self._description_vectors.embed(encoder, piece) for piece in pieces(description)]
        return np.stack(vectors)
