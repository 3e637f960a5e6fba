"""The hits of one page, with highlighted titles and snippets, and the facets of all hits."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import Any

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from appliance.accounts.models import Customer
from appliance.core.fields import COMPOUND_LANGUAGES, ends_of_text
from appliance.core.sql_files import fetch_rows
from appliance.knowledge.models import Article
from appliance.search.corpora import NO_CATEGORY, Corpus, find_corpus
from appliance.search.query_parser import ParsedQuery, contains_unspaced_script
from appliance.search.ranking import Kind, Ranked
from appliance.tickets.models import Message, Status, Ticket
from appliance.triage.stop_words import STOP_WORDS
from appliance.triage.texts import plain_text

SNIPPET_CHARACTERS = 220
SCANNED_CHARACTERS, SCANNED_TAIL_CHARACTERS = 20_000, 5_000  # of a text, for the best excerpt
MAX_WORD_MATCHES = 500  # compared for the best excerpt
MAX_FACET_VALUES = 8
MIN_PART_CHARACTERS = 4  # of a compound, as they are indexed
_ACCENTED = {
    "a": "aàáâãäåą",
    "c": "cçć",
    "e": "eèéêëę",
    "i": "iìíîï",
    "l": "lł",
    "n": "nñń",
    "o": "oòóôõöø",
    "s": "sś",
    "u": "uùúûü",
    "y": "yýÿ",
    "z": "zźż",
    "ł": "lł",
    "ø": "oø",
}
RELATED_FIELDS: dict[Kind, list[str]] = {
    "ticket": ["customer"],
    "article": ["category"],
    "customer": ["organisation", "user"],
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


@dataclass(frozen=True)
class FacetValue:
    """One value of a filter and the number of hits that have it."""

    value: str
    label: str
    count: int


@dataclass(frozen=True)
class Facet:
    """A filter with the values that occur among the hits, most frequent first."""

    name: str
    label: str
    values: list[FacetValue]


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
        rows = rows.annotate(
            opening=ends_of_text(corpus.body_field, SCANNED_CHARACTERS, SCANNED_TAIL_CHARACTERS)
        )
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
    messages = messages.annotate(
        opening=ends_of_text("body", SCANNED_CHARACTERS, SCANNED_TAIL_CHARACTERS)
    )
    return {message.ticket_id: message for message in messages}


def _build_hit(row: Any, ranked: Ranked, query: ParsedQuery, messages: Mapping[int, Any]) -> Hit:
    kind, pk = ranked.key
    message = messages.get(pk) if kind == "ticket" else None
    title, text = _title_and_text(kind, row)
    words = tuple(word for word in query.words if word not in STOP_WORDS) or query.words
    language = "" if kind == "customer" else row.language
    return Hit(
        kind=kind,
        id=pk,
        title=title,
        marked_title=highlight(title, words, language=language),
        snippet=build_snippet(message.opening if message else text, words, language=language),
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
    return row.full_name, " · ".join(filter(None, [row.contact_email, str(row.organisation or "")]))


def build_snippet(
    text: str, words: Sequence[str], length: int = SNIPPET_CHARACTERS, *, language: str = ""
) -> SafeString:
    """Return the excerpt that holds most of the words, about ``length`` characters long.

    Each word stands in <mark>; so do its inflections (print: printer, printing), its other
    spellings (buero: Büro), and in a language that writes compounds as one word, its compounds.
    """
    flat = " ".join(text[: SCANNED_CHARACTERS + 1].split())
    pattern = _compile_pattern(tuple(words), language in COMPOUND_LANGUAGES)
    start = _excerpt_start(flat, pattern, length) if pattern else 0
    excerpt = flat[start : start + length]
    is_cut_in_word = start + length < len(flat) and " " in excerpt[40:]
    end = excerpt.rfind(" ") if is_cut_in_word else len(excerpt)
    html = _mark_words(excerpt[:end], pattern)
    prefix, suffix = "… " if start else "", " …" if start + end < len(flat) else ""
    return mark_safe(f"{prefix}{html}{suffix}")  # noqa: S308  (every part of it was escaped)


def highlight(text: str, words: Sequence[str], *, language: str = "") -> SafeString:
    """Return the full text with the words in <mark>."""
    html = _mark_words(text, _compile_pattern(tuple(words), language in COMPOUND_LANGUAGES))
    return mark_safe(html)  # noqa: S308  (every part of it was escaped)


@lru_cache(maxsize=64)
def _compile_pattern(words: tuple[str, ...], with_compounds: bool) -> re.Pattern[str] | None:
    stems = sorted({_stem(word) for word in words if len(word) > 1}, key=len, reverse=True)
    if not stems:
        return None
    patterns = []
    for stem in stems:
        if contains_unspaced_script(stem):
            patterns.append(re.escape(stem))
        else:
            is_part = with_compounds and len(stem) >= MIN_PART_CHARACTERS
            before = r"\b\w*" if is_part else r"\b"
            patterns.append(f"{before}{_all_spellings(stem)}\\w*")
    return re.compile("|".join(patterns), re.IGNORECASE)


def _all_spellings(word: str) -> str:
    """Return a pattern of the word with and without accents; ae is a spelling of ä, ss of ß."""

    def spell(match: re.Match[str]) -> str:
        letters = match[0].lower()
        plain = unicodedata.normalize("NFKD", letters)[0]
        letter_class = f"[{_ACCENTED[plain]}]" if plain in _ACCENTED else re.escape(match[0])
        if letters in ("ae", "oe", "ue", "ä", "ö", "ü"):
            return f"(?:{plain}e|{letter_class})"
        return "(?:ss|ß)" if letters in ("ss", "ß") else letter_class

    return re.sub(r"ae|oe|ue|ss|.", spell, word, flags=re.IGNORECASE)


def _stem(word: str) -> str:
    """Strip the most common English endings."""
    if len(word) < 5 or not word.isalpha():
        return word
    return re.sub(r"(?:ing|ed|es|s|e)$", "", word)


def _excerpt_start(text: str, pattern: re.Pattern[str], length: int) -> int:
    """Return the start of the excerpt with most different words, a little before the first."""
    matches = [(match.start(), match.group().lower()[:5]) for match in pattern.finditer(text)]
    matches = matches[:MAX_WORD_MATCHES]
    best_position, max_words = 0, 0
    for index, (position, _word) in enumerate(matches):
        nearby = matches[index : index + 20]
        words = {word for start, word in nearby if start < position + length - 40}
        if len(words) > max_words:
            best_position, max_words = position, len(words)
    if best_position < length // 2:
        return 0
    return text.rfind(" ", 0, best_position - 30) + 1


def _mark_words(text: str, pattern: re.Pattern[str] | None) -> str:
    if pattern is None:
        return escape(text)
    parts, end = [], 0
    for match in pattern.finditer(text):
        parts += [escape(text[end : match.start()]), f"<mark>{escape(match.group())}</mark>"]
        end = match.end()
    return "".join([*parts, escape(text[end:])])


def count_facets(ranking: Iterable[Ranked]) -> list[Facet]:
    """Count the ranked tickets and articles; facets without values are left out. One query."""
    ids: dict[str, list[int]] = {"ticket": [], "article": [], "customer": []}
    for ranked in ranking:
        kind, pk = ranked.key
        ids[kind].append(pk)
    statuses: Counter[tuple[str, str]] = Counter()
    categories: Counter[tuple[str, str]] = Counter()
    for status, slug, name, count in _fetch_counts(ids["ticket"], ids["article"]):
        if status:
            statuses[status, str(Status(status).label)] += count
        categories[slug or NO_CATEGORY, name or _("Uncategorised")] += count
    facets = [
        Facet("status", _("Status"), _most_common(statuses)),
        Facet("category", _("Category"), _most_common(categories)),
    ]
    return [facet for facet in facets if facet.values]


def _fetch_counts(
    ticket_ids: list[int], article_ids: list[int]
) -> list[tuple[str, str | None, str | None, int]]:
    """Return (status, category slug, category name, count); articles have no status."""
    if not ticket_ids and not article_ids:
        return []
    return fetch_rows("search", "facet_counts", ticket_ids=ticket_ids, article_ids=article_ids)


def _most_common(counts: Counter[tuple[str, str]]) -> list[FacetValue]:
    return [
        FacetValue(value, label, count)
        for (value, label), count in counts.most_common(MAX_FACET_VALUES)
    ]
