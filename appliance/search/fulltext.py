"""Full-text search: the tsqueries of a query, and scans for the newest rows that match, ranked.

A common word matches more rows than can be ranked. So every ``search_vector`` holds, besides its
words, a term for the window of SEARCH_WINDOW_ROWS neighbouring ids that its row belongs to. A scan
reads the newest windows first and stops when enough rows match. All scans of a search take two
statements: the second reads older windows, and in the end all other rows, for the scans whose first
windows gave too few matches. In that last part PostgreSQL draws a sample of the rows of a common
word (``retrievers.query_limits``).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, F, Func, QuerySet
from django.db.models.sql.compiler import SQLCompiler

from appliance.core.fields import (
    COMPOUND_LANGUAGES,
    COMPOUND_MARK,
    LANGUAGE_CONFIGS,
    SEARCH_MARK,
    SEARCH_WINDOW_ROWS,
    TEXT_SEARCH_CONFIG,
)
from appliance.core.sql_files import SqlValue, fetch_rows, read_sql
from appliance.search.models import Reindex
from appliance.search.query_parser import WORD_CHARACTERS, ParsedQuery, split_identifiers

STEMMERS = {"en": "english", "de": "german"}  # site language to PostgreSQL's name
DEFAULT_LANGUAGE = "english"  # as set by the migration
MAX_OPTIONAL_WORDS = 20
MAX_RANKED_ROWS = 300
# Sizes of the id windows, as multiples of SEARCH_WINDOW_ROWS. Each row of a window is compared with
# every mark of it, so a window is not too large.
NEAR_WINDOWS, FAR_WINDOWS = (1, 8), (8, 8, 8, 8, 16, 32)
RANK_NORMALIZATION = 32 | 1  # of ts_rank: rank / (rank + 1), divided by 1 + log(length)
_IN_WORD = re.compile(f"[-{WORD_CHARACTERS}]$")
_LEXEME = r"'(?:[^']|'')*'(?::[*A-D]+)?"
_DISTANCE = re.compile(r"(?<=['*A-D]) <(?:-|\d+)> (?=')")
_TSQUERY_PHRASE = re.compile(rf"{_LEXEME}(?: <(?:-|\d+)> {_LEXEME})+")
_PHRASE_OR_WORD = re.compile(rf"({_TSQUERY_PHRASE.pattern})|(?<!!)'([^\W\d_]{{4,}})'(?!:)")
_TEXT_BEFORE_PREFIX = re.compile(r"^([^\"]*?)(\w{2,40})$")


@dataclass(frozen=True)
class TsQueries:
    """Tsqueries as text, each empty when no lexeme is left of the words ("the of")."""

    all_words: str  # the last word may be a prefix
    any_word: str
    ranking: str  # ranks the matches of all_words: a whole last word counts more than a prefix


class TextConfig(NamedTuple):
    """A text-search configuration, and the texts that are indexed with it."""

    name: str
    language: str = ""  # of these texts, whose vectors hold its mark; empty: any text
    has_compounds: bool = False  # long words are indexed by their parts, too

    @property
    def texts_tsquery(self) -> str:
        """The tsquery that matches these texts; empty for any."""
        return f"'{SEARCH_MARK}{self.language}'" if self.language else ""


LANGUAGE_TEXT_CONFIGS = {
    language: TextConfig(name, language, language in COMPOUND_LANGUAGES)
    for language, name in LANGUAGE_CONFIGS.items()
}


def active_configs() -> tuple[TextConfig, ...]:
    """Return the configurations that texts are indexed with; one more during a reindex.

    Texts of no known language, and those of the site's language, are searched with the first. Two
    queries.
    """
    latest = Reindex.objects.order_by("-pk").first()
    current = latest.language if latest else DEFAULT_LANGUAGE
    languages = fetch_rows("search", "languages_in_use", languages=list(LANGUAGE_TEXT_CONFIGS))
    configs = [LANGUAGE_TEXT_CONFIGS[language] for (language,) in languages]
    others = [config for config in configs if config.name != f"{TEXT_SEARCH_CONFIG}_{current}"]
    if latest and latest.finished_at is None and latest.previous_language != current:
        others.insert(0, TextConfig(f"{TEXT_SEARCH_CONFIG}_{latest.previous_language}"))
    has_compounds = STEMMERS["de"] == current
    return (TextConfig(TEXT_SEARCH_CONFIG, has_compounds=has_compounds), *others)


def find_running_reindex() -> Reindex | None:
    return Reindex.objects.filter(finished_at=None).first()


def current_language() -> str:
    """Return the language of the current stemmer, as PostgreSQL calls it."""
    latest = Reindex.objects.order_by("-pk").first()
    return latest.language if latest else DEFAULT_LANGUAGE


def build_tsqueries(query: ParsedQuery, configs: Sequence[TextConfig]) -> TsQueries:
    """Build the tsqueries with one statement. Each configuration searches the texts it indexed."""
    all_words, any_word = _TextMatches(), _TextMatches()
    ranking: list[str | None] = []
    rows = fetch_rows(
        "search",
        "tsqueries",
        configs=[config.name for config in configs],
        languages=[config.language for config in configs],
        **_tsquery_parameters(query),
    )
    for config, (whole_words, prefix_words, optional_words) in zip(configs, rows, strict=True):
        ranking += [whole_words, prefix_words]
        tsqueries = [whole_words, prefix_words]
        if query.allows_partial_matches and prefix_words is not None:
            tsqueries = [prefix_words]  # includes the whole words
        for tsquery in tsqueries:
            all_words.add(config, tsquery)
        any_word.add(config, optional_words)
    return TsQueries(_any_of(all_words.list()), _any_of(any_word.list()), _any_of(ranking))


class _TextMatches:
    """Tsqueries, each with the texts that it is for: languages with the same stems share one."""

    def __init__(self) -> None:
        self._texts: dict[str, list[str]] = {}

    def add(self, config: TextConfig, tsquery: str | None) -> None:
        """Let the tsquery match the texts of its configuration, by parts of their words as well."""
        if tsquery:
            tsquery = _match_parts(tsquery) if config.has_compounds else tsquery
            self._texts.setdefault(tsquery, []).append(config.texts_tsquery)

    def list(self) -> list[str]:
        """Return what matches; a tsquery for any text needs no languages."""
        return [
            tsquery if "" in texts else f"( {tsquery} ) & ( {' | '.join(texts)} )"
            for tsquery, texts in self._texts.items()
        ]


def _match_parts(tsquery: str) -> str:
    """Let each word outside of phrases match a part of a compound: treiber, Druckertreiber.

    Of two words that begin alike only the shorter does: it matches the parts of both.
    """
    words = {match[2] for match in _PHRASE_OR_WORD.finditer(tsquery) if match[2]}

    def replace(match: re.Match[str]) -> str:
        word = match[2]
        if not word or any(word != other and word.startswith(other) for other in words):
            return match[0]
        return f"( '{word}' | '{COMPOUND_MARK}{word}':* )"

    return _PHRASE_OR_WORD.sub(replace, tsquery)


def _tsquery_parameters(query: ParsedQuery) -> dict[str, str | None]:
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
            f"'{part}'" for part in query.word_parts[:MAX_OPTIONAL_WORDS]
        )
    match = _TEXT_BEFORE_PREFIX.search(query.text)
    if not query.may_end_in_prefix or match is None or _IN_WORD.search(match[1]):
        return parameters
    prefix = match[2].lower()
    return parameters | {
        "text_before_prefix": split_identifiers(match[1]),
        "prefix_as_word": f"'{prefix}'",
        "prefix_pattern": prefix.replace("_", r"\_") + "%",
        "prefix_match": f"'{prefix}':*",
    }


def _any_of(tsqueries: Iterable[str | None]) -> str:
    """Return one tsquery that matches what any of these matches."""
    distinct = dict.fromkeys(_match_far_words(tsquery) for tsquery in tsqueries if tsquery)
    return " | ".join(f"( {tsquery} )" for tsquery in distinct)


def _match_far_words(tsquery: str) -> str:
    """Let phrases match words far into a text, too.

    PostgreSQL counts positions up to 16383 and gives every later word that one, so that no phrase
    of neighbours fits. There, and only there, words at one position (<0>) are a match as well.
    """
    return _TSQUERY_PHRASE.sub(
        lambda phrase: f"( {phrase[0]} | {_DISTANCE.sub(' <0> ', phrase[0])} )", tsquery
    )


class Match(NamedTuple):
    """A row that matches a scan. For a message, ``entity_id`` is the id of its ticket."""

    entity_id: int
    row_id: int
    rank: float  # 0..1


class Window(NamedTuple):
    """A range of entity ids, and the tsquery that matches within it."""

    tsquery: str
    first_id: int
    last_id: int


@dataclass(frozen=True)
class Scan:
    """A full-text query over rows the viewer may see."""

    rows: QuerySet[Any] | None  # None matches nothing
    entity_id_field: str  # windows are ranges of this id
    tsquery: str  # empty matches nothing
    id_range: tuple[int, int]
    oldest_first: bool = False
    rank_tsquery: str = ""  # ranks the matches; by default tsquery does


class _MatchesWindow(Func):
    """Whether a row matches the window of sql/window_matches.sql.

    Adding 0 to the id keeps PostgreSQL from walking the primary key instead of the text index.
    """

    output_field = BooleanField()

    def as_sql(
        self,
        compiler: SQLCompiler,
        connection: BaseDatabaseWrapper,
        function: str | None = None,
        template: str | None = None,
        arg_joiner: str | None = None,
        **context: Any,
    ) -> tuple[str, tuple[str | int, ...]]:
        vector, entity_id = (
            compiler.compile(expression)[0] for expression in self.get_source_expressions()
        )
        return (
            f"({vector} @@ id_window.query"
            f" AND {entity_id} + 0 BETWEEN id_window.first_id AND id_window.last_id)",
            (),
        )


class MatchesWithoutValues(Func):
    """Whether a vector matches a tsquery without the words of custom fields, of weight C."""

    template = "(ts_filter(%(expressions)s)::tsquery)"
    arg_joiner = """, '{a,b,d}'::"char"[]) @@ ("""
    output_field = BooleanField()


CompiledRows = tuple[str, tuple[Any, ...]]  # SQL with positional parameters, their values


def run_scans(scans: Sequence[Scan], max_matches: int) -> list[list[Match]]:
    """Return the best matches of each scan, best first. At most two queries."""
    rows = _compile_all(scans)
    near = {number: _near_windows(scan) for number, scan in enumerate(scans)}
    matches = _execute(scans, rows, near, max_ranked=MAX_RANKED_ROWS, max_matches=max_matches)
    far = {
        number: _far_windows(scan)
        for number, scan in enumerate(scans)
        if len(matches[number]) < max_matches
    }
    more = _execute(scans, rows, far, max_ranked=max_matches, max_matches=max_matches)
    return [
        sorted(matches[number] + more[number], key=_rank, reverse=True)[:max_matches]
        for number in range(len(scans))
    ]


def _rank(match: Match) -> tuple[float, int]:
    return match.rank, match.row_id


def _compile_all(scans: Sequence[Scan]) -> list[CompiledRows | None]:
    """Compile the rows of each scan; rows that several scans share are compiled only once."""
    compiled: dict[tuple[int, str, bool], CompiledRows | None] = {}
    keys = [(id(scan.rows), scan.entity_id_field, scan.oldest_first) for scan in scans]
    for key, scan in zip(keys, scans, strict=True):
        if key not in compiled:
            compiled[key] = _compile_rows(scan)
    return [compiled[key] for key in keys]


def _execute(
    scans: Sequence[Scan],
    rows: Sequence[CompiledRows | None],
    windows: Mapping[int, Sequence[Window]],
    *,
    max_ranked: int,
    max_matches: int,
) -> list[list[Match]]:
    """Run the scans that have windows in one statement; return the matches of each scan."""
    matches: list[list[Match]] = [[] for _ in scans]
    parameters: dict[str, SqlValue] = {
        "max_ranked": max_ranked,
        "max_matches": max_matches,
        "rank_normalization": RANK_NORMALIZATION,
    }
    parts = []
    template = read_sql("search", "window_matches")
    for number, scan_windows in windows.items():
        compiled = rows[number]
        if scan_windows and compiled is not None:
            sql, row_parameters = _name_parameters(compiled, f"rows_{number}")
            parts.append(template.format(scan=number, visible_rows=sql))
            parameters |= row_parameters | _scan_parameters(number, scans[number], scan_windows)
    if parts:
        with connection.cursor() as cursor:
            cursor.execute(" UNION ALL ".join(parts), parameters)
            for number, *columns in cursor.fetchall():
                matches[number].append(Match(*columns))
    return matches


def _scan_parameters(number: int, scan: Scan, windows: Iterable[Window]) -> dict[str, SqlValue]:
    tsqueries, first_ids, last_ids = zip(*windows, strict=True)
    return {
        f"scan_{number}": number,
        f"rank_tsquery_{number}": scan.rank_tsquery or scan.tsquery,
        f"tsqueries_{number}": list(tsqueries),
        f"first_ids_{number}": list(first_ids),
        f"last_ids_{number}": list(last_ids),
    }


def _compile_rows(scan: Scan) -> CompiledRows | None:
    """Compile the rows of one window; None without rows or if the viewer sees none of them."""
    if scan.rows is None:
        return None
    age = F("pk") + 0  # not the bare key: see _MatchesWindow
    rows = (
        scan.rows.filter(_MatchesWindow(F("search_vector"), F(scan.entity_id_field)))
        .order_by(age.asc() if scan.oldest_first else age.desc())
        .annotate(entity_id=F(scan.entity_id_field), row_id=F("pk"), vector=F("search_vector"))
        .values("entity_id", "row_id", "vector")[:MAX_RANKED_ROWS]
    )
    try:
        return rows.query.sql_with_params()
    except EmptyResultSet:
        return None


def _name_parameters(compiled: CompiledRows, prefix: str) -> tuple[str, dict[str, SqlValue]]:
    """Return the SQL with named instead of positional parameters, and their values."""
    sql, positional = compiled
    parameters = {f"{prefix}_{number}": value for number, value in enumerate(positional)}
    placeholders = tuple(f"%({name})s" for name in parameters)
    return sql.replace("%%", "%%%%") % placeholders, parameters


def _near_windows(scan: Scan) -> list[Window]:
    """Return the windows of the newest rows (or the oldest, if the scan begins there)."""
    windows, _ = _split_into_windows(scan, NEAR_WINDOWS)
    return windows


def _far_windows(scan: Scan) -> list[Window]:
    """Return the windows behind the near ones, and one of all other rows."""
    windows, rest = _split_into_windows(scan, NEAR_WINDOWS + FAR_WINDOWS)
    remainder = [Window(scan.tsquery, *_ids(rest, scan.id_range))] if rest else []
    return windows[len(NEAR_WINDOWS) :] + remainder


def _split_into_windows(scan: Scan, sizes: Sequence[int]) -> tuple[list[Window], range]:
    """Cut windows of these sizes off the scan's id range; return them and what is left."""
    if scan.rows is None or not scan.tsquery:
        return [], range(0)
    first_id, last_id = scan.id_range
    blocks = range(first_id // SEARCH_WINDOW_ROWS, last_id // SEARCH_WINDOW_ROWS + 1)
    windows = []
    for size in sizes:
        if scan.oldest_first:
            window, blocks = blocks[:size], blocks[size:]
        else:
            window, blocks = blocks[-size:], blocks[:-size]
        if window:
            marks = " | ".join(f"'{SEARCH_MARK}{block}'" for block in window)
            tsquery = f"( {scan.tsquery} ) & ( {marks} )"
            windows.append(Window(tsquery, *_ids(window, scan.id_range)))
    return windows, blocks


def _ids(blocks: range, id_range: tuple[int, int]) -> tuple[int, int]:
    """Return the first and last id of consecutive blocks, within the range."""
    first_id = blocks[0] * SEARCH_WINDOW_ROWS
    last_id = (blocks[-1] + 1) * SEARCH_WINDOW_ROWS - 1
    return max(id_range[0], first_id), min(id_range[1], last_id)
