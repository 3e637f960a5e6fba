"""What the bundles say about a text: frozen values, each carrying the bundle that said it."""

from dataclasses import dataclass

from appliance.inference.bundle import BundleRef


@dataclass(frozen=True)
class CategoryAnswer:
    """The category of a text, always one of the labels the caller gave, or None for "not sure".

    ``scores`` holds every given label with its probability, best first, also when unsure.
    ``held_back``: what a desk that has proven the bundle would have been told (decision 0008).
    """

    label: str | None
    confidence: float
    scores: tuple[tuple[str, float], ...]
    bundle: BundleRef
    held_back: str | None = None


@dataclass(frozen=True)
class SentimentAnswer:
    """The sentiment of a text; ``score`` is P(positive) - P(negative), so it lies in -1..1."""

    label: str  # "negative", "neutral" or "positive"
    score: float
    confidence: float
    bundle: BundleRef


@dataclass(frozen=True)
class BundleStatus:
    """How one role stands; ``state`` is "ready", "not_loaded", "fallback", "refused" or "missing".

    "fallback": the bundle that was chosen does not hold, ``reason`` says why, and the one named
    here answers in its place.
    """

    role: str
    name: str
    version: str
    digest: str
    state: str
    reason: str
    loaded_seconds: float | None
