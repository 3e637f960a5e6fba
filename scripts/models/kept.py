"""Figures between runs, each beside the bundles it is of: no row outlives its bundle."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from goals import CHECKS, Figures

from appliance.inference.bundle import Bundle

# The classifier is asked together with the encoder, which says how near a category is.
ASKED_TOGETHER = {
    "classifier": ("classifier", "encoder"),
    "sentiment": ("sentiment",),
    "encoder": ("encoder",),
}


def fingerprints(bundles: Mapping[str, Bundle]) -> dict[str, str]:
    """Role → what its rows are of: the files that answer, and the numbers beside them."""
    said = {role: [one.settings["files"], one.calibration] for role, one in bundles.items()}
    return {role: _digest([said[name] for name in names]) for role, names in ASKED_TOGETHER.items()}


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]


class Kept:
    """Kind (int8 or fp32) → check → figures. Written to the file with every row that comes in, so
    that a stopped run loses one at most; without a file they last as long as the run."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._rows: dict[str, dict] = {"int8": {}, "fp32": {}}
        if path and path.exists():
            self._rows |= json.loads(path.read_text(encoding="utf-8"))

    def has(self, kind: str, check: str, of: str) -> bool:
        """Whether the row was measured of these very bundles."""
        return self._rows[kind].get(check, {}).get("of") == of

    def put(self, kind: str, check: str, of: str, figures: Mapping[str, float]) -> None:
        """Keep one row in place of what stood there."""
        self._rows[kind][check] = {"of": of, "figures": dict(figures)}
        if self._path:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.write_text(json.dumps(self._rows, indent=1) + "\n", encoding="utf-8")

    def figures(self, kind: str, current: Mapping[str, str]) -> Figures:
        """The rows of the current bundles (role → fingerprint) in the table's order."""
        said = {}
        for check, role in CHECKS.items():
            if self.has(kind, check, current.get(role, role)):
                said[check] = self._rows[kind][check]["figures"]
        return said
