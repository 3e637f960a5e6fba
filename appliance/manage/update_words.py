"""What a step of an update found, in words for a person."""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

STEPS = {
    "preflight": gettext_lazy("Room and trust"),
    "quarantine": gettext_lazy("What lies there"),
    "signatures": gettext_lazy("Signatures"),
    "versions": gettext_lazy("Newer than what was seen"),
    "compatibility": gettext_lazy("Made for this desk"),
    "load": gettext_lazy("Opened in a closed process"),
    "golden": gettext_lazy("Recorded answers"),
    "budget": gettext_lazy("Time and memory"),
    "evaluation": gettext_lazy("Your own tickets"),
    "swap": gettext_lazy("Taken into use"),
}
OUTCOMES = {
    "passed": gettext_lazy("passed"),
    "refused": gettext_lazy("refused"),
    "accepted": gettext_lazy("accepted by a person"),
}
ROLES = {
    "classifier": gettext_lazy("Categories"),
    "sentiment": gettext_lazy("Moods"),
    "encoder": gettext_lazy("Meaning"),
}
NAMES = {
    "free_mb": gettext_lazy("Free disk, MB"),
    "memory_mb": gettext_lazy("Memory, MB"),
    "memory_mb_before": gettext_lazy("Memory before, MB"),
    "ms": gettext_lazy("Milliseconds a text"),
    "ms_before": gettext_lazy("Milliseconds before"),
    "made_at": gettext_lazy("Made"),
    "fresh_until": gettext_lazy("Fresh until"),
    "release": gettext_lazy("Number of the update"),
    "tickets": gettext_lazy("Tickets"),
    "chosen": gettext_lazy("of these, category chosen by an agent"),
    "first choice": gettext_lazy("First choice right"),
    "not wrong while sure": gettext_lazy("Right, or not sure"),
    "phrases of the categories": gettext_lazy("Phrases of the categories"),
    "plain sentences": gettext_lazy("Plain sentences"),
    "same mood": gettext_lazy("Same mood as before"),
    "nearest": gettext_lazy("Nearest ticket of the same category"),
    "network_closed": gettext_lazy("No network"),
    "verdict": gettext_lazy("Verdict"),
    "notes": gettext_lazy("Notes"),
    "files": gettext_lazy("Files"),
    "bytes": gettext_lazy("Bytes"),
    **ROLES,
}
VERDICTS = {
    "as good": gettext_lazy("as good"),
    "worse": gettext_lazy("worse"),
    "not enough": gettext_lazy("not enough evidence"),
}
HIDDEN = {"why", "taken_to_be", "seen", "now"}
MOST_LINES = 60


def lines(found: dict[str, Any]) -> list[tuple[str, str]]:
    """(name, words), in the order they were found; what has no words of its own stays out."""
    return list(_lines("", found))[:MOST_LINES]


def _lines(prefix: str, found: dict[str, Any]):
    for key, value in found.items():
        if key in HIDDEN or value in (None, "", [], {}):
            continue
        name = f"{prefix}{NAMES.get(key, key)}"
        if isinstance(value, dict) and "overall" in value:
            yield from _compared(name, value)
        elif isinstance(value, dict):
            yield from _lines(f"{name} · ", value)
        else:
            yield name, _words(value)


def _compared(name: str, value: dict[str, Any]):
    for part in [value["overall"], *value["classes"]]:
        if not part["texts"]:
            continue
        words = _("%(after)d %% (before %(before)d %%) of %(texts)d: %(verdict)s") % {
            "after": round(100 * part["after"]),
            "before": round(100 * part["before"]),
            "texts": part["texts"],
            "verdict": VERDICTS[part["verdict"]],
        }
        yield (f"{name} · {part['name']}" if part["name"] else name), words


def _words(value: object) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, str) and len(value) > 18:
        try:
            return f"{datetime.fromisoformat(value):%Y-%m-%d %H:%M}"
        except ValueError:
            return value[:300]
    return str(VERDICTS.get(value, value))
