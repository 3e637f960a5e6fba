"""What the same customer may have asked already, while they ask again."""

import re
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field, replace

import numpy as np
from django.contrib.postgres.search import SearchQuery, SearchRank
from django.db import connection
from django.db.models import F, QuerySet, Value

from appliance.accounts.models import User
from appliance.core.fields import TEXT_SEARCH_CONFIG
from appliance.knowledge.models import Article
from appliance.triage.fusion import MAX_NEIGHBOURS, Neighbour
from appliance.triage.models import Passage, TicketVector
from appliance.triage.vector_search import cosine, walking

# A cosine from here on is worth a look. Of 82 pairs of public questions that somebody asked twice
# within a week (a rare title again, another text) 95 % lie over it, 94 % while only the title is
# typed; of 800 pairs that merely share a topic 3.5 %, of 400 that one article answers 8 %. At 0.65
# it is 89 % and 1.5 %. Measured with encoder 2; measure again with another.


MAX_WORDS = 32  # of the text, when articles are found by its words
NEAREST = 60  # passages, and articles by words, looked at to find a few articles
ENOUGH = 10  # articles near in meaning, or that helped, so that no other needs to be found
# Looked at to find VOTERS that know of an article; one walk of the index finds as many (WALK).
NEAREST_TICKETS = 100
NOTHING = 1e-9  # what ts_rank says of a text that holds none of the words lies below
# 32: rank / (rank + 1), so that it lies in 0..1; 1: long articles do not win by their length
PER_LENGTH = Value(32 | 1)

# Of these tickets: what helped there, once they were solved, and what was refused there.
KNOWN = """
SELECT link.ticket_id, link.article_id, false
FROM knowledge_articlelink AS link
JOIN tickets_ticket AS ticket ON ticket.id = link.ticket_id
WHERE link.ticket_id = ANY (%(tickets)s) AND ticket.status IN ('solved', 'closed')
UNION ALL
SELECT ticket_id, article_id, true
FROM triage_suggestion
WHERE ticket_id = ANY (%(tickets)s) AND state = 'refused'
"""


@dataclass(frozen=True)
class Evidence:
    """What speaks for each article the viewer may read, by its id."""

    meaning: dict[int, float] = field(default_factory=dict)  # cosine of the nearest passage
    passages: dict[int, int] = field(default_factory=dict)  # id of that passage
    words: dict[int, float] = field(default_factory=dict)  # as a share of the best
    neighbours: list[Neighbour] = field(default_factory=list)  # nearest first


def gather(
    viewer: User, text: str, vector: np.ndarray | None, space: str, leave_out: int | None = None
) -> Evidence:
    """Without a vector, words alone. ``leave_out`` is the ticket asked about. Four queries.

    Beside meaning, words only tell apart what lies near or has helped: they weigh too little to
    lift anything else above it, and ranking all articles that hold one of them would take longer
    than everything else together.
    """
    visible = Article.objects.visible_to(viewer).in_use()
    if vector is None:
        return Evidence(words=_by_words(visible, text))
    meaning, passages = _by_passages(viewer, vector, space)
    neighbours = _find_voters(viewer, vector, space, leave_out)
    near = meaning.keys() | {
        key for neighbour in neighbours for key in neighbour.helped | neighbour.refused
    }
    words, seen = _words_of_these(visible, near, text)
    if len(near) < ENOUGH:
        words = _by_words(visible, text)
    known = [
        replace(neighbour, helped=neighbour.helped & seen, refused=neighbour.refused & seen)
        for neighbour in neighbours
    ]
    return Evidence(
        meaning={key: closeness for key, closeness in meaning.items() if key in seen},
        passages=passages,
        words=words,
        neighbours=[neighbour for neighbour in known if neighbour.helped or neighbour.refused][
            :MAX_NEIGHBOURS
        ],
    )


def _find_voters(
    viewer: User, vector: np.ndarray, space: str, leave_out: int | None
) -> list[Neighbour]:
    """The nearest tickets that know of an article: of those the viewer sees, and for who is no
    agent of all but the closed teams', of which nothing but their number is told. The articles
    may be any. Two queries.
    """
    rows = TicketVector.objects.may_vote_for(viewer).exclude(ticket=leave_out)
    with walking():
        near = rows.nearest_to(vector, space).values_list("ticket_id", "distance")
        distances = dict(near[:NEAREST_TICKETS])
    known = _known_of(list(distances))
    return [
        Neighbour(ticket, cosine(distances[ticket]), *map(frozenset, known[ticket]))
        for ticket in sorted(known, key=distances.__getitem__)
    ]


def _known_of(tickets: list[int]) -> dict[int, tuple[set[int], set[int]]]:
    """Ticket → the articles that helped there, once it was solved, and those refused there."""
    known: dict[int, tuple[set[int], set[int]]] = defaultdict(lambda: (set(), set()))
    with connection.cursor() as cursor:
        cursor.execute(KNOWN, {"tickets": tickets})
        for ticket, article, is_refused in cursor.fetchall():
            known[ticket][is_refused].add(article)
    return known


def _by_passages(
    viewer: User, vector: np.ndarray, space: str
) -> tuple[dict[int, float], dict[int, int]]:
    """Article id → cosine, and → id, of its nearest passage."""
    near = Passage.objects.visible_to(viewer).nearest_to(vector, space)
    # however far: a few are always offered, and the score says how near they are
    with walking():
        rows = list(near.values_list("distance", "article_id", "pk")[:NEAREST])
    closeness: dict[int, float] = {}
    passages: dict[int, int] = {}
    for distance, article, passage in sorted(rows):
        if article not in passages:
            closeness[article], passages[article] = cosine(distance), passage
    return closeness, passages


def _by_words(visible: QuerySet, text: str) -> dict[int, float]:
    """Article id → its share of the best one's rank, by any of the words: no ticket holds all of
    its answer's.
    """
    query = _any_of(text)
    if query is None:
        return {}
    rows = visible.filter(search_vector=query).annotate(rank=_rank(query))
    return _shares(dict(rows.order_by("-rank", "-pk").values_list("pk", "rank")[:NEAREST]))


def _words_of_these(
    visible: QuerySet, ids: Collection[int], text: str
) -> tuple[dict[int, float], set[int]]:
    """Match only these articles, and return which of them the viewer may read."""
    query = _any_of(text)
    rank = Value(0.0) if query is None else _rank(query)
    rows = visible.filter(pk__in=ids).annotate(rank=rank).order_by().values_list("pk", "rank")
    ranks = dict(rows)
    return _shares({pk: row for pk, row in ranks.items() if row > NOTHING}), set(ranks)


def _any_of(text: str) -> SearchQuery | None:
    words = " | ".join(f"'{word}'" for word in words_of(text))
    return SearchQuery(words, search_type="raw", config=TEXT_SEARCH_CONFIG) if words else None


def _rank(query: SearchQuery) -> SearchRank:
    return SearchRank(F("search_vector"), query, normalization=PER_LENGTH)


def _shares(ranks: dict[int, float]) -> dict[int, float]:
    most = max(ranks.values(), default=0.0)
    return {pk: rank / most for pk, rank in ranks.items()} if most else {}


def words_of(text: str) -> list[str]:
    """What articles are looked up by, in the order of the text."""
    return list(dict.fromkeys(re.findall(r"\w{3,40}", text.lower())))[:MAX_WORDS]
