"""The orders a list of articles can stand in, each as it lies in an index."""

from dataclasses import dataclass, field, replace

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from appliance.tickets.sorts import Sort


@dataclass(frozen=True)
class ArticleSort(Sort):
    """``only`` leaves out what has no place in this order."""

    only: Q = field(default_factory=Q)

    def turned(self) -> "ArticleSort":
        return replace(self, is_descending=not self.is_descending)


_VOTED = Q(helpful__gt=0) | Q(unhelpful__gt=0)
CHANGED = ArticleSort("changed", _("Recently updated"), ("updated_at", "pk"))
SORTS = {
    sort.name: sort
    for sort in (
        CHANGED,
        ArticleSort("useful", _("Most helpful"), ("usefulness", "pk"), only=_VOTED),
        ArticleSort("useless", _("Least helpful"), ("usefulness", "pk"), False, only=_VOTED),
        ArticleSort(
            "review",
            _("Next review date"),
            ("review_on", "pk"),
            False,
            only=Q(status="published", review_on__isnull=False),
        ),
    )
}
