"""Load the rows of one page of results, with highlighted titles and snippets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models.functions import Left
from django.utils.safestring import SafeString

from appliance.accounts.models import Customer
from appliance.knowledge.models import Article
from appliance.search.corpora import Corpus, Kind, find_corpus
from appliance.search.query_parser import ParsedQuery
from appliance.search.ranking import Ranked
from appliance.search.snippets import SCANNED_CHARACTERS, build_snippet, highlight
from appliance.tickets.models import Message, Ticket
from appliance.triage.texts import plain_text

RELATED_FIELDS: dict[Kind, list[str]] = {
    "ticket": ["customer"],
    "article": ["category"],
    "customer": ["organisation"],
}


@dataclass(frozen=True)
class Hit:
    """One search result."""

    kind: Kind
    id: int
    title: str
    marked_title: SafeString  # safe HTML with <mark>, like the snippet
    snippet: SafeString
    score: float  # 0..1
    # "exact", "name", "meaning", "words", "message", "typo"; strongest first
    matched_by: tuple[str, ...]
    object: Ticket | Article | Customer  # its long text is deferred
    message: Message | None = None  # holds the words, if the ticket itself does not


def load_hits(
    corpora: Sequence[Corpus],
    page: Sequence[Ranked],
    query: ParsedQuery,
    message_ids: Mapping[int, int],
) -> list[Hit]:
    """Load the rows of a page; rows that were deleted meanwhile are left out.

    ``message_ids`` maps a ticket to its best matching message.
    """
    rows = {
        (corpus.kind, pk): row
        for corpus in corpora
        for pk, row in _load_rows(corpus, _ids(page, corpus.kind)).items()
    }
    messages = _load_messages(find_corpus(corpora, "ticket"), page, message_ids)
    return [
        _build_hit(rows[ranked.key], ranked, query, messages)
        for ranked in page
        if ranked.key in rows
    ]


def _ids(page: Sequence[Ranked], kind: Kind) -> list[int]:
    return [ranked.key[1] for ranked in page if ranked.key[0] == kind]


def _load_rows(corpus: Corpus, ids: list[int]) -> dict[int, Any]:
    """Return rows by id; ``opening`` is the beginning of their long text."""
    if not ids:
        return {}
    rows = corpus.rows.select_related(*RELATED_FIELDS[corpus.kind])
    if corpus.body_field:
        rows = rows.defer(corpus.body_field, "search_vector")
        rows = rows.annotate(opening=Left(corpus.body_field, SCANNED_CHARACTERS))
    return rows.order_by().in_bulk(ids)


def _load_messages(
    tickets: Corpus | None, page: Sequence[Ranked], message_ids: Mapping[int, int]
) -> dict[int, Any]:
    """Return the matching message of each ticket that does not hold the words itself."""
    ids = [
        message_ids[ranked.key[1]]
        for ranked in page
        if ranked.key[0] == "ticket"
        and ranked.key[1] in message_ids
        and "words" not in ranked.retrievers
    ]
    if tickets is None or tickets.messages is None or not ids:
        return {}
    messages = tickets.messages.filter(pk__in=ids).defer("body", "search_vector")
    messages = messages.annotate(opening=Left("body", SCANNED_CHARACTERS))
    return {message.ticket_id: message for message in messages}


def _build_hit(row: Any, ranked: Ranked, query: ParsedQuery, messages: Mapping[int, Any]) -> Hit:
    kind, pk = ranked.key
    message = messages.get(pk) if kind == "ticket" else None
    title, text = _title_and_text(kind, row)
    return Hit(
        kind=kind,
        id=pk,
        title=title,
        marked_title=highlight(title, query.words),
        snippet=build_snippet(message.opening if message else text, query.words),
        score=ranked.score,
        matched_by=_matched_by(ranked),
        object=row,
        message=message,
    )


def _matched_by(ranked: Ranked) -> tuple[str, ...]:
    """Return distinct retrievers; a row with all words is not reported as a similar spelling."""
    has_all_words = {"exact", "words", "message"} & set(ranked.retrievers)
    names = [name for name in ranked.retrievers if name != "typo" or not has_all_words]
    return tuple(dict.fromkeys(name.removeprefix("some_") for name in names))


def _title_and_text(kind: Kind, row: Any) -> tuple[str, str]:
    if kind == "ticket":
        return row.subject, row.opening
    if kind == "article":
        return row.title, plain_text(row.opening)
    return row.full_name, " · ".join(filter(None, [row.email, str(row.organisation or "")]))
