"""Search tickets, messages, articles and customers, as far as the viewer may see them.

A text is parsed, the corpora of the viewer are filtered, retrievers rank their rows, the rankings
are fused, and the rows of one page are loaded.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from appliance.accounts.models import CUSTOMER_SEARCH_TEXT, Customer, User, Viewer
from appliance.core.types import read_number
from appliance.knowledge import queries as knowledge_queries
from appliance.search import pipeline
from appliance.search.corpora import Corpus, SearchFilters, find_corpus, list_corpora
from appliance.search.hits import Facet, Hit, count_facets, load_hits
from appliance.search.models import IndexCheck
from appliance.search.query_parser import parse_query
from appliance.search.ranking import Key, Ranked, fuse, sort_by_date
from appliance.search.retrievers import query_limits
from appliance.triage.vector_search import find_query_vector

MAX_HITS = 50
MAX_CUSTOMERS = 100
SUGGESTED_HITS = 7
MIN_SUGGEST_CHARACTERS = 2


@dataclass(frozen=True)
class Results:
    """One page of hits, in order."""

    text: str  # the query as searched: cleaned, cut, without operators
    hits: list[Hit]
    totals: dict[str, int]  # {"tickets": n, …}, ranked rows: some hundreds at most
    facets: list[Facet]
    next: str  # cursor of the next page, empty on the last one
    previous: str | None  # cursor of the previous page, None on the first one
    is_truncated: bool  # more rows match than were ranked: the newest were
    meaning_available: bool  # False while no encoder is available
    did_you_mean: str  # the corrected query, if it leads to hits the viewer may see
    took_ms: float


def search(
    viewer: Viewer,
    text: str,
    *,
    kind: str = "all",
    limit: int = 20,
    filters: SearchFilters | None = None,
    sort: str = "best",
    cursor: str = "",
) -> Results:
    """Return one page of what the viewer may see; ``text`` may be anything at all.

    ``kind`` is "tickets", "articles" or "customers", anything else is all of them. ``cursor`` comes
    from another page. Sorted by date, only rows that hold all words match. About a dozen queries.
    """
    started = time.monotonic()
    query, filters = parse_query(text), filters or SearchFilters()
    by_score, oldest_first = sort == "best", sort == "oldest"
    corpora = []
    if query.text or filters.is_active:
        corpora = list_corpora(viewer, kind, filters, oldest_first=oldest_first)
    vector = find_query_vector(query.text) if query.text and by_score else None
    with query_limits():
        retrieval = pipeline.retrieve(corpora, query, "best" if by_score else "date")
        retrieval = pipeline.add_meaning(retrieval, corpora, query, vector)
        ranking = _prefer_translations(corpora, fuse(retrieval.rankings))
        if not by_score:
            dates = _load_dates(corpora, ranking)
            ranking = sort_by_date(ranking, dates, oldest_first=oldest_first)
        start, limit = _find_start(ranking, cursor), max(1, min(limit, MAX_HITS))
        page = ranking[start : start + limit]
        hits = load_hits(corpora, page, query, retrieval.message_ids)
        facets = count_facets(ranking)
    return Results(
        text=query.text,
        hits=hits,
        totals={f"{kind}s": _count(ranking, kind) for kind in ("ticket", "article", "customer")},
        facets=facets,
        next=_cursor(ranking[start + limit - 1]) if len(ranking) > start + limit else "",
        previous=_previous_cursor(ranking, start, limit),
        is_truncated=retrieval.is_truncated,
        meaning_available=vector is not None or not by_score or not query.text,
        did_you_mean=retrieval.correction if retrieval.has_corrected_matches else "",
        took_ms=(time.monotonic() - started) * 1000,
    )


def suggest(
    viewer: Viewer, text: str, *, kind: str = "all", filters: SearchFilters | None = None
) -> list[Hit]:
    """Return the first hits for a query that is being typed: by number, word and name."""
    query, filters = parse_query(text), filters or SearchFilters()
    if len(query.text) < MIN_SUGGEST_CHARACTERS and not filters.is_active:
        return []
    corpora = list_corpora(viewer, kind, filters)
    with query_limits():
        retrieval = pipeline.retrieve(corpora, query, "suggest")
        page = _prefer_translations(corpora, fuse(retrieval.rankings))[:SUGGESTED_HITS]
        return load_hits(corpora, page, query, retrieval.message_ids)


def _prefer_translations(corpora: Sequence[Corpus], ranking: list[Ranked]) -> list[Ranked]:
    """Let the article in the reader's language stand for it and its translations, once.

    Takes the place of the best of them. Two queries when there are translations.
    """
    articles = find_corpus(corpora, "article")
    ids = [ranked.key[1] for ranked in ranking if ranked.key[0] == "article"]
    groups = knowledge_queries.map_to_groups(ids) if articles else {}
    if not groups or articles is None:
        return ranking
    preferred = knowledge_queries.find_preferred(articles.rows, set(groups.values()))
    chosen: dict[Key, Ranked] = {}
    for ranked in ranking:
        kind, pk = ranked.key
        if kind == "article" and pk in groups:
            pk = preferred.get(groups[pk], pk)
        chosen.setdefault((kind, pk), replace(ranked, key=(kind, pk)))
    return list(chosen.values())


def find_ticket_ids(viewer: User, text: str) -> list[int]:
    """Find tickets by number, by their words or those of a message, or by a corrected spelling.

    The last word may be unfinished. Best first, some hundred at most.
    """
    query = parse_query(text)
    if not query.text:
        return []
    corpora = list_corpora(viewer, "tickets", SearchFilters())
    with query_limits():
        retrieval = pipeline.retrieve(corpora, query, "suggest")
    return [ranked.key[1] for ranked in fuse(retrieval.rankings)]


def find_customer_ids(text: str) -> list[int]:
    """Find customers by id, or by a part of their name, address or organisation."""
    if (number := read_number(text, digits=9)) is not None:
        return list(Customer.objects.filter(pk=number).values_list("pk", flat=True))
    part = text.replace("\0", "").lower().strip()
    customers = Customer.objects.annotate(known_by=CUSTOMER_SEARCH_TEXT)
    for condition in ({"known_by__contains": part}, {"organisation__name__icontains": part}):
        ids = list(customers.filter(**condition).values_list("pk", flat=True)[:MAX_CUSTOMERS])
        if ids:
            return ids
    return []


def find_latest_check() -> IndexCheck | None:
    """Return the latest check of the index, which may still be running."""
    return IndexCheck.objects.order_by("-started_at").first()


def _load_dates(corpora: Sequence[Corpus], ranking: Sequence[Ranked]) -> dict[Key, datetime]:
    dates: dict[Key, datetime] = {}
    for corpus in corpora:
        ids = [ranked.key[1] for ranked in ranking if ranked.key[0] == corpus.kind]
        dated_rows = corpus.rows.filter(pk__in=ids).values_list("pk", corpus.date_field)
        dates |= {(corpus.kind, pk): date for pk, date in dated_rows}
    return dates


def _count(ranking: Sequence[Ranked], kind: str) -> int:
    return sum(ranked.key[0] == kind for ranked in ranking)


def _cursor(ranked: Ranked) -> str:
    kind, pk = ranked.key
    return f"{kind}-{pk}"


def _find_start(ranking: Sequence[Ranked], cursor: str) -> int:
    """Return where the page begins: after the cursor, or at 0 when its row no longer matches."""
    positions = (
        position for position, ranked in enumerate(ranking, start=1) if _cursor(ranked) == cursor
    )
    return next(positions, 0)


def _previous_cursor(ranking: Sequence[Ranked], start: int, limit: int) -> str | None:
    if not start:
        return None
    return _cursor(ranking[start - limit - 1]) if start > limit else ""
