"""The search pipeline: run the retrievers of each corpus and collect what they return.

Each step returns a value; ``queries`` fuses and pages the result.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from appliance.search import retrievers
from appliance.search.corpora import Corpus, find_corpus
from appliance.search.fulltext import TsQueries, active_configs, build_tsqueries, run_scans
from appliance.search.query_parser import ParsedQuery, parse_query
from appliance.search.ranking import Key, Retriever, normalise
from appliance.search.retrievers import MAX_MATCHES, MessageMatch, ScoredIds
from appliance.triage.vector_search import find_floor_for, find_query_vector

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

    all_words: ScoredIds = field(default_factory=list)
    any_word: ScoredIds = field(default_factory=list)
    messages: list[MessageMatch] = field(default_factory=list)

    @property
    def count(self) -> int:
        return len(self.all_words) + len(self.messages)


@dataclass(frozen=True)
class Correction:
    """A corrected query, empty if no word was mistyped, and what it matches in one corpus."""

    text: str
    matches: WordMatches


def retrieve(corpora: Sequence[Corpus], query: ParsedQuery, mode: Mode) -> Retrieval:
    """Search by number, words, corrected spelling and name. Call inside ``query_limits``."""
    if not query.text:
        return merge(_rank(corpus, {"words": retrievers.list_newest(corpus)}) for corpus in corpora)
    text_corpora = [corpus for corpus in corpora if corpus.kind != "customer"]
    tsqueries = build_tsqueries(query, active_configs())
    matches = match_words(text_corpora, tsqueries, with_any_word=mode == "best")
    corrections = _correct(query, text_corpora, matches, min_matches=MIN_MATCHES[mode])
    retrievals = []
    for corpus, word_matches, correction in zip(text_corpora, matches, corrections, strict=True):
        retrievals.append(_retrieve_by_words(corpus, query, word_matches))
        if correction:
            retrievals.append(_retrieve_mistyped(corpus, query, word_matches, correction))
    if customers := find_corpus(corpora, "customer"):
        has_all_words = merge(retrievals).has_all_words
        retrievals.append(_retrieve_customers(customers, query, with_typos=not has_all_words))
    return merge(retrievals)


def add_meaning(
    retrieval: Retrieval, corpora: Sequence[Corpus], query: ParsedQuery, vector: Vector | None
) -> Retrieval:
    """Add the rows near in meaning; without a vector there are none.

    A word that occurs nowhere has no useful embedding: then the corrected query is embedded.
    """
    text = query.text
    if vector and retrieval.has_corrected_matches and not retrieval.has_all_words:
        text = retrieval.correction
        vector = find_query_vector(text)
    if vector is None:
        return retrieval
    min_cosine = find_floor_for("hit", text)
    by_meaning = [
        _rank(
            corpus,
            {"meaning": retrievers.find_by_meaning(corpus, *vector, min_cosine=min_cosine)},
        )
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
    """Join retrievals.

    Rankings stay in the order of arrival, which decides between equal scores.
    """
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


def _correct(
    query: ParsedQuery,
    corpora: Sequence[Corpus],
    matches: Sequence[WordMatches],
    *,
    min_matches: int,
) -> list[Correction | None]:
    """Correct the spelling for each corpus with few matches; None for the others."""
    has_few = [word_matches.count < min_matches for word_matches in matches]
    if not any(has_few):
        return [None] * len(corpora)
    text = retrievers.correct_spelling(query)
    if not text:
        return [Correction("", WordMatches()) if is_few else None for is_few in has_few]
    tsqueries = build_tsqueries(parse_query(text), active_configs())
    corrected = [corpus for corpus, is_few in zip(corpora, has_few, strict=True) if is_few]
    results = iter(match_words(corrected, tsqueries, with_any_word=False))
    return [Correction(text, next(results)) if is_few else None for is_few in has_few]


def _retrieve_by_words(corpus: Corpus, query: ParsedQuery, matches: WordMatches) -> Retrieval:
    rows = matches.all_words + matches.any_word
    exact = [
        *retrievers.find_by_ticket_number(corpus, query),
        *retrievers.filter_exact(corpus, query, rows),
        *retrievers.filter_exact_messages(corpus, query, matches.messages),
    ]
    message_scores = [(match.ticket_id, match.score) for match in matches.messages]
    retrieval = _rank(
        corpus,
        {
            "exact": exact,
            "words": normalise(matches.all_words),
            "message": normalise(message_scores),
            "some_words": normalise(matches.any_word),
        },
    )
    return replace(
        retrieval,
        message_ids={match.ticket_id: match.message_id for match in matches.messages},
        is_truncated=max(len(matches.all_words), len(matches.messages)) >= MAX_MATCHES,
    )


def _retrieve_mistyped(
    corpus: Corpus, query: ParsedQuery, matches: WordMatches, correction: Correction
) -> Retrieval:
    """Add the matches of the corrected query; if no query matches at all, similar titles."""
    corrected = correction.matches
    scores = [*corrected.all_words]
    scores += [(match.ticket_id, match.score) for match in corrected.messages]
    if scores or matches.count:
        ranking = normalise(scores)
    else:
        ranking = retrievers.find_by_similar_title(corpus, query)
    return replace(
        _rank(corpus, {"typo": ranking}),
        message_ids={match.ticket_id: match.message_id for match in corrected.messages},
        correction=correction.text,
        has_corrected_matches=bool(scores),
    )


def _retrieve_customers(corpus: Corpus, query: ParsedQuery, *, with_typos: bool) -> Retrieval:
    by_name = retrievers.find_by_customer_name(corpus, query)
    retrieval = _rank(corpus, {"name": by_name})
    if by_name or not with_typos:
        return retrieval
    similar = _rank(corpus, {"typo": retrievers.find_by_similar_title(corpus, query)})
    return merge([retrieval, similar])


def _rank(corpus: Corpus, scores: Mapping[Retriever, ScoredIds]) -> Retrieval:
    """Return the scores of each retriever as a ranking, with the rows of the corpus as keys."""
    return Retrieval(
        {
            retriever: [((corpus.kind, pk), score) for pk, score in retriever_scores]
            for retriever, retriever_scores in scores.items()
        }
    )
