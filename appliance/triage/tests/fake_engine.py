"""An engine that hangs or fails on demand. Real predictions are tested with the bundles."""

import threading

import numpy as np

from appliance.inference.bundle import BundleRef
from appliance.inference.predictions import CategoryPrediction, SentimentPrediction


class FakeEngine:
    """Predicts at once, until ``may_may_go_on`` is cleared or a text contains ``failing_word``."""

    def __init__(self, failing_word: str = "\0") -> None:
        self.failing_word = failing_word
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.embedded: list[str] = []

    def ref(self, role: str) -> BundleRef:
        return BundleRef(role, f"fake-{role}", "0", role * 4, f"space of {role}")

    def supports(self, role: str, text: str) -> bool:
        return True

    def classify(
        self, text: str, labels: dict[str, str], *, cold_start: bool = False, learned: object = None
    ) -> CategoryPrediction:
        self._process(text)
        label = next(iter(labels))
        return CategoryPrediction(label, 0.9, ((label, 0.9),), self.ref("classifier"))

    def classify_sentiment(self, text: str) -> SentimentPrediction:
        self._process(text)
        return SentimentPrediction("neutral", 0.0, 0.9, self.ref("sentiment"))

    def embed(self, text: str, space: str | None = None) -> np.ndarray:
        self.embedded.append(text)
        self._process(text)
        return np.full(384, 384**-0.5, dtype=np.float32)

    def _process(self, text: str) -> None:
        self.may_go_on.wait(timeout=30)
        if self.failing_word in text:
            raise RuntimeError("out of memory")
