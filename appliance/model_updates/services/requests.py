"""A run asked for on a page: written down together with the job that wakes the worker."""

from typing import Any, BinaryIO

from django.db import transaction
from django.utils.translation import gettext as _
from procrastinate.contrib.django import app as jobs

from appliance.accounts.models import User
from appliance.core.errors import BadInputError
from appliance.knowledge import services as knowledge_services
from appliance.model_updates import queries
from appliance.model_updates.models import UpdateEvent, UpdateRun
from appliance.model_updates.release import ArticlePack
from appliance.model_updates.run_context import RunContext, Step, UpdateRejectedError, upload_of
from appliance.model_updates.services.runs import start_run


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
    jobs.configure_task("updates.carry_out").defer(run_id=run.pk)


def record(
    step: str,
    outcome: str,
    *,
    run: UpdateRun | None = None,
    by_name: str = "",
    text: str = "",
    data: dict[str, Any] | None = None,
) -> None:
    """One row a step; without ``by_name`` it is whoever started the run, or the box itself."""
    UpdateEvent.objects.create(
        run=run,
        by_name=by_name or (run.by_name if run else "Skerry"),
        step=step,
        outcome=outcome,
        text=text,
        data=data or {},
    )


def install_articles(work: RunContext, pack: ArticlePack, *, dry_run: bool = False) -> dict:
    """What became of the articles, counted, and why some were refused. Call inside the transaction
    of the swap; with ``dry_run`` nothing is written.
    """
    folder = work.folder / "articles" / pack.pack
    try:
        report = knowledge_services.import_articles(
            source=folder, by=None, dry_run=dry_run, origin=pack.pack
        )
    except BadInputError as error:
        raise UpdateRejectedError(Step.COMPATIBILITY, f"{pack.pack}: {error}") from error
    refused = [f"{line.where}: {line.why}" for line in report.lines if line.what == "refused"]
    return {**report.counts, "why": refused[:20]}
