"""What the sorter says of a sentence, for whoever writes the categories. Nothing is written."""

from dataclasses import dataclass

import structlog

from appliance.core.deadline_pool import BusyError, DeadlineExecutor
from appliance.tickets.models import TicketCategory
from appliance.triage import cold_start, engine, inference_calls, work_queue

log = structlog.get_logger(__name__)
MAX_SECONDS = 3
_readers = DeadlineExecutor("trial", threads=1)


@dataclass(frozen=True)
class Trial:
    """``answer`` is empty when the sorter is not sure; ``scores`` holds every category."""

    answer: str
    scores: tuple[tuple[str, float], ...]  # name and share, best first


def sort_sample(text: str) -> Trial | None:
    """None when no model answers in time, or the desk has no category."""
    names = dict(TicketCategory.objects.filter(is_active=True).values_list("slug", "name"))
    labels = work_queue.labels()
    if not labels:
        return None
    careful = cold_start.is_active(engine.find_ref("classifier"))
    try:
        values = _readers.run(
            lambda: inference_calls.ask(text, {"classifier"}, labels, careful=careful).category,
            seconds=MAX_SECONDS,
        )
    except (BusyError, TimeoutError) as error:
        log.warning("trial_failed", why=type(error).__name__)
        return None
    if values is None:
        return None
    scores = tuple((names.get(slug, slug), share) for slug, share in values.scores)
    return Trial(names.get(values.label or "", ""), scores)
