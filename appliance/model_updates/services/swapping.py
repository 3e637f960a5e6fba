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
from appliance.inference.bundle import Bundle, describe, verify_files
from appliance.inference.errors import InferenceError
from appliance.inference.shelf import Choice, Shelf, sync_folder, write_choice
from appliance.model_updates.models import InstalledBundle, Running, UpdateRun
from appliance.model_updates.services.recording import record
from appliance.model_updates.services.trial import how_it_goes
from appliance.model_updates.work import installed
from appliance.triage import services as triage_services

log = structlog.get_logger(__name__)


def put_in_place(bundle: Bundle) -> None:
    """Move a bundle's folder to where bundles are read. What a killed run left there gives way."""
    target = installed() / bundle.ref.name / bundle.ref.version
    known = InstalledBundle.objects.filter(name=bundle.ref.name, version=bundle.ref.version)
    if known.exists() and _is_whole(target, bundle.ref.role):
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


def _is_whole(folder: Path, role: str) -> bool:
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
        row = _registered(bundle, release)
        current, _ = Running.objects.select_for_update().get_or_create(role=row.role)
        if row.role == "encoder":
            _make_next(current, row, run)
        else:
            make_running(current, row, run=run)


def _registered(bundle: Bundle, release: int) -> InstalledBundle:
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


def _make_next(current: Running, row: InstalledBundle, run: UpdateRun) -> None:
    current.upcoming, current.run = row, run
    current.save(update_fields=["upcoming", "run"])
    _set_state(row, InstalledBundle.State.NEXT)
    record("swap", "next", run=run, text=f"{row} runs once its vectors are written.")
    audit.record_change(by=run.by, verb="changed", subject=row, data={"runs next": True})


def make_running(current: Running, row: InstalledBundle, *, run: UpdateRun | None) -> None:
    """Call inside a transaction, with ``current`` locked."""
    current.before = how_it_goes(current.role, current.bundle)
    current.previous, current.bundle, current.since = current.bundle, row, timezone.now()
    current.upcoming = None if current.upcoming == row else current.upcoming
    current.run = run or current.run
    current.save()
    _set_state(row, InstalledBundle.State.TRIAL)
    record("swap", "done", run=run, text=f"{row} answers for {row.role}, on trial.")
    audit.record_change(by=run.by if run else None, verb="changed", subject=row, data={"runs": True})
    if current.role != "encoder":
        triage_services.queue_catch_up()


@transaction.atomic
def go_back(*, role: str, run: UpdateRun | None = None, why: str) -> str:
    """What ran before runs again; a next encoder is given up. What runs then, in words; ``follow``
    when it is committed.
    """
    current = Running.objects.select_for_update().get(role=role)
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


def choice_of_rows() -> Choice:
    """What active.json has to say."""
    running, previous, upcoming = {}, {}, {}
    for row in Running.objects.select_related("bundle", "previous", "upcoming"):
        for found, named in (
            (running, row.bundle),
            (previous, row.previous),
            (upcoming, row.upcoming),
        ):
            if named is not None:
                found[row.role] = named.entry
    return Choice(running, previous, upcoming)


def follow() -> bool:
    """Let active.json say what the rows say. Whether it said something else; any time, any number
    of times.
    """
    wanted = choice_of_rows()
    if _read_choice(installed()) == wanted:
        return False
    write_choice(installed(), wanted)
    log.debug("models_changed", **wanted.as_json())
    return True


def _read_choice(folder: Path) -> Choice | None:
    """None when it is torn."""
    try:
        return Shelf(folder, folder).read_choice()
    except Exception:  # whatever is wrong with it, it is written anew
        log.warning("active_json_unreadable")
        return None
