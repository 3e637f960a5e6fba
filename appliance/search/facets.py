"""How what was found falls into statuses and categories, counted among what was ranked."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection
from django.utils.translation import gettext as _

from appliance.search.corpora import Shelf
from appliance.search.filters import NONE
from appliance.search.ranking import Ranked
from appliance.tickets.models import Status

MOST_VALUES = 8
_COUNT = """
SELECT found.status, category.slug, category.name, count(*) FROM (
    SELECT status, category_id FROM tickets_ticket WHERE id = ANY(%(tickets)s)
    UNION ALL SELECT '', category_id FROM knowledge_article WHERE id = ANY(%(articles)s)
) AS found LEFT JOIN tickets_ticketcategory AS category ON category.id = found.category_id
GROUP BY found.status, category.slug, category.name
ORDER BY count(*) DESC, category.name
"""


@dataclass(frozen=True)
class Facet:
    """One way to narrow what was found: (value, label, how many), the most first."""

    name: str
    label: str
    values: list[tuple[str, str, int]]


def count(shelves: Sequence[Shelf], ranked: Sequence[Ranked]) -> list[Facet]:
    """One query, on some hundred numbers that the viewer's own shelves gave."""
    ids = {
        shelf.kind: [one.key[1] for one in ranked if one.key[0] == shelf.kind] for shelf in shelves
    }
    statuses: Counter = Counter()
    categories: Counter = Counter()
    for status, slug, name, many in _count(ids.get("ticket", []), ids.get("article", [])):
        if status:
            statuses[status, str(Status(status).label)] += many
        categories[slug, name] += many
    return [
        facet
        for facet in (
            Facet("status", _("Status"), _most(statuses)),
            Facet("category", _("Category"), _most(categories)),
        )
        if facet.values
    ]


def _count(tickets: list[int], articles: list[int]) -> list[tuple[str, str, str, int]]:
    """(status, slug and name of the category, how many); articles have no status here."""
    if not tickets and not articles:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, {"tickets": tickets, "articles": articles})
        return cursor.fetchall()


def _most(counted: Counter) -> list[tuple[str, str, int]]:
    return [
        (slug or NONE, name or _("Uncategorised"), many)
        for (slug, name), many in counted.most_common(MOST_VALUES)
    ]
