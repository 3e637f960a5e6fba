"""The swap: files first, then one transaction, then active.json, which the processes read.

Killed anywhere, what runs is what ran before or what runs after; ``follow`` mends the rest.
"""

import os
import shutil
from pathlib import Path

import structlog
from django.db import transaction
from django.utils import timezone

from appliance.core import audit
from appliance.inference.bundle import Bundle, InferenceError, describe, verify_files
from appliance.inference.bundle_store import ActiveBundles, BundleStore, sync_folder, write_active
from appliance.model_updates.models import ActiveBundle, InstalledBundle, UpdateRun
from appliance.model_updates.run_context import installed
from appliance.model_updates.services.events import record
from appliance.model_updates.services.trial import health_metrics
from appliance.triage import services as triage_services

log = structlog.get_logger(__name__)


def place_files(bundle: Bundle) -> None:
    """Move a bundle's folder to where bundles are read. What a killed run left there gives way."""
    target = installed() / bundle.ref.name / bundle.ref.version
    known = InstalledBundle.objects.filter(name=bundle.ref.name, version=bundle.ref.version)
    if known.exists() and _is_complete(target, bundle.ref.role):
        return  # it was here before, with the same digest (compatibility compared)
    shutil.rmtree(target, ignore_errors=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    for path in bundle.folder.iterdir():
        path.chmod(0o644)
    bundle.folder.chmod(0o755)
    sync_folder(bundle.folder)
    os.rename(bundle.folder, target)
    sync_folder(target.parent)
    sync_folder(installed())


def _is_complete(folder: Path, role: str) -> bool:
    try:
        verify_files(describe(folder, role))
    except InferenceError:
        return False
    return True


@transaction.atomic
def swap(*, run: UpdateRun, bundles: list[Bundle], release: int) -> None:
    """These bundles run from now on; an encoder only once its vectors are written. ``follow``
    when it is committed.
    """
    for bundle in bundles:
        row = _register(bundle, release)
        current, _ = ActiveBundle.objects.select_for_update().get_or_create(role=row.role)
        if row.role == "encoder":
            _make_next(current, row, run)
        else:
            activate(current, row, run=run)


def _register(bundle: Bundle, release: int) -> InstalledBundle:
    ref = bundle.ref
    row, _ = InstalledBundle.objects.update_or_create(
        name=ref.name,
        version=ref.version,
        defaults={
            "role": ref.role,
            "digest": ref.digest,
            "space": ref.space or "",
            "release": release,
            "state": InstalledBundle.State.STAGED,
        },
    )
    return row


def _make_next(current: ActiveBundle, row: InstalledBundle, run: UpdateRun) -> None:
    current.upcoming, current.run = row, run
    current.save(update_fields=["upcoming", "run"])
    _set_state(row, InstalledBundle.State.NEXT)
    record("swap", "next", run=run, text=f"{row} runs once its vectors are written.")
    audit.record_change(by=run.by, verb="changed", subject=row, data={"runs next": True})


def activate(current: ActiveBundle, row: InstalledBundle, *, run: UpdateRun | None) -> None:
    """Call inside a transaction, with ``current`` locked."""
    current.before = health_metrics(current.role, current.bundle)
    current.previous, current.bundle, current.since = current.bundle, row, timezone.now()
    current.upcoming = None if current.upcoming == row else current.upcoming
    current.run = run or current.run
    current.save()
    _set_state(row, InstalledBundle.State.TRIAL)
    record("swap", "done", run=run, text=f"{row} answers for {row.role}, on trial.")
    audit.record_change(
        by=run.by if run else None, verb="changed", subject=row, data={"runs": True}
    )
    if current.role != "encoder":
        triage_services.queue_catch_up()


@transaction.atomic
def roll_back_bundle(*, role: str, run: UpdateRun | None = None, why: str) -> str:
    """What ran before runs again; a next encoder is given up. What runs then, in words; ``follow``
    when it is committed.
    """
    current = ActiveBundle.objects.select_for_update().get(role=role)
    left = current.upcoming or current.bundle
    if left is None:
        return ""
    if current.upcoming is None:
        current.bundle, current.previous = current.previous, None
        current.since = timezone.now()
    current.upcoming, current.before = None, {}
    current.run = run or current.run
    current.save()
    _set_state(left, InstalledBundle.State.WITHDRAWN)
    now = str(current.bundle or "the release's own")
    record("rollback", "done", run=run, text=f"{role}: from {left} to {now}. {why}")
    audit.record_change(
        by=run.by if run else None,
        verb="changed",
        subject=left,
        data={"went back to": now, "why": why},
    )
    triage_services.queue_catch_up()
    return now


def _set_state(row: InstalledBundle, state: InstalledBundle.State) -> None:
    row.state = state
    row.save(update_fields=["state"])


def build_active_bundles() -> ActiveBundles:
    """What active.json has to say."""
    running, previous, upcoming = {}, {}, {}
    for row in ActiveBundle.objects.select_related("bundle", "previous", "upcoming"):
        for bundle_row, named in (
            (running, row.bundle),
            (previous, row.previous),
            (upcoming, row.upcoming),
        ):
            if named is not None:
                bundle_row[row.role] = named.entry
    return ActiveBundles(running, previous, upcoming)


def follow() -> bool:
    """Let active.json say what the rows say. Whether it said something else; any time, any number
    of times.
    """
    active = build_active_bundles()
    if _read_choice(installed()) == active:
        return False
    write_active(installed(), active)
    log.debug("models_changed", **active.as_json())
    return True


def _read_choice(folder: Path) -> ActiveBundles | None:
    """None when it is torn."""
    try:
        return BundleStore(folder, folder).read_active()
    except Exception:  # whatever is wrong with it, it is written anew
        log.warning("active_json_unreadable")
        return None
