"""Activate bundles and roll them back: files, then one transaction, then active.json.

A process killed anywhere leaves either the old or the new bundle active; ``sync_active_json``
completes the rest.
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
from appliance.model_updates.run_context import installed_folder
from appliance.model_updates.services.events import record
from appliance.model_updates.services.monitoring import health_metrics
from appliance.triage import services as triage_services

log = structlog.get_logger(__name__)


def place_files(bundle: Bundle) -> None:
    """Move a bundle's folder to the installed bundles, replacing leftovers of a killed run."""
    target = installed_folder() / bundle.ref.name / bundle.ref.version
    known = InstalledBundle.objects.filter(name=bundle.ref.name, version=bundle.ref.version)
    if known.exists() and _is_complete(target, bundle.ref.role):
        return  # installed before with the same digest, as ``compatibility`` checked
    shutil.rmtree(target, ignore_errors=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    for path in bundle.folder.iterdir():
        path.chmod(0o644)
    bundle.folder.chmod(0o755)
    sync_folder(bundle.folder)
    os.rename(bundle.folder, target)
    sync_folder(target.parent)
    sync_folder(installed_folder())


def _is_complete(folder: Path, role: str) -> bool:
    try:
        verify_files(describe(folder, role))
    except InferenceError:
        return False
    return True


@transaction.atomic
def activate_bundles(*, run: UpdateRun, bundles: list[Bundle], release: int) -> None:
    """Make these bundles active; an encoder becomes the next one until its vectors are written.

    Call ``sync_active_json`` after the commit.
    """
    for bundle in bundles:
        installed = _register(bundle, release)
        current, _ = ActiveBundle.objects.select_for_update().get_or_create(role=installed.role)
        if installed.role == "encoder":
            _make_next(current, installed, run)
        else:
            activate(current, installed, run=run)


def _register(bundle: Bundle, release: int) -> InstalledBundle:
    ref = bundle.ref
    installed, _ = InstalledBundle.objects.update_or_create(
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
    return installed


def _make_next(current: ActiveBundle, installed: InstalledBundle, run: UpdateRun) -> None:
    current.upcoming, current.run = installed, run
    current.save(update_fields=["upcoming", "run"])
    _set_state(installed, InstalledBundle.State.NEXT)
    record(
        "swap", "next", run=run, text=f"{installed} becomes active once its vectors are written."
    )
    audit.record_change(by=run.by, verb="changed", subject=installed, data={"runs next": True})


def activate(current: ActiveBundle, installed: InstalledBundle, *, run: UpdateRun | None) -> None:
    """Make a bundle active. Call inside a transaction, with ``current`` locked."""
    current.before = health_metrics(current.role, current.bundle)
    current.previous, current.bundle, current.since = current.bundle, installed, timezone.now()
    current.upcoming = None if current.upcoming == installed else current.upcoming
    current.run = run or current.run
    current.save()
    _set_state(installed, InstalledBundle.State.TRIAL)
    text = f"{installed} is active for {installed.role}, in its trial period."
    record("swap", "done", run=run, text=text)
    audit.record_change(
        by=run.by if run else None, verb="changed", subject=installed, data={"runs": True}
    )
    if current.role != "encoder":
        triage_services.queue_catch_up()


@transaction.atomic
def roll_back_bundle(*, role: str, run: UpdateRun | None = None, reason: str) -> str:
    """Activate the previous bundle again, or drop the next encoder. The active one, in words.

    Call ``sync_active_json`` after the commit.
    """
    current = ActiveBundle.objects.select_for_update().get(role=role)
    withdrawn = current.upcoming or current.bundle
    if withdrawn is None:
        return ""
    if current.upcoming is None:
        current.bundle, current.previous = current.previous, None
        current.since = timezone.now()
    current.upcoming, current.before = None, {}
    current.run = run or current.run
    current.save()
    _set_state(withdrawn, InstalledBundle.State.ROLLED_BACK)
    active = str(current.bundle or "the pre-installed bundle")
    record("rollback", "done", run=run, text=f"{role}: from {withdrawn} to {active}. {reason}")
    audit.record_change(
        by=run.by if run else None,
        verb="changed",
        subject=withdrawn,
        data={"went back to": active, "why": reason},
    )
    triage_services.queue_catch_up()
    return active


def _set_state(installed: InstalledBundle, state: InstalledBundle.State) -> None:
    installed.state = state
    installed.save(update_fields=["state"])


def build_active_bundles() -> ActiveBundles:
    """Return the content of active.json according to the rows."""
    rows = list(ActiveBundle.objects.select_related("bundle", "previous", "upcoming"))
    return ActiveBundles(
        running={row.role: row.bundle.entry for row in rows if row.bundle},
        previous={row.role: row.previous.entry for row in rows if row.previous},
        upcoming={row.role: row.upcoming.entry for row in rows if row.upcoming},
    )


def sync_active_json() -> bool:
    """Write active.json if it differs from the rows. Whether it did.

    Safe to call any number of times.
    """
    active = build_active_bundles()
    if _read_active_json(installed_folder()) == active:
        return False
    write_active(installed_folder(), active)
    log.debug("active_json_written", **active.as_json())
    return True


def _read_active_json(folder: Path) -> ActiveBundles | None:
    """Return the content of active.json; None when it is broken."""
    try:
        return BundleStore(folder, folder).read_active()
    except Exception:  # whatever is wrong with it, it is written again
        log.warning("active_json_unreadable")
        return None
