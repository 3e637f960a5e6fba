"""Which articles match a text: by their nearest passage and by words."""

import re

import numpy as np
from django.contrib.postgres.search import SearchQuery, SearchRank
from django.db.models import F, FloatField, Func, QuerySet, Value

from appliance.accounts.models import User
from appliance.core.fields import WORDS
from appliance.knowledge.models import Article
from appliance.triage import passages
from appliance.triage.models import Passage
from appliance.triage.nearest import cosine, list_nearest

MOST_WORDS = 32  # of the text, when articles are found by its words
NEAREST = 60  # passages, and articles by words, looked at to find a few articles
WORDS_WEIGHT = 0.1  # beside the cosine; measured as in search/ranking.py
OPENING_CHARACTERS = 4000
# 32: rank / (rank + 1), so that it lies in 0..1; 1: long articles do not win by their length
PER_LENGTH = Value(32 | 1)
Match = tuple[int, float, str, str]  # article id, score 0..1, passage, "passage" or "words"


def match_articles(
    viewer: User, text: str, vector: np.ndarray | None, space: str, limit: int
) -> list[Match]:
    """Of the articles the viewer may read, without the archive, best first, each once.

    A nearest passage counts most; words decide between articles that lie close. Without a
    vector (or without passages in its space) words alone decide.
    """
    visible = Article.objects.visible_to(viewer).in_use()
    words = _by_words(visible, text)
    near = _by_passages(viewer, vector, space) if vector is not None else {}
    if not near:
        return _with_openings(visible, text, [pk for pk, _ in words[:limit]])
    most = max((rank for _, rank in words), default=1.0)
    shares = {pk: rank / most for pk, rank in words}
    matches = [
        (pk, (1 - WORDS_WEIGHT) * score + WORDS_WEIGHT * shares.get(pk, 0.0), passage, "passage")
        for pk, (score, passage) in near.items()
    ]
    return sorted(matches, key=lambda match: match[1], reverse=True)[:limit]


def _by_passages(viewer: User, vector: np.ndarray, space: str) -> dict[int, tuple[float, str]]:
    """Article id → (cosine, text) of its nearest passage."""
    near = Passage.objects.visible_to(viewer).nearest_to(vector, space).defer("vector")
    best: dict[int, tuple[float, str]] = {}
    # however far: a few are always offered, and the score says how near they are
    for row in list_nearest(near, NEAREST, least=0.0):
        best.setdefault(row.article_id, (cosine(row.distance), row.text))
    return best


def _by_words(visible: QuerySet, text: str) -> list[tuple[int, float]]:
    """(article id, rank), best first, by any of the words: no ticket holds all of its answer's."""
    words = list(dict.fromkeys(re.findall(r"\w{3,40}", text.lower())))[:MOST_WORDS]
    if not words:
        return []
    any_of = " | ".join(f"'{word}'" for word in words)
    query = SearchQuery(any_of, search_type="raw", config=WORDS)
    rank = SearchRank(F("search_vector"), query, normalization=PER_LENGTH)
    found = visible.filter(search_vector=query).annotate(rank=rank).order_by("-rank", "-pk")
    return list(found.values_list("pk", "rank")[:NEAREST])


class SharedWords(Func):
    """The share 0..1 of a text's words, without endings and stop words, that an article holds."""

    template = """(
        SELECT coalesce(avg((asked.word = ANY (tsvector_to_array(held.words)))::int), 0)
        FROM (SELECT %(expressions)s) AS held(words, text),
             unnest(tsvector_to_array(to_tsvector('skerry', held.text))) AS asked(word)
    )"""
    output_field = FloatField()


def _with_openings(visible: QuerySet, text: str, ids: list[int]) -> list[Match]:
    """Nobody knows which passage matched: show how each article begins."""
    rows = visible.filter(pk__in=ids).annotate(share=SharedWords(F("search_vector"), Value(text)))
    matches = [
        (row.pk, row.share, passages.cut(row.content[:OPENING_CHARACTERS])[0], "words")
        for row in rows
    ]
    return sorted(matches, key=lambda match: match[1], reverse=True)
