"""Record the events of an update run, and install the articles it carries."""

from typing import Any

from appliance.core.errors import BadInputError
from appliance.knowledge import services as knowledge_services
from appliance.model_updates.errors import Step, UpdateRejectedError
from appliance.model_updates.models import UpdateEvent, UpdateRun
from appliance.model_updates.release import ArticlePack
from appliance.model_updates.run_context import RunContext


def record(
    step: str,
    outcome: str,
    *,
    run: UpdateRun | None = None,
    by_name: str = "",
    text: str = "",
    data: dict[str, Any] | None = None,
) -> None:
    """Record an event; ``by_name`` defaults to the person who started the run, or Skerry."""
    UpdateEvent.objects.create(
        run=run,
        by_name=by_name or (run.by_name if run else "Skerry"),
        step=step,
        outcome=outcome,
        text=text,
        data=data or {},
    )


def install_articles(
    context: RunContext, pack: ArticlePack, *, dry_run: bool = False
) -> dict[str, Any]:
    """Import the articles of a pack. Their counts by outcome, and why some were refused.

    Call inside the transaction of the activation; with ``dry_run`` nothing is written.
    """
    folder = context.folder / "articles" / pack.pack
    try:
        report = knowledge_services.import_articles(
            source=folder, by=None, dry_run=dry_run, origin=pack.pack
        )
    except BadInputError as error:
        raise UpdateRejectedError(Step.COMPATIBILITY, f"{pack.pack}: {error}") from error
    refused = [
        f"{line.location}: {line.message}" for line in report.lines if line.outcome == "refused"
    ]
    counts = {str(outcome): count for outcome, count in report.counts.items()}
    return counts | {"why": refused[:20]}
