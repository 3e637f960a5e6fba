"""What this desk trusts and how far it has seen, in PostgreSQL and again in files.

Each side may be lost or put back from an old copy; what counts is the higher of the two.
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
SHIPPED_ROOT = "root.json"  # beside the release's bundles: pinned when the desk first needs it
MAX_ROOT_BYTES = 512_000


def _file(name: str) -> Path:
    return settings.DATA / "trust" / name


def fingerprint_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@transaction.atomic
def pin_root(content: bytes, *, by_name: str) -> TrustAnchor:
    """Trust this root from now on. Once: another one is refused, the same one changes nothing."""
    version = check_pinned(content)
    pinned = TrustAnchor.objects.select_for_update().first()
    if pinned is not None and bytes(pinned.root) != content:
        text = f"This desk trusts another root already ({pinned.fingerprint[:16]}…)."
        raise UpdateRejectedError(Step.SIGNATURES, text, code=NO_TRUST)
    if pinned is None:
        now = timezone.now()
        pinned = TrustAnchor.objects.create(
            root=content, fingerprint=fingerprint_of(content), pinned_by=by_name, last_seen_at=now
        )
        record("trust", "pinned", by_name=by_name, text=f"Root {version}, {pinned.fingerprint}")
    write_atomically(_file("pinned.root.json"), content)
    return pinned


def ensure_anchor() -> bytes:
    """The pinned root. What one side lost comes back from the other; raises when neither has it."""
    row, file = TrustAnchor.objects.first(), _read("pinned.root.json")
    if row is not None:
        root = bytes(row.root)
        if file != root:
            log.warning("trust_file_differs", pinned=row.fingerprint)
            write_atomically(_file("pinned.root.json"), root)
        return root
    shipped = settings.MODELS / SHIPPED_ROOT
    if file is None and shipped.is_file() and shipped.stat().st_size <= MAX_ROOT_BYTES:
        return bytes(pin_root(shipped.read_bytes(), by_name="release").root)
    if file is None:
        text = "This desk trusts nobody's updates yet: give it the publisher's root.json (--trust)."
        raise UpdateRejectedError(Step.PREFLIGHT, text, code=NO_TRUST)
    return bytes(pin_root(file, by_name="file of this desk").root)


def seen() -> Versions:
    """The highest versions of the four files, from both sides."""
    rows = dict(TrustFloor.objects.values_list("file", "version"))
    stored = Versions(**{name: rows.get(name, 0) for name in asdict(Versions())})
    try:
        return stored.at_least(parse_versions(_read("seen.json") or b""))
    except ValueError:
        return stored


def now() -> datetime:
    """The latest of: the wall clock, when this version was made, when an update was last verified,
    when the newest accepted one was made. So a clock set back makes nothing fresh again.
    """
    times = [timezone.now(), datetime.combine(RELEASED_ON, time.min, tzinfo=UTC), _last_in_file()]
    if anchor := TrustAnchor.objects.first():
        times += [anchor.last_seen_at, anchor.newest_release_at]
    return max(each for each in times if each)


@transaction.atomic
def raise_floors(versions: Versions, *, at: datetime, made_at: datetime, is_fresh: bool) -> None:
    """What was seen is remembered, on both sides; nothing goes down.

    The clock is remembered only when the update was fresh by it: a clock that runs years ahead
    would else make every later update look expired.
    """
    for name, version in asdict(seen().at_least(versions)).items():
        TrustFloor.objects.update_or_create(
            file=name, defaults={"version": version, "seen_at": timezone.now()}
        )
    anchor = TrustAnchor.objects.select_for_update().get()
    if is_fresh:
        anchor.last_seen_at = max(anchor.last_seen_at, at)
        anchor.newest_release_at = max(anchor.newest_release_at or made_at, made_at)
    anchor.save(update_fields=["last_seen_at", "newest_release_at"])
    write_seen()


def write_seen() -> None:
    """The file follows the rows."""
    anchor = TrustAnchor.objects.first()
    if anchor is None:
        return
    latest = max(anchor.last_seen_at, anchor.newest_release_at or anchor.last_seen_at)
    data = {**asdict(seen()), "latest": latest.isoformat()}
    write_atomically(_file("seen.json"), json.dumps(data, sort_keys=True).encode())


def _last_in_file() -> datetime | None:
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
