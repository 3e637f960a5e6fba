"""The ways to find something, each on a shelf that holds only what the viewer sees.

Each returns (id, score 0..1) pairs, best first, at most EACH_WAY. However many rows fit, the work
is bounded: words are looked for among the newest rows first (``wording.windows``), and where that
gives too little and a word is common, PostgreSQL draws from its rows (``bounded``).
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from django.contrib.postgres.search import SearchRank, TrigramWordSimilarity
from django.db import connection, transaction
from django.db.models import F, Q, QuerySet, Value

from appliance.accounts.models import Organisation
from appliance.search import spelling
from appliance.search.asked import Asked
from appliance.search.shelves import Shelf
from appliance.search.wording import Worded, windows
from appliance.triage.nearest import cosine, list_nearest

EACH_WAY = 100
MOST_RANKED = 1000  # rows whose words are weighed, the newest
MOST_ROWS = 20_000  # that an index of words hands over, once more than these fit
TYPO_SIMILARITY = 0.45  # of the query to the nearest part of a subject or title
TYPO_CHARACTERS = (4, 60)  # a shorter or longer query has no typo to find, only words
FEW = 50_000  # rows; the trigrams of more are too many, there only words are respelled
NAME_CHARACTERS = 3  # an index of trigrams knows nothing shorter
PER_LENGTH = Value(32 | 1)  # rank / (rank + 1), after long texts lost what length gave them
Found = list[tuple[int, float]]
Said = list[tuple[int, float, int]]  # ticket, score, message


@contextmanager
def bounded() -> Iterator[None]:
    """Inside, no index hands over many more than MOST_ROWS rows, nor is a typo anything at all."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('gin_fuzzy_search_limit', %s, true),"
            " set_config('pg_trgm.word_similarity_threshold', %s, true),"
            " set_config('pg_trgm.similarity_threshold', %s, true)",
            [str(MOST_ROWS), str(TYPO_SIMILARITY), str(spelling.LIKE)],
        )
        yield


def by_number(shelf: Shelf, asked: Asked) -> Found:
    """Tickets called by their number."""
    if shelf.kind != "ticket" or not asked.ticket_ids:
        return []
    found = shelf.rows.filter(pk__in=asked.ticket_ids).order_by("-pk")
    return [(pk, 1.0) for pk in found.values_list("pk", flat=True)]


def by_words(shelf: Shelf, query: str) -> Found:
    """Rows whose own words fit the query."""
    return list(_best(shelf, shelf.rows, query, "pk"))


def by_said(shelf: Shelf, query: str) -> Said:
    """Tickets on which something was said that fits, each by the message that fits best."""
    if shelf.said is None:
        return []
    best: dict[int, tuple[int, float, int]] = {}
    for ticket_id, message_id, rank in _best(shelf, shelf.said, query, "ticket_id", "pk"):
        best.setdefault(ticket_id, (ticket_id, rank, message_id))
    return list(best.values())


def _best(shelf: Shelf, rows: QuerySet, query: str, *fields: str) -> list[tuple]:
    """The fields and the rank of the rows that fit best, among the newest that fit at all."""
    found: list[tuple] = []
    if not query:
        return found
    first, last = shelf.span
    for window in windows(query, first=first, last=last, oldest_first=shelf.oldest_first):
        found = list(_ranked(shelf, rows, window).values_list(*fields, "rank")[:EACH_WAY])
        if len(found) >= EACH_WAY:
            break
    return found


def _ranked(shelf: Shelf, rows: QuerySet, query: Worded) -> QuerySet:
    """By rank. Which are the newest is asked of a sum, lest PostgreSQL walk through all rows in
    their order in search of the first that fit.
    """
    age = F("pk") + 0
    near = rows.filter(search_vector=query).order_by(
        age.asc() if shelf.oldest_first else age.desc()
    )
    rank = SearchRank(F("search_vector"), query, normalization=PER_LENGTH)
    found = rows.model._base_manager.filter(pk__in=near.values("pk")[:MOST_RANKED])
    return found.annotate(rank=rank).order_by("-rank", "-pk")


def exact_among(shelf: Shelf, asked: Asked, words: Found) -> Found:
    """Those that hold an identifier or phrase just as it was typed."""
    if not asked.exact or not words:
        return []
    rows = shelf.rows.filter(_holds(asked, shelf.title, shelf.body))
    kept = set(rows.filter(pk__in=[pk for pk, _ in words]).values_list("pk", flat=True))
    return [(pk, score) for pk, score in words if pk in kept]


def exact_among_said(shelf: Shelf, asked: Asked, said: Said) -> Found:
    if not asked.exact or not said:
        return []
    rows = shelf.said.filter(_holds(asked, "body"), pk__in=[message for _, _, message in said])
    kept = set(rows.values_list("ticket_id", flat=True))
    return [(pk, score) for pk, score, _ in said if pk in kept]


def _holds(asked: Asked, *fields: str) -> Q:
    holds = Q()
    for text in asked.exact:
        for field in fields:
            holds |= Q(**{f"{field}__icontains": text})
    return holds


def by_typo(shelf: Shelf, asked: Asked) -> Found:
    """Subjects, titles and names that look like what was typed, where there are not too many."""
    least, most = TYPO_CHARACTERS
    first, last = shelf.span
    if not least <= len(asked.text) <= most or last - first > FEW:
        return []
    typed = asked.text.lower()
    found = (
        shelf.rows.filter(**{f"{shelf.title}__trigram_word_similar": typed})
        .annotate(likeness=TrigramWordSimilarity(typed, shelf.title))
        .order_by("-likeness", "-pk")
        .values_list("pk", "likeness")
    )
    return list(found[:EACH_WAY])


def by_name(shelf: Shelf, asked: Asked) -> Found:
    """Customers who are known by all that was typed, or whose organisation is called so."""
    words = asked.text.lower().split()[:5]
    if len(max(words, key=len, default="")) < NAME_CHARACTERS:
        return []
    rows = shelf.rows
    for word in words:
        rows = rows.filter(known_by__contains=word)
    found = list(rows.order_by("last_name", "first_name", "pk").values_list("pk", flat=True)[:20])
    called = Organisation.objects.filter(name__icontains=asked.text).values_list("pk", flat=True)
    belonging = shelf.rows.filter(organisation__in=list(called[:20]))
    found += belonging.order_by("last_name", "first_name", "pk").values_list("pk", flat=True)[:20]
    return [(pk, 1.0) for pk in dict.fromkeys(found)]


def by_meaning(shelf: Shelf, vector: np.ndarray, space: str) -> Found:
    """Nearest in meaning; an article by its nearest passage."""
    near = shelf.vectors.nearest_to(vector, space).only("pk", shelf.owner.removesuffix("_id"))
    best: dict[int, float] = {}
    for row in list_nearest(near, EACH_WAY):
        best.setdefault(getattr(row, shelf.owner), cosine(row.distance))
    return list(best.items())


def by_nothing(shelf: Shelf) -> Found:
    """What a search narrowed by no words leaves: the newest, or the oldest."""
    order = (shelf.moment, "pk") if shelf.oldest_first else (f"-{shelf.moment}", "-pk")
    return [(pk, 1.0) for pk in shelf.rows.order_by(*order).values_list("pk", flat=True)[:EACH_WAY]]
