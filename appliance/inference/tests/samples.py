"""Categories and texts for tests, and the shipped models."""

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
