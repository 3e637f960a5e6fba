"""Read active bundles, update runs, their events, and media with updates."""

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TypedDict

from django.conf import settings
from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone

from appliance.accounts.models import User
from appliance.inference.bundle import ROLES
from appliance.inference.predictions import BundleStatus
from appliance.model_updates.models import ActiveBundle, TrustAnchor, UpdateEvent, UpdateRun
from appliance.model_updates.run_context import upload_of
from appliance.model_updates.services.trust_store import fingerprint_of, seen_versions
from appliance.triage import engine

MAX_SHOWN = 50
MAX_SOURCES = 20
MARKER = "metadata/timestamp.json"  # a file of every update
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


class RoleReport(TypedDict):
    """The active bundle of one role; ``is_installed``: it came with an update."""

    role: str
    bundle: str  # name and version
    digest: str
    state: str
    reason: str
    languages: list[str]  # that it was measured on
    is_installed: bool
    update_state: str
    update_state_label: str
    since: datetime | None
    days: int | None
    previous: str
    next: str


class Report(TypedDict):
    """The active bundles, the fingerprint of the trusted root, and the versions seen."""

    roles: list[RoleReport]
    trusts: str
    seen: dict[str, int]


def report(*, load: bool = False) -> Report:
    """Return the active bundles as the engine of this process has them.

    With ``load`` each is loaded and checked first, so that its state says whether it works.
    Without, a process that has predicted nothing yet reports "not_loaded".
    """
    if load:
        engine.current().load()
    rows = {
        row.role: row
        for row in ActiveBundle.objects.select_related("bundle", "previous", "upcoming")
    }
    anchor = TrustAnchor.objects.first()
    return {
        "roles": [
            _role_report(status, rows.get(status.role)) for status in engine.current().statuses()
        ],
        "trusts": anchor.fingerprint if anchor else "",
        "seen": asdict(seen_versions()),
    }


def _role_report(status: BundleStatus, row: ActiveBundle | None) -> RoleReport:
    role_report: RoleReport = {
        "role": status.role,
        "bundle": f"{status.name} {status.version}".strip(),
        "digest": status.digest,
        "state": status.state,
        "reason": status.reason,
        "languages": list(status.languages),
        "is_installed": False,
        "update_state": "",
        "update_state_label": "",
        "since": None,
        "days": None,
        "previous": "",
        "next": str(row.upcoming) if row and row.upcoming else "",
    }
    if row is not None and row.bundle is not None:
        role_report |= {
            "is_installed": True,
            "update_state": row.bundle.state,
            "update_state_label": row.bundle.get_state_display(),
            "since": row.since,
            "days": (timezone.now() - row.since).days,
            "previous": str(row.previous or ""),
        }
    return role_report


def list_runs(viewer: User) -> QuerySet[UpdateRun]:
    """Return the runs, newest first; empty unless the viewer is an admin."""
    runs = UpdateRun.objects.order_by("-created_at", "-id")
    return runs[:MAX_SHOWN] if viewer.is_admin else runs.none()


def list_events(viewer: User) -> QuerySet[UpdateEvent]:
    """Return the events, newest first; empty unless the viewer is an admin."""
    events = UpdateEvent.objects.select_related("run").order_by("-at", "-id")
    return events[:MAX_SHOWN] if viewer.is_admin else events.none()


def access_run(viewer: User, pk: int) -> UpdateRun:
    """Return a run; raises Http404 unless the viewer is an admin."""
    run = UpdateRun.objects.filter(pk=pk).first() if viewer.is_admin else None
    if run is None:
        raise Http404
    return run


def list_sources() -> list[Path]:
    """Return folders that look like an update, below the mount points. Opens no file."""
    sources: list[Path] = []
    for root in settings.UPDATE_FOLDERS:
        for pattern in ("", "*", "*/*", "*/*/*"):
            folders = [root] if not pattern else sorted(root.glob(pattern))
            sources += [folder for folder in folders if _is_update(folder)]
    return sources[:MAX_SOURCES]


def _is_update(folder: Path) -> bool:
    try:
        return not folder.is_symlink() and (folder / MARKER).is_file()
    except OSError:
        return False


def can_apply(run: UpdateRun) -> bool:
    """Whether the update of a run may be installed.

    The run needs approval, or is an inspection without findings, and its upload is still there.
    """
    has_passed = run.kind == UpdateRun.Kind.INSPECT and run.exit_code == 0
    if run.state != UpdateRun.State.NEEDS_APPROVAL and not has_passed:
        return False
    return upload_of(run).is_file() if run.is_upload else True
