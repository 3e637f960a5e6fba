"""How far this desk lets the sorter decide: carefully, until answers held back proved right.

On tickets like those it learnt from the sorter is right where it decides; on a desk nobody trained
on it may be sure and wrong. The desk's own agents tell which it is: where an answer was held back
they choose the category themselves, without having been told. Decision 0008.
"""

from appliance.inference.bundle import BundleRef
from appliance.triage.models import NOT_SURE, Correction

MIN_JUDGED = 30  # tickets
MIN_AGREEMENT = 0.85  # two readers of the same tickets agree as often (docs/models.md)
LATEST_JUDGED = 200


def is_active(classifier: BundleRef | None) -> bool:
    """Whether this bundle must still be careful here. One query, by index."""
    if classifier is None:
        return True
    judged = (
        Correction.objects.filter(bundle_digest=classifier.digest, category__isnull=False)
        .exclude(held_back=NOT_SURE)
        .order_by("-id")
        .values_list("ticket_id", "held_back", "category__slug")
    )
    latest: dict[int, bool] = {}
    for ticket, held_back, chosen in judged[:LATEST_JUDGED]:
        latest.setdefault(ticket, held_back == chosen)  # the last word on each ticket
    return len(latest) < MIN_JUDGED or sum(latest.values()) < MIN_AGREEMENT * len(latest)
