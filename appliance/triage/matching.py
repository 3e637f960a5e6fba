"""Gather the evidence for suggestions: similar passages, matching words, similar tickets."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace

import numpy as np
from django.contrib.postgres.search import SearchRank
from django.db import connection
from django.db.models import F, QuerySet, Value

from appliance.accounts.models import User
from appliance.core.fields import AnyLanguageQuery
from appliance.knowledge import queries as knowledge_queries
from appliance.knowledge.models import Article
from appliance.triage.fusion import MAX_NEIGHBOURS, Neighbour
from appliance.triage.models import Passage, TicketVector
from appliance.triage.texts import search_words
from appliance.triage.vector_search import cosine, find_floor, iterative_scan

MAX_CANDIDATES = 60  # nearest passages, and articles by words, to choose a few articles from
MIN_CANDIDATES = 10  # articles near, or with an outcome, that make a search by words unnecessary
MAX_TICKETS = 100  # nearest tickets, to choose the neighbours from; one index scan finds as many
MIN_RANK = 1e-9  # ts_rank of a text without any of the words is below this
# 32: rank / (rank + 1), so that it is in 0..1; 1: long articles do not win by their length
RANK_NORMALIZATION = Value(32 | 1)

# The articles that helped on these tickets, once they were solved, and those dismissed there.
OUTCOMES_SQL = """
SELECT link.ticket_id, link.article_id, false
FROM knowledge_articlelink AS link
JOIN tickets_ticket AS ticket ON ticket.id = link.ticket_id
WHERE link.ticket_id = ANY (%(tickets)s) AND ticket.status IN ('solved', 'closed')
UNION ALL
SELECT ticket_id, article_id, true
FROM triage_suggestion
WHERE ticket_id = ANY (%(tickets)s) AND state = 'dismissed'
"""


@dataclass(frozen=True)
class Evidence:
    """The evidence for each article the viewer may read, by the id of its group."""

    cosines: dict[int, float] = field(default_factory=dict)  # of the nearest passage
    passage_ids: dict[int, int] = field(default_factory=dict)  # of the nearest passage
    words: dict[int, float] = field(default_factory=dict)  # relative to the best
    neighbours: list[Neighbour[int]] = field(default_factory=list)  # nearest first


def gather_evidence(
    viewer: User,
    text: str,
    vector: np.ndarray | None,
    space: str,
    excluded_ticket_id: int | None = None,
    *,
    compares_meaning: bool = True,
) -> Evidence:
    """Gather the evidence by vector and words; without a vector, by words alone. Five queries.

    An article and its translations have one key, that of their group.

    ``excluded_ticket_id`` is the ticket to suggest for. Without ``compares_meaning`` the passages
    are left out, as for a text in a language the encoder was not measured on. Beside cosines, words
    only decide between articles that are near or have helped: their weight is too small to move
    others, and ranking all articles with one of the words would take longer than everything else
    together.
    """
    evidence = _gather_by_article(
        viewer, text, vector, space, excluded_ticket_id, compares_meaning=compares_meaning
    )
    return _join_translations(evidence)


def _join_translations(evidence: Evidence) -> Evidence:
    """Count the evidence for an article and its translations together, for their group."""
    ids = evidence.cosines.keys() | evidence.words.keys()
    ids |= {key for row in evidence.neighbours for key in row.helped | row.dismissed}
    groups = knowledge_queries.map_to_groups(ids)
    if not groups:
        return evidence
    nearest = sorted(evidence.cosines, key=evidence.cosines.__getitem__)
    words = sorted(evidence.words, key=evidence.words.__getitem__)

    def group_of(ids: Iterable[int]) -> frozenset[int]:
        return frozenset(groups.get(pk, pk) for pk in ids)

    return Evidence(
        cosines={groups.get(pk, pk): evidence.cosines[pk] for pk in nearest},
        passage_ids={groups.get(pk, pk): evidence.passage_ids[pk] for pk in nearest},
        words={groups.get(pk, pk): evidence.words[pk] for pk in words},
        neighbours=[
            replace(row, helped=group_of(row.helped), dismissed=group_of(row.dismissed))
            for row in evidence.neighbours
        ],
    )


def _gather_by_article(
    viewer: User,
    text: str,
    vector: np.ndarray | None,
    space: str,
    excluded_ticket_id: int | None,
    *,
    compares_meaning: bool,
) -> Evidence:
    """Gather the evidence of ``gather_evidence`` for each article by itself."""
    visible = Article.objects.visible_to(viewer).in_use()
    if vector is None:
        return Evidence(words=_search_words(visible, text))
    cosines, passage_ids = (
        _nearest_passages(viewer, vector, space) if compares_meaning else ({}, {})
    )
    neighbours = _find_neighbours(viewer, vector, space, excluded_ticket_id)
    candidates = cosines.keys() | {
        key for neighbour in neighbours for key in neighbour.helped | neighbour.dismissed
    }
    words, visible_ids = _rank_words(visible, candidates, text)
    if len(candidates) < MIN_CANDIDATES:
        words = _search_words(visible, text)
    visible_neighbours = [
        replace(
            neighbour,
            helped=neighbour.helped & visible_ids,
            dismissed=neighbour.dismissed & visible_ids,
        )
        for neighbour in neighbours
    ]
    return Evidence(
        cosines={key: value for key, value in cosines.items() if key in visible_ids},
        passage_ids=passage_ids,
        words=words,
        neighbours=[
            neighbour for neighbour in visible_neighbours if neighbour.helped or neighbour.dismissed
        ][:MAX_NEIGHBOURS],
    )


def _find_neighbours(
    viewer: User, vector: np.ndarray, space: str, excluded_ticket_id: int | None
) -> list[Neighbour[int]]:
    """Return the nearest tickets with an outcome for an article, nearest first. Two queries.

    The tickets are those the viewer may see; for others than agents all but those of closed teams,
    of which only a count is shown. The articles may be any.
    """
    vectors = TicketVector.objects.evidence_for(viewer).exclude(ticket=excluded_ticket_id)
    with iterative_scan():
        nearest: QuerySet = vectors.nearest_to(vector, space)  # annotated with its distance
        rows = list(nearest.values_list("ticket_id", "distance")[:MAX_TICKETS])
    floor = find_floor("neighbour")
    distances = {pk: distance for pk, distance in rows if cosine(distance) >= floor}
    outcomes = _outcomes(list(distances))
    return [
        Neighbour(
            ticket_id=ticket_id,
            cosine=cosine(distances[ticket_id]),
            helped=frozenset(outcomes[ticket_id].helped),
            dismissed=frozenset(outcomes[ticket_id].dismissed),
        )
        for ticket_id in sorted(outcomes, key=distances.__getitem__)
    ]


@dataclass
class Outcomes:
    """The articles that helped on a ticket, and those dismissed there."""

    helped: set[int] = field(default_factory=set)
    dismissed: set[int] = field(default_factory=set)


def _outcomes(ticket_ids: list[int]) -> dict[int, Outcomes]:
    outcomes: dict[int, Outcomes] = defaultdict(Outcomes)
    with connection.cursor() as cursor:
        cursor.execute(OUTCOMES_SQL, {"tickets": ticket_ids})
        for ticket_id, article_id, is_dismissed in cursor.fetchall():
            outcome = outcomes[ticket_id]
            (outcome.dismissed if is_dismissed else outcome.helped).add(article_id)
    return outcomes


def _nearest_passages(
    viewer: User, vector: np.ndarray, space: str
) -> tuple[dict[int, float], dict[int, int]]:
    """Return article id → cosine, and → id, of its nearest passage, however far it is."""
    nearest: QuerySet = Passage.objects.visible_to(viewer).nearest_to(vector, space)
    with iterative_scan():
        rows = list(nearest.values_list("distance", "article_id", "pk")[:MAX_CANDIDATES])
    cosines: dict[int, float] = {}
    passage_ids: dict[int, int] = {}
    for distance, article_id, passage_id in sorted(rows):
        if article_id not in passage_ids:
            cosines[article_id], passage_ids[article_id] = cosine(distance), passage_id
    return cosines, passage_ids


def _search_words(visible: QuerySet[Article], text: str) -> dict[int, float]:
    """Return article id → rank relative to the best, of articles with any of the words.

    No ticket contains all the words of the article that answers it.
    """
    query = _any_word_query(text)
    if query is None:
        return {}
    matches = visible.filter(search_vector=query).annotate(rank=_rank(query))
    ranks = matches.order_by("-rank", "-pk").values_list("pk", "rank")[:MAX_CANDIDATES]
    return _relative(dict(ranks))


def _rank_words(
    visible: QuerySet[Article], ids: Collection[int], text: str
) -> tuple[dict[int, float], set[int]]:
    """Rank only these articles by words, and return which of them the viewer may read."""
    query = _any_word_query(text)
    rank = Value(0.0) if query is None else _rank(query)
    articles = visible.filter(pk__in=ids).annotate(rank=rank)
    ranks = dict(articles.order_by().values_list("pk", "rank"))
    return _relative({pk: rank for pk, rank in ranks.items() if rank > MIN_RANK}), set(ranks)


def _any_word_query(text: str) -> AnyLanguageQuery | None:
    words = " | ".join(f"'{word}'" for word in search_words(text))
    languages = knowledge_queries.list_languages()
    return AnyLanguageQuery(words, languages, is_raw=True) if words else None


def _rank(query: AnyLanguageQuery) -> SearchRank:
    return SearchRank(F("search_vector"), query, normalization=RANK_NORMALIZATION)


def _relative(ranks: dict[int, float]) -> dict[int, float]:
    best = max(ranks.values(), default=0.0)
    return {pk: rank / best for pk, rank in ranks.items()} if best else {}
