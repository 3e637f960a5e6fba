"""What the page on learning says about verdicts, reasons and states."""

from typing import Any, TypedDict

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from appliance.tickets import queries as tickets_queries
from appliance.triage import head_evaluation
from appliance.triage.models import CategoryHead

VERDICTS = {
    "better": gettext_lazy("better"),
    "as good": gettext_lazy("as good"),
    "worse": gettext_lazy("worse"),
    "not enough": gettext_lazy("not enough evidence"),
    "not better": gettext_lazy("not better"),
}


class Row(TypedDict):
    """One line of an evaluation, as it is shown."""

    name: str
    tests: int
    before: str
    after: str
    interval: str
    verdict: str
    is_worse: bool


def refusal(head: CategoryHead) -> str:
    """Say why a candidate was not accepted, and what helps; empty for an accepted one."""
    evaluation = head.evaluation
    reason = evaluation.get("reason", "")
    if reason == "few labels":
        return _(
            "Not enough evidence: there are %(labels)d usable labels. It takes %(needed)d, and "
            "%(tests)d of them to test with."
        ) % {
            "labels": evaluation["labels"],
            "needed": head_evaluation.MIN_LABELS,
            "tests": head_evaluation.MIN_TESTS,
        }
    if reason == "few per category":
        return _("Not enough evidence: no category has %(needed)d labels yet.") % {
            "needed": head_evaluation.MIN_LABELS_PER_CATEGORY
        }
    if reason == "worse":
        return _("Fewer tickets would be classified correctly than today.")
    if reason == "category worse":
        return _("Tickets of “%(name)s” would be classified worse than today.") % {
            "name": category_name(evaluation.get("category", ""))
        }
    if reason == "no agreement":
        return _(
            "The labels agree with the texts hardly better than by chance. Check whether the "
            "categories of recent tickets are right."
        )
    return ""


def evaluation_rows(head: CategoryHead) -> list[Row]:
    """Return all tests together, then each category."""
    evaluation = head.evaluation
    overall = evaluation.get("overall")
    parts = [overall, *evaluation.get("categories", [])] if overall else []
    return [_row(part) for part in parts]


def category_name(slug: str) -> str:
    if slug == "*":
        return _("All categories")
    if slug == head_evaluation.OTHERS:
        return _("Categories with few tests")
    return tickets_queries.list_category_names().get(slug, slug)


def _row(part: dict[str, Any]) -> Row:
    return {
        "name": category_name(part["category"]),
        "tests": part["tests"],
        "before": percent(part["before"]),
        "after": percent(part["after"]),
        "interval": interval(part["low"], part["high"]),
        "verdict": str(VERDICTS[part["verdict"]]),
        "is_worse": part["verdict"] == "worse",
    }


def percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def interval(low: float, high: float) -> str:
    """Return an interval of differences in points, such as “+2 … +11”."""
    return f"{100 * low:+.0f} … {100 * high:+.0f}".replace("-", "−")
