"""The pinned root of trust and the highest versions seen, in PostgreSQL and again in files.

Either copy may be lost or restored from an old backup; the higher of both counts.
"""

import hashlib
import json
from dataclasses import asdict
from datetime import UTC, datetime, time
from pathlib import Path

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from appliance import RELEASED_ON
from appliance.inference.bundle_store import write_atomically
from appliance.model_updates.errors import NO_TRUST, Step, UpdateRejectedError
from appliance.model_updates.models import TrustAnchor, TrustFloor
from appliance.model_updates.services.events import record
from appliance.model_updates.trust import Versions, check_pinned, parse_versions

log = structlog.get_logger(__name__)
SHIPPED_ROOT = "root.json"  # in the release's models folder; pinned on first use
MAX_ROOT_BYTES = 512_000


def _file(name: str) -> Path:
    return Path(settings.DATA) / "trust" / name


def fingerprint_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@transaction.atomic
def pin_root(content: bytes, *, by_name: str) -> TrustAnchor:
    """Trust this root from now on; raises UpdateRejectedError when another one is pinned."""
    version = check_pinned(content)
    anchor = TrustAnchor.objects.select_for_update().first()
    if anchor is not None and bytes(anchor.root) != content:
        text = f"Another root is trusted already ({anchor.fingerprint[:16]}…)."
        raise UpdateRejectedError(Step.SIGNATURES, text, code=NO_TRUST)
    if anchor is None:
        now = timezone.now()
        anchor = TrustAnchor.objects.create(
            root=content, fingerprint=fingerprint_of(content), pinned_by=by_name, last_seen_at=now
        )
        record("trust", "pinned", by_name=by_name, text=f"Root {version}, {anchor.fingerprint}")
    write_atomically(_file("pinned.root.json"), content)
    return anchor


def ensure_anchor() -> bytes:
    """Return the pinned root, restoring a lost copy from the other.

    Raises UpdateRejectedError when there is none.
    """
    anchor, content = TrustAnchor.objects.first(), _read("pinned.root.json")
    if anchor is not None:
        root = bytes(anchor.root)
        if content != root:
            log.warning("trust_file_differs", pinned=anchor.fingerprint)
            write_atomically(_file("pinned.root.json"), root)
        return root
    shipped = settings.MODELS / SHIPPED_ROOT
    if content is None and shipped.is_file() and shipped.stat().st_size <= MAX_ROOT_BYTES:
        return bytes(pin_root(shipped.read_bytes(), by_name="release").root)
    if content is None:
        text = "No publisher is trusted yet: name the publisher's root.json (--trust)."
        raise UpdateRejectedError(Step.PREFLIGHT, text, code=NO_TRUST)
    return bytes(pin_root(content, by_name="file of this desk").root)


def seen_versions() -> Versions:
    """Return the highest versions seen, from both copies."""
    floors = dict(TrustFloor.objects.values_list("file", "version"))
    stored = Versions(**{name: floors.get(name, 0) for name in asdict(Versions())})
    try:
        return stored.at_least(parse_versions(_read("seen.json") or b""))
    except ValueError:
        return stored


def trusted_now() -> datetime:
    """Return the latest known time, so that a clock set back makes no update fresh again.

    The latest of the wall clock, the release date of this version, the last verification, and the
    creation of the newest accepted update.
    """
    times = [timezone.now(), datetime.combine(RELEASED_ON, time.min, tzinfo=UTC), _latest_in_file()]
    if anchor := TrustAnchor.objects.first():
        times += [anchor.last_seen_at, anchor.newest_release_at]
    return max(moment for moment in times if moment)


@transaction.atomic
def raise_floors(versions: Versions, *, at: datetime, made_at: datetime, is_fresh: bool) -> None:
    """Store the versions seen, in both copies; none goes down.

    The time is stored only for a fresh update: a clock that is years ahead would otherwise make
    every later update look expired.
    """
    for name, version in asdict(seen_versions().at_least(versions)).items():
        TrustFloor.objects.update_or_create(
            file=name, defaults={"version": version, "seen_at": timezone.now()}
        )
    anchor = TrustAnchor.objects.select_for_update().get()
    if is_fresh:
        anchor.last_seen_at = max(anchor.last_seen_at, at)
        anchor.newest_release_at = max(anchor.newest_release_at or made_at, made_at)
    anchor.save(update_fields=["last_seen_at", "newest_release_at"])
    write_seen_file()


def write_seen_file() -> None:
    """Write the versions and the latest time to the file."""
    anchor = TrustAnchor.objects.first()
    if anchor is None:
        return
    latest = max(anchor.last_seen_at, anchor.newest_release_at or anchor.last_seen_at)
    data = {**asdict(seen_versions()), "latest": latest.isoformat()}
    write_atomically(_file("seen.json"), json.dumps(data, sort_keys=True).encode())


def _latest_in_file() -> datetime | None:
    try:
        latest = datetime.fromisoformat(json.loads(_read("seen.json") or b"")["latest"])
    except (ValueError, KeyError, TypeError):
        return None
    return latest if latest.tzinfo else None


def _read(name: str) -> bytes | None:
    try:
        content = _file(name).read_bytes()
    except OSError:
        return None
    return content if 0 < len(content) <= MAX_ROOT_BYTES else None
