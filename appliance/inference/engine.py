"""One door to the three bundles: loaded once on first use, checked first, safe in any thread."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from appliance.inference.answers import BundleStatus, CategoryAnswer, SentimentAnswer
from appliance.inference.bundle import ROLES, BundleRef, find_active
from appliance.inference.errors import BundleMissingError

__all__ = ["BundleStatus", "CategoryAnswer", "Engine", "SentimentAnswer"]


class Engine:
    """Reads texts with the active bundles of ``models_dir``."""

    def __init__(self, models_dir: Path, threads: int = 2) -> None:
        self.models_dir = Path(models_dir)
        self.threads = threads

    def ref(self, role: str) -> BundleRef:
        return find_active(self.models_dir, role).ref

    def classify(self, text: str, labels: Mapping[str, str]) -> CategoryAnswer:
        raise BundleMissingError("no bundle yet")

    def read_sentiment(self, text: str) -> SentimentAnswer:
        raise BundleMissingError("no bundle yet")

    def embed(self, text: str) -> np.ndarray:
        raise BundleMissingError("no bundle yet")

    def load(self) -> None:
        return None

    def statuses(self) -> tuple[BundleStatus, ...]:
        return tuple(BundleStatus(r, "", "", "", "missing", "no bundle yet", None) for r in ROLES)
