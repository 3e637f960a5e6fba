"""What bundles predict for a text: frozen values, each with the bundle that made it."""

from dataclasses import dataclass

from appliance.inference.bundle import BundleRef


@dataclass(frozen=True)
class CategoryPrediction:
    """The category of a text: one of the caller's labels, or None for "not sure".

    ``scores`` holds every label with its probability, best first, also when unsure.
    ``withheld_label``: the label that would have been predicted outside a cold start
    (decision 0008).
    """

    label: str | None
    confidence: float
    scores: tuple[tuple[str, float], ...]
    bundle: BundleRef
    withheld_label: str | None = None
    is_other_language: bool = False  # none the bundle was measured on: it was not asked
    base: "CategoryPrediction | None" = None  # of the classifier, without a learned head
    head: int = 0  # the version of the learned head; 0 without one


@dataclass(frozen=True)
class SentimentPrediction:
    """The sentiment of a text; ``score`` is P(positive) - P(negative), in -1..1."""

    label: str | None  # "negative", "neutral" or "positive"; None in another language
    score: float
    confidence: float
    bundle: BundleRef
    is_other_language: bool = False


@dataclass(frozen=True)
class LanguagePrediction:
    """The language of a text, as an ISO 639-1 code; an empty label when it is not clear."""

    label: str
    confidence: float
    bundle: BundleRef  # the library that recognised it
    is_other_language: bool = False


@dataclass(frozen=True)
class BundleStatus:
    """The state of one role: "ready", "not_loaded", "fallback", "refused" or "missing".

    "fallback": the active bundle is unusable, ``reason`` says why, and the bundle named here
    answers in its place.
    """

    role: str
    name: str
    version: str
    digest: str
    state: str
    reason: str
    load_seconds: float | None
    languages: tuple[str, ...] = ()  # that it was measured on
