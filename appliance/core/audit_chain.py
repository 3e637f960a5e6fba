"""Verify the chain of hashes over the audit log, which sql/audit_chain.sql writes (decision 23).

The hashes are computed here once more, so that a changed function of the database shows as well.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC
from typing import Any

import structlog
from django.db.models import TextField
from django.db.models.functions import Cast

from appliance.core.audit import ANONYMOUS
from appliance.core.models import AuditCheck, AuditEntry, AuditSeal

log = structlog.get_logger(__name__)
BATCH_ROWS = 2000
PARTS = ("actor_name", "subject", "data")


@dataclass(frozen=True)
class Verification:
    """How many entries are intact, where the chain ends, and the first problem; empty: none."""

    entries: int
    last_position: int
    last_sha256: str
    problem: str


def verify() -> Verification:
    """Follow the whole chain and compare it with the latest check. Some 50 µs an entry."""
    position, sha256, problem = 0, "", ""
    known = _known_hash()
    for seal in _seals():
        problem = _find_problem(seal, position, sha256)
        if not problem and known.get(seal["position"], seal["sha256"]) != seal["sha256"]:
            problem = f"The entries up to {_name(seal)} are not those of the latest check."
        if problem:
            break
        position, sha256 = seal["position"], seal["sha256"]
    return Verification(position, position, sha256, problem or _find_missing(position, known))


def record_check() -> AuditCheck:
    """Verify the log and store the result, with which the next check compares."""
    verification = verify()
    if verification.problem:
        log.error("audit_log_broken", problem=verification.problem)
    return AuditCheck.objects.create(
        entries=verification.entries,
        last_position=verification.last_position,
        last_sha256=verification.last_sha256,
        problem=verification.problem,
    )


def latest_check() -> AuditCheck | None:
    return AuditCheck.objects.first()


def _known_hash() -> dict[int, str]:
    """Return the last position that a check found intact, and its hash."""
    check = AuditCheck.objects.filter(problem="", last_position__gt=0).first()
    return {check.last_position: check.last_sha256} if check else {}


def _seals() -> Iterator[dict[str, Any]]:
    """Yield each seal with its entry, in the order of the chain."""
    fields = ("at", "actor_id", "actor_name", "verb", "kind", "subject", "subject_id")
    return (
        AuditSeal.objects.filter(position__gt=0)
        .order_by("position")
        .annotate(data_text=Cast("entry__data", TextField()))
        .values(
            *("position", "entry_id", "salts", "digests", "sha256", "data_text"),
            *("entry__data", "anonymised_by__verb"),
            *(f"entry__{name}" for name in fields),
        )
        .iterator(chunk_size=BATCH_ROWS)
    )


def _find_problem(seal: dict[str, Any], position: int, sha256: str) -> str:
    """Return what is wrong with a seal that follows the one at ``position``; empty: nothing."""
    if seal["position"] != position + 1:
        return f"Before {_name(seal)} an entry is missing."
    if seal["sha256"] != _sha256(sha256 + _sealed_text(seal)):
        return f"{_name(seal)} was changed."
    for part in PARTS:
        salt = seal["salts"].get(part)
        if salt is None and not (
            seal["anonymised_by__verb"] == "anonymised" and _is_erased(seal, part)
        ):
            return f"{part} of {_name(seal)} was erased, and no anonymisation explains it."
        if salt is not None and seal["digests"][part] != _sha256(salt + _text_of(seal, part)):
            return f"{part} of {_name(seal)} was changed."
    return ""


def _find_missing(position: int, known: dict[int, str]) -> str:
    if known and position < max(known):
        return f"The log ends at {position}. At the latest check it ended at {max(known)}."
    if unsealed := AuditEntry.objects.filter(seal__position=None).order_by("pk").first():
        return f"Entry {unsealed.pk} of {unsealed.at:%Y-%m-%d %H:%M} UTC has no seal."
    return ""


def _sealed_text(seal: dict[str, Any]) -> str:
    """Return what the hash covers, written as PostgreSQL writes a JSON array."""
    values = [
        seal["position"],
        seal["entry_id"],
        seal["entry__at"].astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f"),
        seal["entry__actor_id"],
        seal["entry__verb"],
        seal["entry__kind"],
        seal["entry__subject_id"],
        *(seal["digests"].get(part) for part in PARTS),
    ]
    return json.dumps(values, ensure_ascii=False)


def _text_of(seal: dict[str, Any], part: str) -> str:
    return seal["data_text"] if part == "data" else seal[f"entry__{part}"]


def _is_erased(seal: dict[str, Any], part: str) -> bool:
    if part == "data":
        return all(value is None for value in seal["entry__data"].values())
    return seal[f"entry__{part}"] == ANONYMOUS


def _name(seal: dict[str, Any]) -> str:
    return f"entry {seal['entry_id']} of {seal['entry__at']:%Y-%m-%d %H:%M} UTC"


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
