"""Figures kept between runs with the fingerprint of their bundles; stale ones are ignored."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from goals import CHECKS, Figures

from appliance.inference.bundle import Bundle

# A category prediction also depends on the encoder, which compares categories with the text.
BUNDLES_OF = {
    "classifier": ("classifier", "encoder"),
    "sentiment": ("sentiment",),
    "encoder": ("encoder",),
    "all bundles": ("classifier", "sentiment", "encoder"),
}


def fingerprints(bundles: Mapping[str, Bundle]) -> dict[str, str]:
    """Return role, or "all bundles" → fingerprint of the files and calibrations behind figures."""
    contents = {role: [b.settings["files"], b.calibration] for role, b in bundles.items()}
    return {role: _digest([contents[name] for name in names]) for role, names in BUNDLES_OF.items()}


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]


class FiguresStore:
    """Figures by kind (int8 or fp32) and check.

    Every ``put`` writes the file, so that a stopped run loses one check at most. Without a path
    the figures last as long as the object.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._rows: dict[str, dict] = {"int8": {}, "fp32": {}}
        if path and path.exists():
            self._rows |= json.loads(path.read_text(encoding="utf-8"))

    def has(self, kind: str, check: str, of: str) -> bool:
        """Return whether the check was measured on the bundles with the fingerprint ``of``."""
        return self._rows[kind].get(check, {}).get("of") == of

    def put(self, kind: str, check: str, of: str, figures: Mapping[str, float]) -> None:
        """Store the figures of one check, replacing earlier ones."""
        self._rows[kind][check] = {"of": of, "figures": dict(figures)}
        if self._path:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.write_text(json.dumps(self._rows, indent=1) + "\n", encoding="utf-8")

    def add(self, kind: str, check: str, of: str, figures: Mapping[str, float]) -> None:
        """Store figures beside those of the same bundles, such as of another processor."""
        earlier = self._rows[kind][check]["figures"] if self.has(kind, check, of) else {}
        self.put(kind, check, of, {**earlier, **figures})

    def figures(self, kind: str, current: Mapping[str, str]) -> Figures:
        """Return the figures of the current bundles (role → fingerprint) in the table's order."""
        current_figures = {}
        for check, role in CHECKS.items():
            if self.has(kind, check, current.get(role, role)):
                current_figures[check] = self._rows[kind][check]["figures"]
        return current_figures
