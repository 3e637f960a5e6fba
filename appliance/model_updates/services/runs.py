"""A run asked for on a page: written down together with the job that wakes the worker."""

import shutil
from collections.abc import Callable
from datetime import timedelta
from typing import Any, BinaryIO

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from procrastinate.contrib.django import app as jobs

from appliance.accounts.models import User
from appliance.core.database import session_lock
from appliance.core.errors import BadInputError, ForbiddenError
from appliance.model_updates import queries, steps
from appliance.model_updates.errors import (
    BUSY,
    EXIT_CODES,
    MAY_BE_ACCEPTED,
    NOTHING_TO_DO,
    Step,
    UpdateRejectedError,
)
from appliance.model_updates.evaluation import evaluation
from appliance.model_updates.models import ActiveBundle, InstalledBundle, UpdateRun
from appliance.model_updates.run_context import RunContext, installed, quarantine_of, upload_of
from appliance.model_updates.services import activation, events, trust_store
from appliance.model_updates.services.events import record


@transaction.atomic
def request_run(*, kind: str, source: str, by: User, upload: BinaryIO | None = None) -> UpdateRun:
    """The worker carries it out. What was sent is kept under the number of the run."""
    run = start_run(kind=kind, source=source, by=by, is_upload=upload is not None)
    if upload is not None:
        target = upload_of(run)
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with target.open("xb") as stream:
            for chunk in upload.chunks():
                stream.write(chunk)
    _wake(run)
    return run


@transaction.atomic
def request_again(*, run: UpdateRun, by: User, accepted: list[str], reason: str) -> UpdateRun:
    """Apply what an earlier run inspected or asked about."""
    if not queries.can_apply(run):
        raise BadInputError(
            _("This update cannot be installed from here: select or upload it again.")
        )
    if run.asks and run.asks not in accepted:
        raise BadInputError(_("Confirm that you accept it anyway."), field="accepted")
    fresh = start_run(
        kind=UpdateRun.Kind.APPLY,
        source=run.source,
        by=by,
        accepted=accepted,
        reason=reason,
        is_upload=run.is_upload,
    )
    if run.is_upload:
        upload_of(run).rename(upload_of(fresh))
    _wake(fresh)
    return fresh


def _wake(run: UpdateRun) -> None:
    jobs.configure_task("model_updates.carry_out").defer(run_id=run.pk)


log = structlog.get_logger(__name__)
RUN_LOCK = "model_updates.run"  # one run at a time
MIN_REASON_CHARACTERS = 10
KEEP_SENT = timedelta(days=7)  # what was sent on the page, for whoever still has to say yes
Tell = Callable[[str, str, str], None]  # step, outcome, text


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
    """A run that waits. What is to be accepted needs a named admin and a reason in words."""
    accepted, reason = accepted or [], reason.strip()
    if by is not None and not (by.is_active and by.is_admin):
        raise ForbiddenError(_("Only administrators can update the models."))
    if set(accepted) - set(MAY_BE_ACCEPTED):
        names = ", ".join(MAY_BE_ACCEPTED)
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


def carry_out(run: UpdateRun, tell: Tell = lambda *_: None) -> UpdateRun:
    """Do what the run says. Never raises for a refusal: the run says how it ended."""
    with session_lock(RUN_LOCK, wait=False) as is_mine:
        run.refresh_from_db()
        if run.is_over:
            return run
        if not is_mine:
            text = "Another update is at work: wait until it has ended."
            return _finish_run(run, UpdateRun.State.REFUSED, BUSY, text)
        clear_away(besides=run)
        if run.kind == UpdateRun.Kind.ROLLBACK:
            return _roll_back(run, tell)
        return _advance(run, tell)


def _advance(run: UpdateRun, tell: Tell) -> UpdateRun:
    run.state, run.steps = UpdateRun.State.WORKING, []
    run.save(update_fields=["state", "steps"])
    work = RunContext(run=run, now=trust_store.now(), folder=quarantine_of(run))
    try:
        for step, act in _recipe(work):
            _start_run(run, step)
            results = act(work)
            _passed(work, step, results, tell)
            if step == Step.COMPATIBILITY and not work.bundles and not work.note.articles:
                text = "All of it runs here already."
                return _finish_run(run, UpdateRun.State.DONE, NOTHING_TO_DO, text)
    except UpdateRejectedError as error:
        return _refused(work, error, tell)
    finally:
        shutil.rmtree(work.folder, ignore_errors=True)
    return _finish_run(run, UpdateRun.State.DONE, 0, _summary(work))


def _recipe(work: RunContext) -> list[tuple[Step, Callable[[RunContext], dict[str, Any]]]]:
    recipe = [
        (Step.PREFLIGHT, steps.preflight),
        (Step.QUARANTINE, steps.quarantine),
        (Step.SIGNATURES, steps.signatures),
        (Step.VERSIONS, steps.versions),
        (Step.COMPATIBILITY, steps.compatibility),
        (Step.LOAD, steps.load),
        (Step.GOLDEN, steps.golden),
        (Step.BUDGET, steps.budget),
        (Step.EVALUATION, evaluation),
    ]
    return recipe if work.is_inspection else [*recipe, (Step.SWAP, swap)]


def swap(work: RunContext) -> dict[str, Any]:
    """The files are put in place, then one transaction, then active.json."""
    release = work.verified.versions.timestamp
    for bundle in work.bundles:
        activation.place_files(bundle)
    placed = [steps.placed(bundle, installed()) for bundle in work.bundles]
    with transaction.atomic():
        imported = {pack.pack: events.install_articles(work, pack) for pack in work.note.articles}
        if placed:
            activation.swap(run=work.run, bundles=placed, release=release)
    activation.follow()
    return {"bundles": [f"{b.ref.name}/{b.ref.version}" for b in placed], "articles": imported}


def _start_run(run: UpdateRun, step: Step) -> None:
    run.step = step
    run.save(update_fields=["step"])


def _passed(
    work: RunContext, step: Step, results: dict[str, Any], tell: Tell, text: str = ""
) -> None:
    """One entry in the run for whoever watches, one event for ever."""
    run, outcome = work.run, "passed"
    if step == Step.VERSIONS:
        run.release = work.verified.versions.timestamp
    if work.accepted_findings:
        outcome = "accepted"
        text = f"{', '.join(work.accepted_findings)} accepted by {run.by_name}: {run.reason}"
        work.accepted_findings = []
    run.steps = [*run.steps, {"step": step, "outcome": outcome, "text": text, "found": results}]
    run.save(update_fields=["steps", "release"])
    record(step, outcome, run=run, text=text, data=results)
    tell(step, outcome, text)


def _refused(work: RunContext, error: UpdateRejectedError, tell: Tell) -> UpdateRun:
    """The step that says no; what was begun before it in the same breath had passed."""
    run = work.run
    if run.step != error.step and list(Step).index(error.step) > list(Step).index(run.step):
        _passed(work, Step(run.step), {}, tell)
    entry = {"step": error.step, "outcome": "refused", "text": error.text, "found": error.data}
    run.steps, run.step, run.asks = [*run.steps, entry], error.step, error.accept
    run.save(update_fields=["steps", "step", "asks"])
    record(error.step, "refused", run=run, text=error.text, data=error.data)
    tell(error.step, "refused", error.text)
    state = UpdateRun.State.ASKS if error.accept else UpdateRun.State.REFUSED
    return _finish_run(run, state, error.code, error.text)


def _finish_run(run: UpdateRun, state: str, code: int, text: str) -> UpdateRun:
    run.state, run.exit_code, run.text, run.ended_at = state, code, text, timezone.now()
    run.save(update_fields=["state", "exit_code", "text", "ended_at"])
    keeps_upload = state == UpdateRun.State.ASKS or run.kind == UpdateRun.Kind.INSPECT
    if run.is_upload and not keeps_upload:
        upload_of(run).unlink(missing_ok=True)
    record("end", state, run=run, text=text, data={"exit_code": code})
    return run


def _summary(work: RunContext) -> str:
    names = ", ".join(f"{b.ref.name} {b.ref.version}" for b in work.bundles)
    packs = ", ".join(pack.pack for pack in work.note.articles)
    what = " and ".join(filter(None, [names, packs and f"the articles {packs}"]))
    if work.is_inspection:
        return f"{what} may be applied."
    waits = any(bundle.ref.role == "encoder" for bundle in work.bundles)
    return f"{what} applied." + (" The encoder runs once its vectors are written." * waits)


def _roll_back(run: UpdateRun, tell: Tell) -> UpdateRun:
    """``source`` names a role, or is empty: then what the latest update changed goes back."""
    _start_run(run, Step.SWAP)
    why = run.reason or f"By {run.by_name}."
    now = {
        role: activation.roll_back_bundle(role=role, run=run, why=why)
        for role in _roles_to_roll_back(run)
    }
    activation.follow()
    summary = ", ".join(f"{role}: {what}" for role, what in now.items() if what)
    if not summary:
        return _finish_run(
            run, UpdateRun.State.DONE, NOTHING_TO_DO, "The release's own bundles run."
        )
    tell("rollback", "done", summary)
    return _finish_run(run, UpdateRun.State.DONE, 0, f"Now run: {summary}.")


def _roles_to_roll_back(run: UpdateRun) -> list[str]:
    changed = ActiveBundle.objects.exclude(bundle=None, upcoming=None)
    if run.source:
        return list(changed.filter(role=run.source).values_list("role", flat=True))
    latest = changed.order_by("-run").values_list("run", flat=True).first()
    return list(changed.filter(run=latest).values_list("role", flat=True)) if latest else []


def clear_away(besides: UpdateRun | None = None) -> None:
    """Runs that were killed are told as such, and what they left goes. Call while nobody else
    carries one out.
    """
    working = UpdateRun.objects.filter(state=UpdateRun.State.WORKING)
    for run in working.exclude(pk=besides.pk) if besides else working:
        text = f"It was interrupted at {run.step}. Nothing that answers was changed by that step."
        _finish_run(run, UpdateRun.State.INTERRUPTED, EXIT_CODES[Step.SWAP], text)
    activation.follow()
    trust_store.write_seen()
    _remove_leftovers()


def _may_go_on(number: str) -> bool:
    """Whether what was sent for a run may still be applied."""
    run = UpdateRun.objects.filter(pk=int(number)).first() if number.isdigit() else None
    return run is not None and not (run.is_over and run.ended_at < timezone.now() - KEEP_SENT)


def _remove_leftovers() -> None:
    """Quarantine of runs that are over, and folders of bundles that were never registered."""
    folder = settings.DATA / "quarantine"
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif path.suffix == ".tar" and not _may_go_on(path.stem):
            path.unlink(missing_ok=True)
    known = {row.entry for row in InstalledBundle.objects.all()}
    for path in installed().glob("*/*"):
        if path.is_dir() and f"{path.parent.name}/{path.name}" not in known:
            shutil.rmtree(path, ignore_errors=True)
