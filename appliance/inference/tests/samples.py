"""Categories and texts for tests, and the shipped models."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

SHIPPED = Path(__file__).resolve().parents[3] / "models"
ROLES = ("classifier", "sentiment", "encoder")

LABELS = {
    "access": "Access. Signing in, passwords, locked accounts, permissions. forgot my password",
    "network": "Network. VPN, Wi-Fi, sites that are down. VPN drops",
    "hardware": "Hardware. Laptops, printers, phones, screens. printer jams",
    "software": "Software. An application fails or needs updating. program crashes",
    "purchasing": "Purchasing. Orders, invoices, delivery. order a new monitor",
}

TEXTS = (
    "My password expired and now my account is locked.",
    "The printer on the second floor jams on every page.",
    "VPN drops every few minutes from home.",
    "Please order two more monitors for the front office.",
    "Great, it works again. Thank you very much!",
    "Nobody answers me and I am really angry about this.",
)


def replace(path: Path, content: bytes) -> None:
    """Replace a hard link by a new file, so that the shipped file does not change."""
    path.unlink(missing_ok=True)
    path.write_bytes(content)


def update_digests(folder: Path, change: Callable[[set[str]], set[str]] = lambda names: names):
    """Write the digests of a bundle's files into bundle.json; ``change`` changes which it lists."""
    path = folder / "bundle.json"
    settings = json.loads(path.read_text(encoding="utf-8"))
    settings["files"] = {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
        for name in sorted(change(set(settings["files"])))
    }
    replace(path, json.dumps(settings).encode())
