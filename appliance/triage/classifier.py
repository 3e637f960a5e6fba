"""How the classifier is used here: its labels, the cold-start gate, and a preview for admins."""

from dataclasses import dataclass
from functools import partial

import structlog

from appliance.core import cache
from appliance.core.deadline_pool import BusyError, DeadlineExecutor
from appliance.inference.bundle import BundleRef
from appliance.tickets.models import TicketCategory
from appliance.triage import engine, inference_calls, learning
from appliance.triage.models import NOT_SURE, Correction

log = structlog.get_logger(__name__)
PREVIEW_SECONDS = 3
_executor = DeadlineExecutor("classifier_preview", threads=1)

MIN_CORRECTIONS = 20  # tickets; decision 8 says how often worse classifiers pass
MIN_AGREEMENT = 0.85  # two people agree as often on the same tickets (docs/models.md)
MAX_CORRECTIONS = 200  # the latest


def labels() -> dict[str, str]:
    """Return slug → name, description and examples of each active category. Cached."""
    return cache.get_or_compute(
        "labels",
        [],
        lambda: {
            category.slug: category.classifier_text
            for category in TicketCategory.objects.filter(is_active=True)
        },
        depends_on=[cache.CATEGORIES],
    )


def is_cold_start(ref: BundleRef | None) -> bool:
    """Whether this bundle has not yet proven itself on this installation (decision 8).

    A classifier may be confident and wrong on tickets unlike its training data. Where its label
    was withheld, it is one of two that agents are offered; the gate opens once enough of their
    choices agree, whether they confirmed it, took the other or chose freely. One query, by index.
    """
    if ref is None:
        return True
    corrections = (
        Correction.objects.filter(bundle_digest=ref.digest, category__isnull=False)
        .exclude(withheld_label=NOT_SURE)
        .order_by("-id")
        .values_list("ticket_id", "withheld_label", "category__slug")
    )
    agreements: dict[int, bool] = {}
    for ticket_id, withheld_label, slug in corrections[:MAX_CORRECTIONS]:
        agreements.setdefault(ticket_id, withheld_label == slug)  # the latest of each ticket
    agreeing = sum(agreements.values())
    return len(agreements) < MIN_CORRECTIONS or agreeing < MIN_AGREEMENT * len(agreements)


@dataclass(frozen=True)
class CategoryPreview:
    """What a sample text is classified as; ``name`` is empty when the classifier is not sure."""

    name: str
    scores: tuple[tuple[str, float], ...]  # every category's name and probability, best first


def preview_category(text: str) -> CategoryPreview | None:
    """Classify a sample text as a ticket would be; writes nothing.

    None when no bundle answers in time, or there is no category.
    """
    names = dict(TicketCategory.objects.filter(is_active=True).values_list("slug", "name"))
    category_labels = labels()
    if not category_labels:
        return None
    predict = partial(
        inference_calls.predict,
        text,
        {"classifier"},
        category_labels,
        cold_start=is_cold_start(engine.find_ref("classifier")),
        learned=learning.find_head_in_use(),
    )
    try:
        category = _executor.run(predict, seconds=PREVIEW_SECONDS).category
    except (BusyError, TimeoutError) as error:
        log.warning("classifier_preview_failed", error=type(error).__name__)
        return None
    if category is None:
        return None
    scores = tuple((names.get(slug, slug), probability) for slug, probability in category.scores)
    return CategoryPreview(names.get(category.label or "", ""), scores)
