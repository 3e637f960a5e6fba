"""The search pipeline: run the retrievers of each corpus and collect what they return.

Each step returns a value; ``queries`` fuses and pages the result.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from appliance.search import retrievers, spelling
from appliance.search.corpora import Corpus, find_corpus
from appliance.search.fulltext import run_scans
from appliance.search.query_parser import ParsedQuery, parse_query
from appliance.search.ranking import Key, Retriever, normalise
from appliance.search.retrievers import MAX_MATCHES, MessageMatch, ScoredIds
from appliance.search.tsqueries import TsQueries, active_configs, build_tsqueries
from appliance.triage.nearest import find_query_vector

Vector = tuple[np.ndarray, str]  # an embedding and its space
Mode = Literal["best", "date", "suggest"]  # only "best" accepts texts that hold some of the words
# With fewer matches of all words, a word may be mistyped.
MIN_MATCHES: Mapping[Mode, int] = {"best": 20, "date": 0, "suggest": 1}


@dataclass(frozen=True)
class Retrieval:
    """What the retrievers returned, with keys (kind, id)."""

    rankings: Mapping[Retriever, Sequence[tuple[Key, float]]] = field(default_factory=dict)
    message_ids: Mapping[int, int] = field(default_factory=dict)  # ticket to its best message
    is_truncated: bool = False  # more rows match than were ranked
    correction: str = ""  # the query with its spelling corrected
    has_corrected_matches: bool = False

    @property
    def has_all_words(self) -> bool:
        """Whether some text holds all words as they were typed."""
        return bool(self.rankings.get("words") or self.rankings.get("message"))


@dataclass(frozen=True)
class WordMatches:
    """The full-text matches of one corpus."""

    all_words: ScoredIds
    any_word: ScoredIds
    messages: list[MessageMatch]

    @property
    def count(self) -> int:
        return len(self.all_words) + len(self.messages)


def retrieve(corpora: Sequence[Corpus], query: ParsedQuery, mode: Mode) -> Retrieval:
    """Search by number, words, corrected spelling and name. Call inside ``query_limits``."""
    if not query.text:
        return merge(_rank(corpus, words=retrievers.list_newest(corpus)) for corpus in corpora)
    text_corpora = [corpus for corpus in corpora if corpus.kind != "customer"]
    tsqueries = build_tsqueries(query, active_configs())
    word_matches = match_words(text_corpora, tsqueries, with_any_word=mode == "best")
    speller = _Speller(query)
    retrievals = []
    for corpus, matches in zip(text_corpora, word_matches, strict=True):
        retrievals.append(_retrieve_by_words(corpus, query, matches))
        if matches.count < MIN_MATCHES[mode]:
            retrievals.append(_retrieve_mistyped(corpus, query, matches, speller))
    if customers := find_corpus(corpora, "customer"):
        has_all_words = merge(retrievals).has_all_words
        retrievals.append(_retrieve_customers(customers, query, with_typos=not has_all_words))
    return merge(retrievals)


def add_meaning(
    retrieval: Retrieval, corpora: Sequence[Corpus], vector: Vector | None
) -> Retrieval:
    """Add the rows near in meaning; without a vector there are none.

    A word that occurs nowhere has no useful embedding: then the corrected query is embedded.
    """
    if vector and retrieval.has_corrected_matches and not retrieval.has_all_words:
        vector = find_query_vector(retrieval.correction)
    if vector is None:
        return retrieval
    by_meaning = [
        _rank(corpus, meaning=retrievers.find_by_meaning(corpus, *vector))
        for corpus in corpora
        if corpus.kind != "customer"
    ]
    return merge([retrieval, *by_meaning])


def match_words(
    corpora: Sequence[Corpus], tsqueries: TsQueries, *, with_any_word: bool
) -> list[WordMatches]:
    """Run the full-text scans of all corpora in at most two queries."""
    scans = []
    for corpus in corpora:
        scans += [
            retrievers.row_scan(corpus, tsqueries.all_words, tsqueries.ranking),
            retrievers.row_scan(corpus, tsqueries.any_word if with_any_word else ""),
            retrievers.message_scan(corpus, tsqueries.all_words, tsqueries.ranking),
        ]
    results = iter(run_scans(scans, MAX_MATCHES))
    return [
        WordMatches(
            all_words=retrievers.score_rows(next(results)),
            any_word=retrievers.score_rows(next(results)),
            messages=retrievers.best_messages(next(results)),
        )
        for _corpus in corpora
    ]


def merge(retrievals: Iterable[Retrieval]) -> Retrieval:
    """Join retrievals. Rankings stay in the order of arrival, which decides between equal scores."""
    rankings: dict[Retriever, list[tuple[Key, float]]] = {}
    message_ids: dict[int, int] = {}
    merged = Retrieval()
    for retrieval in retrievals:
        for retriever, ranking in retrieval.rankings.items():
            rankings.setdefault(retriever, []).extend(ranking)
        message_ids = {**retrieval.message_ids, **message_ids}
        merged = replace(
            merged,
            is_truncated=merged.is_truncated or retrieval.is_truncated,
            correction=merged.correction or retrieval.correction,
            has_corrected_matches=merged.has_corrected_matches or retrieval.has_corrected_matches,
        )
    return replace(merged, rankings=rankings, message_ids=message_ids)
