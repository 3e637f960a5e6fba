"""PostgreSQL tsqueries for a parsed query, and the text-search configurations in use."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from appliance.core.fields import TEXT_SEARCH_CONFIG
from appliance.core.sql_files import fetch_rows
from appliance.search.models import Reindex
from appliance.search.query_parser import ParsedQuery, split_identifiers

STEMMERS = {"en": "english", "de": "german"}  # site language to PostgreSQL's name
DEFAULT_LANGUAGE = "english"  # as set by the migration
MAX_OPTIONAL_WORDS = 20
_TEXT_BEFORE_PREFIX = re.compile(r"^([^\"]*?)(\w{2,40})$")


@dataclass(frozen=True)
class TsQueries:
    """Tsqueries as text, each empty when no lexeme is left of the words ("the of")."""

    all_words: str  # the last word may be a prefix
    any_word: str
    ranking: str  # ranks the matches of all_words: a whole last word counts more than a prefix


def active_configs() -> tuple[str, ...]:
    """Return the text-search configurations of the rows: two while a reindex is running."""
    reindex = find_running_reindex()
    if reindex is None:
        return (TEXT_SEARCH_CONFIG,)
    return (TEXT_SEARCH_CONFIG, f"{TEXT_SEARCH_CONFIG}_{reindex.previous_language}")


def find_running_reindex() -> Reindex | None:
    return Reindex.objects.filter(finished_at=None).first()


def current_language() -> str:
    """Return the language of the current stemmer, as PostgreSQL calls it."""
    latest = Reindex.objects.order_by("-pk").first()
    return latest.language if latest else DEFAULT_LANGUAGE


def build_tsqueries(query: ParsedQuery, configs: Iterable[str]) -> TsQueries:
    """Build the tsqueries with one statement. With several configurations any may match."""
    all_words: list[str | None] = []
    any_word: list[str | None] = []
    ranking: list[str | None] = []
    rows = fetch_rows("search", "tsqueries", configs=list(configs), **_parameters(query))
    for whole_words, prefix_words, optional_words in rows:
        ranking += [whole_words, prefix_words]
        if query.allows_partial_matches and prefix_words is not None:
            all_words.append(prefix_words)  # includes the whole words
        else:
            all_words += [whole_words, prefix_words]
        any_word.append(optional_words)
    return TsQueries(_join(all_words), _join(any_word), _join(ranking))


def _parameters(query: ParsedQuery) -> dict[str, str | None]:
    """Return the parameters of sql/tsqueries.sql; None for those that do not apply."""
    parameters: dict[str, str | None] = {
        "text": query.text_with_split_identifiers,
        "any_word": None,
        "text_before_prefix": None,
        "prefix_as_word": None,
        "prefix_pattern": None,
        "prefix_match": None,
    }
    if query.allows_partial_matches:
        parameters["any_word"] = " | ".join(
            f"'{word}'" for word in query.words[:MAX_OPTIONAL_WORDS]
        )
    match = _TEXT_BEFORE_PREFIX.search(query.text)
    if match is None or re.search(r"[-\w]$", match[1]):
        return parameters
    prefix = match[2].lower()
    return parameters | {
        "text_before_prefix": split_identifiers(match[1]),
        "prefix_as_word": f"'{prefix}'",
        "prefix_pattern": prefix.replace("_", r"\_") + "%",
        "prefix_match": f"'{prefix}':*",
    }


def _join(tsqueries: Iterable[str | None]) -> str:
    """Return one tsquery that matches what any of these matches."""
    distinct = dict.fromkeys(tsquery for tsquery in tsqueries if tsquery)
    return " | ".join(f"( {tsquery} )" for tsquery in distinct)
