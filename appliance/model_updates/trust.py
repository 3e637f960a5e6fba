"""Verify TUF metadata against version floors that never go down. Pure: bytes in, result out.

The rules are python-tuf's. Where it relies on local files, which may be deleted (versions seen),
and on the clock, which may be wrong (expiry), the caller passes both from PostgreSQL.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import NoReturn

from tuf.api.exceptions import (
    BadVersionNumberError,
    ExpiredMetadataError,
    LengthOrHashMismatchError,
    RepositoryError,
)
from tuf.api.metadata import TargetFile
from tuf.ngclient._internal.trusted_metadata_set import TrustedMetadataSet
from tuf.ngclient.config import EnvelopeType

from appliance.model_updates.errors import EXPIRED, NO_TRUST, Step, UpdateRejectedError

MAX_SIZES = {"root": 512_000, "timestamp": 16_384, "snapshot": 2_000_000, "targets": 5_000_000}
MAX_ROTATIONS = 256
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
Read = Callable[[str, int], bytes | None]  # file name, max bytes → content; None: missing


@dataclass(frozen=True)
class Versions:
    """The versions of the four metadata files."""

    root: int = 0
    timestamp: int = 0
    snapshot: int = 0
    targets: int = 0

    def at_least(self, other: "Versions") -> "Versions":
        """Return the higher version of each file."""
        mine, theirs = asdict(self), asdict(other)
        return Versions(**{name: max(mine[name], theirs[name]) for name in mine})


@dataclass(frozen=True)
class Verified:
    """The verified content of the metadata."""

    versions: Versions
    targets: Mapping[str, TargetFile]  # path → length and sha256
    expires_at: datetime  # the earliest of the signed dates
    is_expired: bool  # and accepted by an admin


def verify(
    read: Read, *, pinned: bytes, seen: Versions, now: datetime, accept_expired: bool = False
) -> Verified:
    """Verify the metadata.

    Raises UpdateRejectedError: not signed, older than ``seen``, or expired.
    """
    trusted = _load_root(pinned, LONG_AGO if accept_expired else now)
    try:
        _follow_roots(trusted, read)
        _check_floor("root", trusted.root.version, seen.root)
        trusted.update_timestamp(_read_required(read, "timestamp.json", "timestamp"))
        _check_floor("timestamp", trusted.timestamp.version, seen.timestamp)
        version = trusted.timestamp.snapshot_meta.version
        trusted.update_snapshot(_read_required(read, f"{version}.snapshot.json", "snapshot"))
        _check_floor("snapshot", trusted.snapshot.version, seen.snapshot)
        version = trusted.snapshot.meta["targets.json"].version
        trusted.update_targets(_read_required(read, f"{version}.targets.json", "targets"))
        _check_floor("targets", trusted.targets.version, seen.targets)
    except ExpiredMetadataError as error:
        _check_intermediate(trusted, seen)
        _reject_expired(trusted, now, error)
    except BadVersionNumberError as error:
        text = f"The files on it do not belong together: {error}"
        raise UpdateRejectedError(Step.VERSIONS, text) from error
    except (RepositoryError, KeyError, ValueError, TypeError, RecursionError) as error:
        raise UpdateRejectedError(Step.SIGNATURES, _signature_reason(error)) from error
    dates = [
        part.expires
        for part in (trusted.root, trusted.timestamp, trusted.snapshot, trusted.targets)
    ]
    return Verified(_versions(trusted), dict(trusted.targets.targets), min(dates), min(dates) < now)


def check_pinned(content: bytes) -> int:
    """Return the version of a root that signs itself; raises UpdateRejectedError."""
    return _load_root(content, LONG_AGO).root.version


def _load_root(pinned: bytes, now: datetime) -> TrustedMetadataSet:
    try:
        trusted = TrustedMetadataSet(pinned, EnvelopeType.METADATA)
    except (RepositoryError, ValueError, TypeError, KeyError, RecursionError) as error:
        text = "The root of trust is no root, or does not sign itself."
        raise UpdateRejectedError(Step.SIGNATURES, text, code=NO_TRUST) from error
    trusted.reference_time = now
    return trusted


def _follow_roots(trusted: TrustedMetadataSet, read: Read) -> None:
    """Update from the pinned root to the newest, each signed by the keys of its predecessor."""
    for _ in range(MAX_ROTATIONS):
        content = read(f"{trusted.root.version + 1}.root.json", MAX_SIZES["root"])
        if content is None:
            return
        trusted.update_root(content)


def _read_required(read: Read, name: str, role: str) -> bytes:
    content = read(name, MAX_SIZES[role])
    if content is None:
        raise UpdateRejectedError(Step.SIGNATURES, f"metadata/{name} is not there.")
    return content


def _check_floor(name: str, version: int, seen: int) -> None:
    if version < seen:
        raise UpdateRejectedError(
            Step.VERSIONS,
            f"It is older than an update seen before: {name} {version}, seen {seen}. "
            "An older update cannot be installed; use rollback instead.",
        )


def _check_intermediate(trusted: TrustedMetadataSet, seen: Versions) -> None:
    """Reject an expired update as older first, since that finding cannot be accepted."""
    for name in ("timestamp", "snapshot", "targets"):
        if name in list(trusted._trusted_set):
            _check_floor(name, trusted[name].version, getattr(seen, name))


def _reject_expired(trusted: TrustedMetadataSet, now: datetime, error: Exception) -> NoReturn:
    text = (
        f"It has expired ({error}; the current date is {now:%Y-%m-%d}). "
        "Ask for a newer one, set this machine's clock, or let an admin accept it with a reason."
    )
    raise UpdateRejectedError(Step.VERSIONS, text, code=EXPIRED, accept="expired") from error


def _versions(trusted: TrustedMetadataSet) -> Versions:
    return Versions(
        trusted.root.version,
        trusted.timestamp.version,
        trusted.snapshot.version,
        trusted.targets.version,
    )


def _signature_reason(error: Exception) -> str:
    if isinstance(error, LengthOrHashMismatchError):
        return f"A file on it was changed, or two releases are mixed: {error}"
    return f"It is not signed by enough of the trusted keys: {str(error)[:300]}"


def parse_versions(content: bytes) -> Versions:
    """Parse the JSON of ``trust_store``; raises ValueError when it is incomplete."""
    data = json.loads(content)
    names = asdict(Versions())
    if not isinstance(data, dict) or not all(isinstance(data.get(name), int) for name in names):
        raise ValueError("not a list of versions")
    return Versions(**{name: data[name] for name in names})
