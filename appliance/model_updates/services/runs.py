"""Start and carry out runs: inspections, installations and rollbacks."""

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from procrastinate.contrib.django import app as jobs

from appliance.accounts.models import User
from appliance.core.database import session_lock
from appliance.core.errors import BadInputError, ForbiddenError
from appliance.model_updates import queries, steps
from appliance.model_updates.errors import (
    ACCEPTABLE_FINDINGS,
    BUSY,
    EXIT_CODES,
    NOTHING_TO_DO,
    Step,
    UpdateRejectedError,
)
from appliance.model_updates.evaluation import evaluate
from appliance.model_updates.models import ActiveBundle, InstalledBundle, UpdateRun
from appliance.model_updates.run_context import (
    RunContext,
    installed_folder,
    quarantine_of,
    upload_of,
)
from appliance.model_updates.services import activation, events, trust_store
from appliance.model_updates.services.events import record

log = structlog.get_logger(__name__)
RUN_LOCK = "model_updates.run"  # one run at a time
MIN_REASON_CHARACTERS = 10
KEEP_UPLOADS = timedelta(days=7)  # for an approval
Progress = Callable[[str, str, str], None]  # step, outcome, text


@transaction.atomic
def request_run(
    *, kind: str, source: str, by: User, upload: UploadedFile | None = None
) -> UpdateRun:
    """Start a run that the worker carries out; an upload is stored under the run's number."""
    run = start_run(kind=kind, source=source, by=by, is_upload=upload is not None)
    if upload is not None:
        target = upload_of(run)
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with target.open("xb") as stream:
            for chunk in upload.chunks():
                stream.write(chunk)
    _queue(run)
    return run


@transaction.atomic
def request_apply(*, run: UpdateRun, by: User, accepted: list[str], reason: str) -> UpdateRun:
    """Install the update of an earlier run that inspected it or needed approval."""
    if not queries.can_apply(run):
        raise BadInputError(
            _("This update cannot be installed from here: select or upload it again.")
        )
    if run.needs_approval and run.needs_approval not in accepted:
        raise BadInputError(_("Confirm that you accept it anyway."), field="accepted")
    new_run = start_run(
        kind=UpdateRun.Kind.APPLY,
        source=run.source,
        by=by,
        accepted=accepted,
        reason=reason,
        is_upload=run.is_upload,
    )
    if run.is_upload:
        upload_of(run).rename(upload_of(new_run))
    _queue(new_run)
    return new_run


def _queue(run: UpdateRun) -> None:
    jobs.configure_task("model_updates.carry_out").defer(run_id=run.pk)


def start_run(
    *,
    kind: str,
    source: str,
    by: User | None,
    by_name: str = "",
    accepted: list[str] | None = None,
    reason: str = "",
    is_upload: bool = False,
) -> UpdateRun:
    """Create a waiting run. Accepting a finding needs a named admin and a reason."""
    accepted, reason = accepted or [], reason.strip()
    if by is not None and not (by.is_active and by.is_admin):
        raise ForbiddenError(_("Only administrators can update the models."))
    if set(accepted) - set(ACCEPTABLE_FINDINGS):
        names = ", ".join(ACCEPTABLE_FINDINGS)
        raise BadInputError(_("Only these findings can be accepted: %(names)s.") % {"names": names})
    if accepted and by is None:
        raise BadInputError(_("Name the administrator who accepts it."), field="by")
    if accepted and len(reason) < MIN_REASON_CHARACTERS:
        raise BadInputError(_("Give the reason for accepting it in one sentence."), field="reason")
    return UpdateRun.objects.create(
        kind=kind,
        source=source,
        by=by,
        by_name=str(by) if by else by_name,
        accepted=accepted,
        reason=reason,
        is_upload=is_upload,
    )


def carry_out(run: UpdateRun, report: Progress = lambda *_: None) -> UpdateRun:
    """Carry out a run. Does not raise when it is rejected: the run holds the outcome."""
    with session_lock(RUN_LOCK, wait=False) as is_mine:
        run.refresh_from_db()
        if run.is_over:
            return run
        if not is_mine:
            text = "Another update is running: wait until it has finished."
            return _finish_run(run, UpdateRun.State.REJECTED, BUSY, text)
        clean_up_runs(besides=run)
        if run.kind == UpdateRun.Kind.ROLLBACK:
            return _roll_back(run, report)
        return _run_steps(run, report)


def _run_steps(run: UpdateRun, report: Progress) -> UpdateRun:
    run.state, run.steps = UpdateRun.State.WORKING, []
    run.save(update_fields=["state", "steps"])
    context = RunContext(run=run, now=trust_store.trusted_now(), folder=quarantine_of(run))
    try:
        for step, execute in _steps(context):
            _start_step(run, step)
            details = execute(context)
            _record_passed(context, step, details, report)
            if step == Step.COMPATIBILITY and not context.bundles and not context.note.articles:
                text = "Everything in it is active already."
                return _finish_run(run, UpdateRun.State.DONE, NOTHING_TO_DO, text)
    except UpdateRejectedError as error:
        return _record_rejected(context, error, report)
    finally:
        shutil.rmtree(context.folder, ignore_errors=True)
    return _finish_run(run, UpdateRun.State.DONE, 0, _summary(context))


def _steps(context: RunContext) -> list[tuple[Step, Callable[[RunContext], dict[str, Any]]]]:
    before_swap: list[tuple[Step, Callable[[RunContext], dict[str, Any]]]] = [
        (Step.PREFLIGHT, steps.preflight),
        (Step.QUARANTINE, steps.quarantine),
        (Step.SIGNATURES, steps.signatures),
        (Step.VERSIONS, steps.versions),
        (Step.COMPATIBILITY, steps.compatibility),
        (Step.LOAD, steps.load),
        (Step.GOLDEN, steps.golden),
        (Step.BUDGET, steps.budget),
        (Step.EVALUATION, evaluate),
    ]
    return before_swap if context.is_inspection else [*before_swap, (Step.SWAP, swap)]


def swap(context: RunContext) -> dict[str, Any]:
    """Put the files in place, write the rows in one transaction, then active.json."""
    release = context.verified.versions.timestamp
    for bundle in context.bundles:
        activation.place_files(bundle)
    bundles = [steps.describe_installed(bundle, installed_folder()) for bundle in context.bundles]
    with transaction.atomic():
        articles = {
            pack.pack: events.install_articles(context, pack) for pack in context.note.articles
        }
        if bundles:
            activation.activate_bundles(run=context.run, bundles=bundles, release=release)
    activation.sync_active_json()
    names = [f"{bundle.ref.name}/{bundle.ref.version}" for bundle in bundles]
    return {"bundles": names, "articles": articles}


def _start_step(run: UpdateRun, step: Step) -> None:
    run.step = step
    run.save(update_fields=["step"])


def _record_passed(
    context: RunContext, step: Step, details: dict[str, Any], report: Progress
) -> None:
    """Add an entry to the run for the page, and a permanent event."""
    run, outcome, text = context.run, "passed", ""
    if step == Step.VERSIONS:
        run.release = context.verified.versions.timestamp
    if context.accepted_findings:
        outcome = "accepted"
        text = f"{', '.join(context.accepted_findings)} accepted by {run.by_name}: {run.reason}"
        context.accepted_findings = []
    run.steps = [*run.steps, {"step": step, "outcome": outcome, "text": text, "details": details}]
    run.save(update_fields=["steps", "release"])
    record(step, outcome, run=run, text=text, data=details)
    report(step, outcome, text)


def _record_rejected(
    context: RunContext, error: UpdateRejectedError, report: Progress
) -> UpdateRun:
    """Record the step that rejected the update.

    One function may do the work of several steps; if a later step rejects it, the current passed.
    """
    run, order = context.run, list(Step)
    if order.index(error.step) > order.index(Step(run.step)):
        _record_passed(context, Step(run.step), {}, report)
    entry = {
        "step": error.step,
        "outcome": "rejected",
        "text": error.text,
        "details": error.details,
    }
    run.steps, run.step, run.needs_approval = [*run.steps, entry], error.step, error.accept
    run.save(update_fields=["steps", "step", "needs_approval"])
    record(error.step, "rejected", run=run, text=error.text, data=error.details)
    report(error.step, "rejected", error.text)
    state = UpdateRun.State.NEEDS_APPROVAL if error.accept else UpdateRun.State.REJECTED
    return _finish_run(run, state, error.code, error.text)


def _finish_run(run: UpdateRun, state: str, code: int, text: str) -> UpdateRun:
    run.state, run.exit_code, run.text, run.ended_at = state, code, text, timezone.now()
    run.save(update_fields=["state", "exit_code", "text", "ended_at"])
    keeps_upload = state == UpdateRun.State.NEEDS_APPROVAL or run.kind == UpdateRun.Kind.INSPECT
    if run.is_upload and not keeps_upload:
        upload_of(run).unlink(missing_ok=True)
    record("end", state, run=run, text=text, data={"exit_code": code})
    return run


def _summary(context: RunContext) -> str:
    names = ", ".join(f"{bundle.ref.name} {bundle.ref.version}" for bundle in context.bundles)
    packs = ", ".join(pack.pack for pack in context.note.articles)
    contents = " and ".join(filter(None, [names, packs and f"the articles {packs}"]))
    if context.is_inspection:
        return f"{contents} can be installed."
    has_encoder = any(bundle.ref.role == "encoder" for bundle in context.bundles)
    pending = " The encoder becomes active once its vectors are written." if has_encoder else ""
    return f"{contents} installed.{pending}"


def _roll_back(run: UpdateRun, report: Progress) -> UpdateRun:
    """Roll back the role in ``source``, or all roles that the latest update changed."""
    _start_step(run, Step.SWAP)
    reason = run.reason or f"By {run.by_name}."
    active = {
        role: activation.roll_back_bundle(role=role, run=run, reason=reason)
        for role in _roles_to_roll_back(run)
    }
    activation.sync_active_json()
    summary = ", ".join(f"{role}: {bundle}" for role, bundle in active.items() if bundle)
    if not summary:
        return _finish_run(
            run,
            UpdateRun.State.DONE,
            NOTHING_TO_DO,
            "The pre-installed bundles are active already.",
        )
    report("rollback", "done", summary)
    return _finish_run(run, UpdateRun.State.DONE, 0, f"Active now: {summary}.")


def _roles_to_roll_back(run: UpdateRun) -> list[str]:
    changed = ActiveBundle.objects.exclude(bundle=None, upcoming=None)
    if run.source:
        return list(changed.filter(role=run.source).values_list("role", flat=True))
    latest = changed.order_by("-run").values_list("run", flat=True).first()
    return list(changed.filter(run=latest).values_list("role", flat=True)) if latest else []


def clean_up_runs(besides: UpdateRun | None = None) -> None:
    """Mark killed runs as interrupted and remove their leftovers.

    Call while no other process carries out a run.
    """
    working = UpdateRun.objects.filter(state=UpdateRun.State.WORKING)
    for run in working.exclude(pk=besides.pk) if besides else working:
        text = f"It was interrupted at {run.step}. That step changed no active bundle."
        _finish_run(run, UpdateRun.State.INTERRUPTED, EXIT_CODES[Step.SWAP], text)
    activation.sync_active_json()
    trust_store.write_seen_file()
    _remove_leftovers()


def _is_upload_needed(number: str) -> bool:
    """Whether the upload of a run may still be installed."""
    run = UpdateRun.objects.filter(pk=int(number)).first() if number.isdigit() else None
    if run is None:
        return False
    return run.ended_at is None or run.ended_at >= timezone.now() - KEEP_UPLOADS


def _remove_leftovers() -> None:
    """Remove the quarantine of ended runs, and folders of bundles that were never registered."""
    folder = Path(settings.DATA) / "quarantine"
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif path.suffix == ".tar" and not _is_upload_needed(path.stem):
            path.unlink(missing_ok=True)
    entries = {bundle.entry for bundle in InstalledBundle.objects.all()}
    for path in installed_folder().glob("*/*"):
        if path.is_dir() and f"{path.parent.name}/{path.name}" not in entries:
            shutil.rmtree(path, ignore_errors=True)
