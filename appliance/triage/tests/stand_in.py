"""An engine that hangs or breaks on demand. What bundles say is tested with the bundles."""

import threading

import numpy as np

from appliance.inference.bundle import BundleRef
from appliance.inference.predictions import CategoryPrediction, SentimentPrediction


class StandIn:
    """Answers like the real one until it is told to hang, or meets the word ``breaks_on``."""

    def __init__(self, breaks_on: str = "\0") -> None:
        self.breaks_on = breaks_on
        self.go_on = threading.Event()
        self.go_on.set()
        self.asked: list[str] = []

    def ref(self, role: str) -> BundleRef:
        return BundleRef(role, f"stand-in-{role}", "0", role * 4, f"space of {role}")

    def classify(
        self, text: str, labels: dict[str, str], *, cold_start: bool = False
    ) -> CategoryPrediction:
        self._read(text)
        label = next(iter(labels))
        return CategoryPrediction(label, 0.9, ((label, 0.9),), self.ref("classifier"))

    def classify_sentiment(self, text: str) -> SentimentPrediction:
        self._read(text)
        return SentimentPrediction("neutral", 0.0, 0.9, self.ref("sentiment"))

    def embed(self, text: str, space: str | None = None) -> np.ndarray:
        self.asked.append(text)
        self._read(text)
        return np.full(384, 384**-0.5, dtype=np.float32)

    def _read(self, text: str) -> None:
        self.go_on.wait(timeout=30)
        if self.breaks_on in text:
            raise RuntimeError("out of memory")
