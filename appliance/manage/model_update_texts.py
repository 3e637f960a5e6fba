"""The findings of the steps of an update, in words."""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

STEPS = {
    "preflight": gettext_lazy("Preflight"),
    "quarantine": gettext_lazy("Bundle contents"),
    "signatures": gettext_lazy("Signatures"),
    "versions": gettext_lazy("Version check"),
    "compatibility": gettext_lazy("Compatibility"),
    "load": gettext_lazy("Sandboxed load"),
    "golden": gettext_lazy("Reference outputs"),
    "budget": gettext_lazy("Time and memory"),
    "evaluation": gettext_lazy("Evaluation on your tickets"),
    "swap": gettext_lazy("Activation"),
}
OUTCOMES = {
    "passed": gettext_lazy("passed"),
    "rejected": gettext_lazy("rejected"),
    "accepted": gettext_lazy("accepted anyway"),
}
ROLES = {
    "classifier": gettext_lazy("Categories"),
    "sentiment": gettext_lazy("Sentiment"),
    "encoder": gettext_lazy("Semantic search"),
}
NAMES = {
    "free_mb": gettext_lazy("Free disk space, MB"),
    "memory_mb": gettext_lazy("Memory, MB"),
    "memory_mb_before": gettext_lazy("Previous memory, MB"),
    "ms": gettext_lazy("Time per text, ms"),
    "ms_before": gettext_lazy("Previous time per text, ms"),
    "made_at": gettext_lazy("Created"),
    "fresh_until": gettext_lazy("Valid until"),
    "release": gettext_lazy("Update number"),
    "tickets": gettext_lazy("Tickets"),
    "chosen": gettext_lazy("of these, category set by an agent"),
    "first choice": gettext_lazy("Top prediction correct"),
    "not wrong while sure": gettext_lazy("Correct or uncertain"),
    "phrases of the categories": gettext_lazy("Example phrases of the categories"),
    "plain sentences": gettext_lazy("Unambiguous sentences"),
    "same sentiment": gettext_lazy("Same sentiment as before"),
    "nearest": gettext_lazy("Nearest ticket in the same category"),
    "network_closed": gettext_lazy("Network blocked"),
    "verdict": gettext_lazy("Result"),
    "notes": gettext_lazy("Notes"),
    "files": gettext_lazy("Attachments"),
    "bytes": gettext_lazy("Bytes"),
    **ROLES,
}
VERDICTS = {
    "as good": gettext_lazy("equally good"),
    "worse": gettext_lazy("worse"),
    "not enough": gettext_lazy("not enough data"),
}
HIDDEN_KEYS = {"why", "taken_to_be", "seen", "now"}
MAX_LINES = 60
Line = tuple[str, str]  # name and value in words


def detail_lines(details: dict[str, Any]) -> list[Line]:
    """Return the findings of a step in words, in their order, at most MAX_LINES."""
    return list(islice(_lines("", details), MAX_LINES))


def _lines(prefix: str, details: dict[str, Any]) -> Iterator[Line]:
    for key, value in details.items():
        if key in HIDDEN_KEYS or value in (None, "", [], {}):
            continue
        name = f"{prefix}{NAMES.get(key, key)}"
        if isinstance(value, dict) and "overall" in value:
            yield from _comparison_lines(name, value)
        elif isinstance(value, dict):
            yield from _lines(f"{name} · ", value)
        else:
            yield name, _describe_value(value)


def _comparison_lines(name: str, comparison: dict[str, Any]) -> Iterator[Line]:
    for part in [comparison["overall"], *comparison["classes"]]:
        if not part["texts"]:
            continue
        text = _("%(after)d %% (previously %(before)d %%) of %(texts)d: %(verdict)s") % {
            "after": round(100 * part["after"]),
            "before": round(100 * part["before"]),
            "texts": part["texts"],
            "verdict": VERDICTS[part["verdict"]],
        }
        yield (f"{name} · {part['name']}" if part["name"] else name), text


def _describe_value(value: object) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return ", ".join(map(str, value))
    text = str(value)
    if isinstance(value, str) and len(value) > 18:
        try:
            return date_format(localtime(datetime.fromisoformat(value)), "DATETIME_FORMAT")
        except ValueError:
            return text[:300]
    return str(VERDICTS.get(text, text))
