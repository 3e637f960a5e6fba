"""What runs, how old it is, what came before, and what was done."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone

from appliance.accounts.models import User
from appliance.inference.bundle import ROLES
from appliance.model_updates.models import ActiveBundle, TrustAnchor, UpdateEvent, UpdateRun
from appliance.model_updates.run_context import upload_of
from appliance.model_updates.services.trust_store import fingerprint_of, seen
from appliance.triage import engine

MAX_SHOWN = 50
MAX_SOURCES = 20
MARK = "metadata/timestamp.json"  # of every update
__all__ = [
    "ROLES",
    "access_run",
    "can_apply",
    "fingerprint_of",
    "list_events",
    "list_runs",
    "list_sources",
    "report",
]


def report() -> dict[str, Any]:
    """What runs for each role now, as the engine of this process has it."""
    rows = {
        row.role: row
        for row in ActiveBundle.objects.select_related("bundle", "previous", "upcoming")
    }
    anchor = TrustAnchor.objects.first()
    return {
        "roles": [_role(status, rows.get(status.role)) for status in engine.current().statuses()],
        "trusts": anchor.fingerprint if anchor else "",
        "seen": asdict(seen()),
    }


def _role(status, row: ActiveBundle | None) -> dict[str, Any]:
    is_later = row is not None and row.bundle is not None
    previous = ""
    if is_later:
        previous = str(row.previous or "")
    return {
        "role": status.role,
        "bundle": f"{status.name} {status.version}".strip(),
        "digest": status.digest,
        "state": status.state,
        "reason": status.reason,
        "is_later": is_later,
        "standing": row.bundle.state if is_later else "",
        "standing_words": row.bundle.get_state_display() if is_later else "",
        "since": row.since if is_later else None,
        "days": (timezone.now() - row.since).days if is_later else None,
        "previous": previous,
        "next": str(row.upcoming) if row is not None and row.upcoming else "",
    }


def list_runs(viewer: User) -> QuerySet[UpdateRun]:
    """Newest first, for admins."""
    rows = UpdateRun.objects.order_by("-created_at", "-id")
    return rows[:MAX_SHOWN] if viewer.is_admin else rows.none()


def list_events(viewer: User) -> QuerySet[UpdateEvent]:
    """The log, newest first, for admins."""
    rows = UpdateEvent.objects.select_related("run").order_by("-at", "-id")
    return rows[:MAX_SHOWN] if viewer.is_admin else rows.none()


def access_run(viewer: User, pk: int) -> UpdateRun:
    """For admins; raises Http404 for everybody else."""
    row = UpdateRun.objects.filter(pk=pk).first() if viewer.is_admin else None
    if row is None:
        raise Http404
    return row


def list_sources() -> list[Path]:
    """Folders that look like an update, below the folders where media appear. Opens none of it."""
    sources: list[Path] = []
    for root in settings.UPDATE_FOLDERS:
        for pattern in ("", "*", "*/*", "*/*/*"):
            places = [root] if not pattern else sorted(root.glob(pattern))
            sources += [place for place in places if _looks_like_one(place)]
    return sources[:MAX_SOURCES]


def _looks_like_one(place: Path) -> bool:
    try:
        return not place.is_symlink() and (place / MARK).is_file()
    except OSError:
        return False


def can_apply(run: UpdateRun) -> bool:
    """Whether an admin may go on from this run: it asked for a yes, or it was an inspection that
    ended well, and what it read is still there.
    """
    has_ended_well = run.kind == UpdateRun.Kind.INSPECT and run.exit_code == 0
    if run.state != UpdateRun.State.ASKS and not has_ended_well:
        return False
    return upload_of(run).is_file() if run.is_upload else True
