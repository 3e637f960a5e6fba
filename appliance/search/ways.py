"""The ways to find something, each on a shelf that holds only what the viewer sees.

Each returns (id, score 0..1) pairs, best first, at most EACH_WAY. However many rows fit, the work
is bounded: words are looked for among the newest rows first (``newest``), and where that gives too
little and a word is common, PostgreSQL draws from its rows (``bounded``).
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from django.contrib.postgres.search import TrigramWordSimilarity
from django.db import connection, transaction
from django.db.models import Q

from appliance.accounts.models import Organisation
from appliance.search import newest, spelling
from appliance.search.asked import Asked
from appliance.search.shelves import Shelf
from appliance.triage.nearest import LEAST_COSINE, WALK, cosine

EACH_WAY = 100
MOST_ROWS = 20_000  # that an index of words hands over, once more than these fit
TYPO_SIMILARITY = 0.45  # of the query to the nearest part of a subject or title
TYPO_CHARACTERS = (4, 60)  # a shorter or longer query has no typo to find, only words
TYPO_WORDS = 4  # a sentence looks like no subject
FEW = 50_000  # rows; the trigrams of more are too many, there only words are respelled
NAME_CHARACTERS = 3  # an index of trigrams knows nothing shorter
NAME_WORDS = 6  # more are a sentence, and nobody's name
Found = list[tuple[int, float]]
Said = list[tuple[int, float, int]]  # ticket, score, message


@contextmanager
def bounded() -> Iterator[None]:
    """Inside, no index hands over many more than MOST_ROWS rows, a typo is not anything at all, and
    the index of meanings is walked on until enough of the viewer's own was found.
    """
    settings = {
        "gin_fuzzy_search_limit": str(MOST_ROWS),
        "pg_trgm.word_similarity_threshold": str(TYPO_SIMILARITY),
        "pg_trgm.similarity_threshold": str(spelling.LIKE),
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            WALK + ", set_config(%s, %s, true)" * len(settings),
            [part for setting in settings.items() for part in setting],
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
    return own(newest.find([look(shelf, query)], EACH_WAY)[0])


def by_said(shelf: Shelf, query: str) -> Said:
    """Tickets on which something was said that fits, each by the message that fits best."""
    return said(newest.find([look_at_said(shelf, query)], EACH_WAY)[0])


def look(shelf: Shelf, query: str, rank: str = "") -> newest.Look:
    return newest.Look(shelf.rows, "pk", query, shelf.span, shelf.oldest_first, rank)


def look_at_said(shelf: Shelf, query: str, rank: str = "") -> newest.Look:
    return newest.Look(shelf.said, "ticket_id", query, shelf.span, shelf.oldest_first, rank)


def own(rows: newest.Rows) -> Found:
    return [(pk, rank) for pk, _, rank in rows]


def said(rows: newest.Rows) -> Said:
    best: dict[int, tuple[int, float, int]] = {}
    for ticket_id, message_id, rank in rows:
        best.setdefault(ticket_id, (ticket_id, rank, message_id))
    return list(best.values())


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
    is_long = len(asked.text) > most or len(asked.words) > TYPO_WORDS
    if len(asked.text) < least or is_long or last - first > FEW:
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
    words = asked.text.lower().split()[: NAME_WORDS + 1]
    if len(max(words, key=len, default="")) < NAME_CHARACTERS or len(words) > NAME_WORDS:
        return []
    rows = shelf.rows
    for word in words:
        rows = rows.filter(known_by__contains=word)
    called = Organisation.objects.filter(name__icontains=asked.text).order_by("name")
    # asked for first: as part of the next query it would be looked for once for each customer
    numbers = list(called.values_list("pk", flat=True)[:20])
    belonging = [shelf.rows.filter(organisation__in=numbers)] if numbers else []
    found: list[int] = []
    for named in (rows, *belonging):
        found += named.order_by("last_name", "first_name", "pk").values_list("pk", flat=True)[:20]
    return [(pk, 1.0) for pk in dict.fromkeys(found)]


def by_meaning(shelf: Shelf, vector: np.ndarray, space: str) -> Found:
    """Nearest in meaning; an article by its nearest passage."""
    near = shelf.vectors.nearest_to(vector, space).values_list(shelf.owner, "distance")[:EACH_WAY]
    best: dict[int, float] = {}
    for pk, distance in sorted(near, key=lambda row: row[1]):
        if cosine(distance) >= LEAST_COSINE:
            best.setdefault(pk, cosine(distance))
    return list(best.items())


def by_nothing(shelf: Shelf) -> Found:
    """What a search narrowed by no words leaves: the newest, or the oldest."""
    order = (shelf.moment, "pk") if shelf.oldest_first else (f"-{shelf.moment}", "-pk")
    return [(pk, 1.0) for pk in shelf.rows.order_by(*order).values_list("pk", flat=True)[:EACH_WAY]]
