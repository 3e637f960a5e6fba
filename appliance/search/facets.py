"""How what was found falls into statuses and categories, counted among what was ranked."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from appliance.knowledge.models import Article
from appliance.search.narrowing import NONE
from appliance.search.ranking import Ranked
from appliance.search.shelves import Shelf
from appliance.tickets.models import Status, Ticket

MOST_VALUES = 8


@dataclass(frozen=True)
class Facet:
    """One way to narrow what was found: (value, label, how many), the most first."""

    name: str
    label: str
    values: list[tuple[str, str, int]]


def count(shelves: Sequence[Shelf], ranked: Sequence[Ranked]) -> list[Facet]:
    """At most two queries, on some hundred numbers that the viewer's own shelves gave."""
    ids = {
        shelf.kind: [one.key[1] for one in ranked if one.key[0] == shelf.kind] for shelf in shelves
    }
    statuses: Counter = Counter()
    categories: Counter = Counter()
    tickets = Ticket.objects.filter(pk__in=ids.get("ticket", ()))
    for status, *category in tickets.values_list("status", "category__slug", "category__name"):
        statuses[status, str(Status(status).label)] += 1
        categories[tuple(category)] += 1
    articles = Article.objects.filter(pk__in=ids.get("article", ()))
    for category in articles.values_list("category__slug", "category__name"):
        categories[category] += 1
    return [
        facet
        for facet in (
            Facet("status", _("Status"), _most(statuses)),
            Facet("category", _("Category"), _most(categories)),
        )
        if facet.values
    ]


def _most(counted: Counter) -> list[tuple[str, str, int]]:
    return [
        (slug or NONE, name or _("Not sure or not sorted"), many)
        for (slug, name), many in counted.most_common(MOST_VALUES)
    ]
