"""The retrievers: each finds rows of one corpus in one way; and spelling corrections.

A retriever returns (id, score 0..1) pairs, best first, at most MAX_MATCHES. However many rows
match, its work is bounded: full-text scans read the newest rows first (``fulltext``), and of a
common word PostgreSQL draws a sample (``query_limits``). A query that matches few rows is run again
with words of the vocabulary in place of unknown ones (``correct_spelling``).
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
from django.contrib.postgres.search import TrigramWordSimilarity
from django.db import connection, transaction
from django.db.models import F, Q, Value

from appliance.accounts.models import Organisation
from appliance.core.sql_files import fetch_rows
from appliance.search.corpora import Corpus
from appliance.search.fulltext import Match, MatchesWithoutValues, Scan, run_scans
from appliance.search.models import VocabularyWord
from appliance.search.query_parser import ParsedQuery
from appliance.triage.vector_search import ITERATIVE_SCAN_SQL, cosine

MAX_MATCHES = 100
MAX_INDEX_ROWS = 20_000  # roughly, handed over by a full-text index that matches more
# Similar titles: a shorter query is only words, a longer one or a sentence resembles no title.
MIN_TITLE_SIMILARITY = 0.45  # of the query to the nearest part of a title
MIN_TITLE_CHARACTERS, MAX_TITLE_CHARACTERS = 4, 60
MAX_TITLE_WORDS = 4
MAX_TITLE_ROWS = 50_000  # with more rows, only spelling corrections find mistyped words
MIN_NAME_CHARACTERS = 3  # a trigram index finds nothing shorter
MAX_NAME_WORDS = 6
MAX_CUSTOMERS = 20
MIN_WORD_CHARACTERS = 4  # a shorter word resembles too many others
MAX_CORRECTED_WORDS = 6
MIN_WORD_SIMILARITY = 0.25  # of trigrams
MAX_CANDIDATES = 30  # for each word, compared by edit distance
SHORT_WORD_CHARACTERS = 5  # up to here one edit is allowed, beyond two
ScoredIds = list[tuple[int, float]]


class MessageMatch(NamedTuple):
    """A ticket and its best matching message."""

    ticket_id: int
    score: float
    message_id: int


@contextmanager
def query_limits() -> Iterator[None]:
    """Bound the work of index scans inside the block; opens a transaction.

    Full-text indexes hand over about MAX_INDEX_ROWS, trigram operators use the thresholds of this
    room, and the vector index is walked until enough rows of the viewer were found.
    """
    settings = {
        "gin_fuzzy_search_limit": str(MAX_INDEX_ROWS),
        "pg_trgm.word_similarity_threshold": str(MIN_TITLE_SIMILARITY),
        "pg_trgm.similarity_threshold": str(MIN_WORD_SIMILARITY),
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            ITERATIVE_SCAN_SQL + ", set_config(%s, %s, true)" * len(settings),
            [part for setting in settings.items() for part in setting],
        )
        yield


def find_by_ticket_number(corpus: Corpus, query: ParsedQuery) -> ScoredIds:
    if corpus.kind != "ticket" or not query.ticket_ids:
        return []
    tickets = corpus.rows.filter(pk__in=query.ticket_ids).order_by("-pk")
    return [(pk, 1.0) for pk in tickets.values_list("pk", flat=True)]


def find_by_words(corpus: Corpus, tsquery: str) -> ScoredIds:
    """Find rows whose own text matches."""
    [matches] = run_scans([row_scan(corpus, tsquery)], MAX_MATCHES)
    return score_rows(matches)


def find_by_messages(corpus: Corpus, tsquery: str) -> list[MessageMatch]:
    """Find tickets with a message that matches."""
    [matches] = run_scans([message_scan(corpus, tsquery)], MAX_MATCHES)
    return best_messages(matches)


def row_scan(corpus: Corpus, tsquery: str, rank_tsquery: str = "") -> Scan:
    rows = corpus.rows
    if corpus.hides_values and tsquery:
        rows = rows.filter(MatchesWithoutValues(F("search_vector"), Value(tsquery)))
    return Scan(rows, "pk", tsquery, corpus.id_range, corpus.oldest_first, rank_tsquery)


def message_scan(corpus: Corpus, tsquery: str, rank_tsquery: str = "") -> Scan:
    return Scan(
        corpus.messages, "ticket_id", tsquery, corpus.id_range, corpus.oldest_first, rank_tsquery
    )


def score_rows(matches: list[Match]) -> ScoredIds:
    return [(match.entity_id, match.rank) for match in matches]


def best_messages(matches: list[Match]) -> list[MessageMatch]:
    """Keep the best match of each ticket; ``matches`` are sorted, best first."""
    best: dict[int, MessageMatch] = {}
    for match in matches:
        best.setdefault(match.entity_id, MessageMatch(match.entity_id, match.rank, match.row_id))
    return list(best.values())


def filter_exact(corpus: Corpus, query: ParsedQuery, matches: ScoredIds) -> ScoredIds:
    """Keep the rows that hold an exact term of the query literally."""
    if not query.exact_terms or not matches:
        return []
    rows = corpus.rows.filter(_holds_exact_term(query, corpus.title_field, corpus.body_field))
    ids = set(rows.filter(pk__in=[pk for pk, _ in matches]).values_list("pk", flat=True))
    return [(pk, score) for pk, score in matches if pk in ids]


def filter_exact_messages(
    corpus: Corpus, query: ParsedQuery, matches: list[MessageMatch]
) -> ScoredIds:
    """Keep the tickets whose message holds an exact term of the query literally."""
    if corpus.messages is None or not query.exact_terms or not matches:
        return []
    message_ids = [match.message_id for match in matches]
    messages = corpus.messages.filter(_holds_exact_term(query, "body"), pk__in=message_ids)
    ticket_ids = set(messages.values_list("ticket_id", flat=True))
    return [(match.ticket_id, match.score) for match in matches if match.ticket_id in ticket_ids]


def _holds_exact_term(query: ParsedQuery, *fields: str) -> Q:
    condition = Q()
    for term in query.exact_terms:
        for field in fields:
            condition |= Q(**{f"{field}__icontains": term})
    return condition


def find_by_similar_title(corpus: Corpus, query: ParsedQuery) -> ScoredIds:
    """Find titles and names that resemble the query, unless the corpus is large."""
    first_id, last_id = corpus.id_range
    has_title_length = MIN_TITLE_CHARACTERS <= len(query.text) <= MAX_TITLE_CHARACTERS
    if (
        not has_title_length
        or len(query.words) > MAX_TITLE_WORDS
        or last_id - first_id > MAX_TITLE_ROWS
    ):
        return []
    text = query.text.lower()
    rows = (
        corpus.rows.filter(**{f"{corpus.title_field}__trigram_word_similar": text})
        .annotate(similarity=TrigramWordSimilarity(text, corpus.title_field))
        .order_by("-similarity", "-pk")
        .values_list("pk", "similarity")
    )
    return list(rows[:MAX_MATCHES])


def find_by_customer_name(corpus: Corpus, query: ParsedQuery) -> ScoredIds:
    """Find customers by parts of name and address, then by the name of their organisation."""
    words = query.text.lower().split()[: MAX_NAME_WORDS + 1]
    longest = max(words, key=len, default="")
    if len(longest) < MIN_NAME_CHARACTERS or len(words) > MAX_NAME_WORDS:
        return []
    by_name = corpus.rows
    for word in words:
        by_name = by_name.filter(known_by__contains=word)
    # A query of its own: as a subquery of the next one it would run once for each customer.
    organisations = Organisation.objects.filter(name__icontains=query.text).order_by("name")
    organisation_ids = list(organisations.values_list("pk", flat=True)[:MAX_CUSTOMERS])
    querysets = [by_name]
    if organisation_ids:
        querysets.append(corpus.rows.filter(organisation__in=organisation_ids))
    ids: list[int] = []
    for customers in querysets:
        ordered = customers.order_by("last_name", "first_name", "pk")
        ids += ordered.values_list("pk", flat=True)[:MAX_CUSTOMERS]
    return [(pk, 1.0) for pk in dict.fromkeys(ids)]


def find_by_meaning(
    corpus: Corpus, vector: np.ndarray, space: str, *, min_cosine: float
) -> ScoredIds:
    """Find rows near in meaning; the distance of an article is that of its nearest passage."""
    if corpus.vectors is None:
        return []
    nearest = corpus.vectors.nearest_to(vector, space)
    distances = nearest.values_list(corpus.vector_owner_field, "distance")[:MAX_MATCHES]
    scores: dict[int, float] = {}
    for pk, distance in sorted(distances, key=lambda row: row[1]):
        if cosine(distance) >= min_cosine:
            scores.setdefault(pk, cosine(distance))
    return list(scores.items())


def list_newest(corpus: Corpus) -> ScoredIds:
    """Return the newest rows (or the oldest): the matches of filters without words."""
    fields = (corpus.date_field, "pk")
    order = fields if corpus.oldest_first else tuple(f"-{field}" for field in fields)
    return [
        (pk, 1.0) for pk in corpus.rows.order_by(*order).values_list("pk", flat=True)[:MAX_MATCHES]
    ]


def correct_spelling(query: ParsedQuery) -> str:
    """Return the text with each unknown word replaced by the nearest known one.

    Empty if there is nothing to replace. At most two queries.
    """
    words = [word for word in query.words if len(word) >= MIN_WORD_CHARACTERS and word.isalpha()][
        :MAX_CORRECTED_WORDS
    ]
    if not words:
        return ""
    known_words = set(VocabularyWord.objects.filter(text__in=words).values_list("text", flat=True))
    corrections = _find_corrections([word for word in words if word not in known_words])
    if not corrections:
        return ""
    return re.sub(r"\w+", lambda match: corrections.get(match[0].lower(), match[0]), query.text)


def _find_corrections(words: Sequence[str]) -> dict[str, str]:
    """Map each word to the vocabulary word nearest to it; words without one are left out."""
    if not words:
        return {}
    similar_words = fetch_rows(
        "search",
        "similar_words",
        words=list(words),
        min_similarity=MIN_WORD_SIMILARITY,
        max_candidates=MAX_CANDIDATES,
    )
    candidates: dict[str, list[tuple[int, int, str]]] = {}
    for word, text, text_count in similar_words:
        candidates.setdefault(word, []).append((edit_distance(word, text), -text_count, text))
    nearest = {word: min(options) for word, options in candidates.items()}
    return {
        word: text
        for word, (distance, _, text) in nearest.items()
        if distance <= (1 if len(word) <= SHORT_WORD_CHARACTERS else 2)
    }


def edit_distance(first: str, second: str) -> int:
    """Count the edits between two words: insert, delete, replace, or swap two neighbours.

    This is the optimal string alignment distance.
    """
    before_previous: list[int] = []
    previous = list(range(len(second) + 1))
    for i, a in enumerate(first, start=1):
        row = [i]
        for j, b in enumerate(second, start=1):
            cost = min(row[j - 1] + 1, previous[j] + 1, previous[j - 1] + (a != b))
            if i > 1 and j > 1 and a == second[j - 2] and first[i - 2] == b:
                cost = min(cost, before_previous[j - 2] + 1)
            row.append(cost)
        before_previous, previous = previous, row
    return previous[-1]
