"""What runs, how old it is, what came before, and what was done."""

from dataclasses import asdict
from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone

from appliance.accounts.models import User
from appliance.triage import engine
from appliance.updates.models import Running, TrustAnchor, UpdateEvent, UpdateRun
from appliance.updates.services import anchoring

MOST_SHOWN = 50


def report() -> dict[str, Any]:
    """What runs for each role now, as the engine of this process has it."""
    rows = {
        row.role: row for row in Running.objects.select_related("bundle", "previous", "upcoming")
    }
    anchor = TrustAnchor.objects.first()
    return {
        "roles": [_role(status, rows.get(status.role)) for status in engine.current().statuses()],
        "trusts": anchor.fingerprint if anchor else "",
        "seen": asdict(anchoring.seen()),
    }


def _role(status, row: Running | None) -> dict[str, Any]:
    is_later = row is not None and row.bundle is not None
    previous = ""
    if is_later:
        previous = str(row.previous) if row.previous else "the release's own"
    return {
        "role": status.role,
        "bundle": f"{status.name} {status.version}".strip(),
        "digest": status.digest,
        "state": status.state,
        "reason": status.reason,
        "standing": row.bundle.state if is_later else "",
        "since": row.since if is_later else None,
        "days": (timezone.now() - row.since).days if is_later else None,
        "previous": previous,
        "next": str(row.upcoming) if row is not None and row.upcoming else "",
    }


def list_runs(viewer: User) -> QuerySet[UpdateRun]:
    """Newest first, for admins."""
    rows = UpdateRun.objects.order_by("-created_at", "-id")
    return rows[:MOST_SHOWN] if viewer.is_admin else rows.none()


def list_events(viewer: User) -> QuerySet[UpdateEvent]:
    """The log, newest first, for admins."""
    rows = UpdateEvent.objects.select_related("run").order_by("-at", "-id")
    return rows[:MOST_SHOWN] if viewer.is_admin else rows.none()


def access_run(viewer: User, pk: int) -> UpdateRun:
    """For admins; raises Http404 for everybody else."""
    row = UpdateRun.objects.filter(pk=pk).first() if viewer.is_admin else None
    if row is None:
        raise Http404
    return row
