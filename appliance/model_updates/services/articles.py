"""A pack of articles from headquarters, handed to the room they belong to."""

from appliance.core.errors import BadInputError
from appliance.knowledge import services as knowledge_services
from appliance.model_updates.errors import Step, UpdateRefusedError
from appliance.model_updates.release import ArticlePack
from appliance.model_updates.work import Work


def take_in(work: Work, pack: ArticlePack, *, dry_run: bool = False) -> dict:
    """What became of the articles, counted, and why some were refused. Call inside the transaction
    of the swap; with ``dry_run`` nothing is written.
    """
    folder = work.folder / "articles" / pack.pack
    try:
        report = knowledge_services.import_articles(
            source=folder, by=None, dry_run=dry_run, origin=pack.pack
        )
    except BadInputError as error:
        raise UpdateRefusedError(Step.COMPATIBILITY, f"{pack.pack}: {error}") from error
    refused = [f"{line.where}: {line.why}" for line in report.lines if line.what == "refused"]
    return {**report.counts, "why": refused[:20]}
