"""Facets: the hits counted by status and category."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.utils.translation import gettext as _

from appliance.core.sql_files import fetch_rows
from appliance.search.filters import NO_CATEGORY
from appliance.search.ranking import Ranked
from appliance.tickets.models import Status

MAX_VALUES = 8


class FacetValue(NamedTuple):
    """One value of a filter and the number of hits that have it."""

    value: str
    label: str
    count: int


@dataclass(frozen=True)
class Facet:
    """A filter with the values that occur among the hits, most frequent first."""

    name: str
    label: str
    values: list[FacetValue]


def count_facets(ranking: Iterable[Ranked]) -> list[Facet]:
    """Count the ranked tickets and articles; facets without values are left out. One query."""
    ids: dict[str, list[int]] = {"ticket": [], "article": [], "customer": []}
    for ranked in ranking:
        kind, pk = ranked.key
        ids[kind].append(pk)
    statuses: Counter[tuple[str, str]] = Counter()
    categories: Counter[tuple[str, str]] = Counter()
    for status, slug, name, count in _fetch_counts(ids["ticket"], ids["article"]):
        if status:
            statuses[status, str(Status(status).label)] += count
        categories[slug or NO_CATEGORY, name or _("Uncategorised")] += count
    facets = [
        Facet("status", _("Status"), _most_common(statuses)),
        Facet("category", _("Category"), _most_common(categories)),
    ]
    return [facet for facet in facets if facet.values]


def _fetch_counts(
    ticket_ids: Sequence[int], article_ids: Sequence[int]
) -> list[tuple[str, str | None, str | None, int]]:
    """Return (status, category slug, category name, count); articles have no status."""
    if not ticket_ids and not article_ids:
        return []
    return fetch_rows("search", "facet_counts", ticket_ids=ticket_ids, article_ids=article_ids)


def _most_common(counts: Counter[tuple[str, str]]) -> list[FacetValue]:
    return [
        FacetValue(value, label, count) for (value, label), count in counts.most_common(MAX_VALUES)
    ]
