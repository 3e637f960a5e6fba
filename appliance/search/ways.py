"""The ways to find something, one query each, all on a shelf that holds only what the viewer sees.

Each returns (id, score 0..1) pairs, best first, at most EACH_WAY.
"""

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np
from django.contrib.postgres.search import SearchQuery, SearchRank, TrigramWordSimilarity
from django.db import connection, transaction
from django.db.models import F, Q, QuerySet, Value

from appliance.accounts.models import User
from appliance.core.fields import WORDS
from appliance.knowledge.models import Article
from appliance.search.asked import Asked
from appliance.tickets.models import Ticket
from appliance.triage.models import Passage, TicketVector
from appliance.triage.nearest import cosine, list_nearest

EACH_WAY = 60
TYPO_SIMILARITY = 0.45  # of the query to the nearest part of a subject or title
TYPO_CHARACTERS = (4, 60)  # a shorter or longer query has no typo to find, only words
PER_LENGTH = Value(32 | 1)  # rank / (rank + 1), after long texts lost what length gave them
Found = list[tuple[int, float]]


@dataclass(frozen=True)
class Shelf:
    """One kind of thing to find: the rows the viewer sees, and the vectors of those rows."""

    kind: Literal["ticket", "article"]
    rows: QuerySet
    title: str
    body: str
    vectors: QuerySet
    owner: str  # the field of a vector that names its row


def tickets_of(viewer: User) -> Shelf:
    rows = Ticket.objects.visible_to(viewer)
    vectors = TicketVector.objects.visible_to(viewer)
    return Shelf("ticket", rows, "subject", "description", vectors, "ticket_id")


def articles_of(viewer: User) -> Shelf:
    rows = Article.objects.visible_to(viewer)
    vectors = Passage.objects.visible_to(viewer)
    return Shelf("article", rows, "title", "content", vectors, "article_id")


def by_number(shelf: Shelf, asked: Asked) -> Found:
    """Tickets called by their number."""
    if shelf.kind != "ticket" or not asked.ticket_ids:
        return []
    found = shelf.rows.filter(pk__in=asked.ticket_ids).order_by("-pk")
    return [(pk, 1.0) for pk in found.values_list("pk", flat=True)]


def by_words(shelf: Shelf, asked: Asked) -> Found:
    """All of the words, the last one perhaps not typed to its end."""
    query = words_query(asked)
    found = (
        shelf.rows.filter(search_vector=query)
        .annotate(rank=SearchRank(F("search_vector"), query, normalization=PER_LENGTH))
        .order_by("-rank", "-pk")
    )
    return list(found.values_list("pk", "rank")[:EACH_WAY])


def by_some_words(shelf: Shelf, asked: Asked) -> Found:
    """Any of the words: a question rarely holds all the words of its answer."""
    if not asked.allows_some or not asked.words:
        return []
    query = SearchQuery(
        " | ".join(f"'{word}'" for word in asked.words[:20]), search_type="raw", config=WORDS
    )
    found = (
        shelf.rows.filter(search_vector=query)
        .annotate(rank=SearchRank(F("search_vector"), query, normalization=PER_LENGTH))
        .order_by("-rank", "-pk")
    )
    return list(found.values_list("pk", "rank")[:EACH_WAY])


def by_exact(shelf: Shelf, asked: Asked, words: Found) -> Found:
    """Of the hits by words, those that hold an identifier or phrase just as it was typed."""
    if not asked.exact or not words:
        return []
    holds = Q()
    for text in asked.exact:
        holds |= Q(**{f"{shelf.title}__icontains": text}) | Q(**{f"{shelf.body}__icontains": text})
    rows = shelf.rows.filter(holds, pk__in=[pk for pk, _ in words])
    kept = set(rows.values_list("pk", flat=True))
    return [(pk, score) for pk, score in words if pk in kept]


def by_typo(shelf: Shelf, asked: Asked) -> Found:
    """Subjects and titles that look like what was typed."""
    least, most = TYPO_CHARACTERS
    if not least <= len(asked.text) <= most:
        return []
    found = (
        shelf.rows.filter(**{f"{shelf.title}__trigram_word_similar": asked.text})
        .annotate(likeness=TrigramWordSimilarity(asked.text, shelf.title))
        .order_by("-likeness", "-pk")
        .values_list("pk", "likeness")
    )
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('pg_trgm.word_similarity_threshold', %s, true)",
            [str(TYPO_SIMILARITY)],
        )
        return list(found[:EACH_WAY])


def by_meaning(shelf: Shelf, vector: np.ndarray, space: str) -> Found:
    """Nearest in meaning; an article by its nearest passage."""
    near = shelf.vectors.nearest_to(vector, space).only("pk", shelf.owner.removesuffix("_id"))
    best: dict[int, float] = {}
    for row in list_nearest(near, EACH_WAY):
        best.setdefault(getattr(row, shelf.owner), cosine(row.distance))
    return list(best.items())


def words_query(asked: Asked) -> SearchQuery:
    """What was typed as a web search ("phrase", -not, or), or with its last word begun only."""
    whole = SearchQuery(asked.text, search_type="websearch", config=WORDS)
    begun = re.search(r"^([^\"]*?)(\w{2,40})$", asked.text)
    if begun is None or re.search(r"[-\w]$", begun.group(1)):
        return whole
    last = SearchQuery(f"'{begun.group(2)}':*", search_type="raw", config=WORDS)
    before = begun.group(1).strip()
    if not re.search(r"\w", before):
        return whole | last
    return whole | (SearchQuery(before, search_type="websearch", config=WORDS) & last)
