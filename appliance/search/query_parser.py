"""Parse the text of the search box. Pure: no database, no settings."""

import re
import unicodedata
from dataclasses import dataclass

from appliance.core.fields import IDENTIFIER_SEPARATORS, UNSPACED_SCRIPTS
from appliance.core.types import read_number

MAX_CHARACTERS = 400
MAX_WORDS = 30
MAX_EXACT_TERMS = 8
MIN_IDENTIFIER_CHARACTERS = 4
# Operators of the search box, in English and in German, and the filter each one sets.
OPERATORS = {
    "in": "kind",
    "status": "status",
    "category": "category",
    "kategorie": "category",
    "from": "customer",
    "customer": "customer",
    "von": "customer",
    "kunde": "customer",
    "tag": "tag",
    "schlagwort": "tag",
    "assignee": "assignee",
    "zuständig": "assignee",
    "channel": "channel",
    "kanal": "channel",
    "language": "language",
    "sprache": "language",
    "after": "after",
    "nach": "after",
    "ab": "after",
    "before": "before",
    "vor": "before",
}
_OPERATOR = re.compile(r'(?<!\S)(-?)(\w{2,12}):("[^"]*"?|[^\s"]*)')
_TICKET_NUMBER = re.compile(r"(?:\bSKR-|#)(\d{1,18})\b", re.IGNORECASE)
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f]+")
# Letters with digits, or digits in groups, or many digits: an error code, an address, a serial;
# words joined by what joins the parts of a host, an address or a path.
_IDENTIFIER = re.compile(
    r"(?<!\w)-\d(?:[\w.:/-]*\w)?|(?=[\w.:/-]*\d)(?=[\w.:/-]*[^\W\d])[\w.:/-]*\w|\d+(?:[.:/-]\d+)+|\d{4,}"
    r"|\w+(?:[@\\_]\w[\w.-]*)+|\w+(?:\.\w+)+"
)
_PHRASE = re.compile(r'"([^"]{3,})"')
# A minus before a digit belongs to the number: error -43.
_EXCLUDED = re.compile(r'(?:^|\s)-(?:"[^"]*"?|(?![\d"])\S+)')
_NO_OPERATOR = re.compile(r"(?<!\w)-(?=\d)|[<>&]")
_SEPARATORS = re.compile(rf"[{re.escape(IDENTIFIER_SEPARATORS)}]+")
# Vowel signs and accents of their own, as Hindi, Arabic and Thai have them, are parts of words.
WORD_CHARACTERS = (
    r"\w\u0300-\u036F\u0591-\u05C7\u0610-\u061A\u064B-\u065F\u0670\u06D6-\u06ED\u0900-\u0DFF"
    r"\u0F00-\u0FBC\u200C\u200D" + UNSPACED_SCRIPTS[1:-1]
)
_WORD = re.compile(f"[{WORD_CHARACTERS}]*\\w[{WORD_CHARACTERS}]*")
_COMPOUND = re.compile(
    rf"\w+(?:[{re.escape(IDENTIFIER_SEPARATORS)}]+\w+)+"
    rf"|[{WORD_CHARACTERS}]*{UNSPACED_SCRIPTS}[{WORD_CHARACTERS}]*"
)
_UNSPACED = re.compile(f"({UNSPACED_SCRIPTS})")
_UNSPACED_RUN = re.compile(f"{UNSPACED_SCRIPTS}+")


@dataclass(frozen=True)
class Operator:
    """A filter typed in the search box, as in status:open."""

    text: str  # as typed
    name: str  # of the filter
    value: str
    is_negated: bool  # which no filter supports


@dataclass(frozen=True)
class ParsedQuery:
    """A search text of bounded length: composed characters, no control characters."""

    text: str
    ticket_ids: tuple[int, ...]  # from SKR-1042, #1042, or a text that is only a number
    exact_terms: tuple[str, ...]  # identifiers and quoted phrases, which must match literally

    @property
    def allows_partial_matches(self) -> bool:
        """Whether a text may lack some words: not with a "phrase", a -word or OR."""
        return not re.search(r'"|\s(?:OR|or)\s', self.text) and not _EXCLUDED.search(self.text)

    @property
    def words(self) -> tuple[str, ...]:
        """Distinct lower-case words in order, without excluded ones."""
        return tuple(dict.fromkeys(_WORD.findall(self._included)))[:MAX_WORDS]

    @property
    def word_parts(self) -> tuple[str, ...]:
        """The words as they are indexed; two neighbouring characters stand for an unspaced word."""
        parts: list[str] = []
        for word in _WORD.findall(self._included):
            parts += _UNSPACED.sub(" ", word).split()
            for run in _UNSPACED_RUN.findall(word):
                pairs = [f"{run[i]} {run[i + 1]}" for i in range(len(run) - 1)]
                parts += pairs or [run]
        return tuple(dict.fromkeys(parts))[:MAX_WORDS]

    @property
    def _included(self) -> str:
        return _EXCLUDED.sub(" ", self.text).lower()

    @property
    def text_with_split_identifiers(self) -> str:
        return split_identifiers(self.text)

    @property
    def may_end_in_prefix(self) -> bool:
        """Whether the last word may be unfinished: a word of an unspaced script is a phrase."""
        return not contains_unspaced_script(self.text.rpartition(" ")[2])


def clean_query(text: str) -> str:
    """Return any text at all as one line of bounded length, as the index has its characters."""
    valid = text[: MAX_CHARACTERS * 4].encode("utf-8", "ignore").decode("utf-8")
    composed = unicodedata.normalize("NFKC", _CONTROL_CHARACTERS.sub(" ", valid))
    return " ".join(composed.split())[:MAX_CHARACTERS]


def list_operators(text: str) -> list[Operator]:
    """Return what may be a filter; without a value, or with another name, it is a word."""
    return [
        Operator(match[0], OPERATORS[match[2].lower()], match[3].strip('"'), bool(match[1]))
        for match in _OPERATOR.finditer(text)
        if match[2].lower() in OPERATORS and match[3].strip('"')
    ]


def parse_query(text: str) -> ParsedQuery:
    """Parse any text at all; never raises."""
    text = clean_query(text)
    numbers = _TICKET_NUMBER.findall(text)
    if read_number(text) is not None:
        numbers.append(text)
    rest = _TICKET_NUMBER.sub(" ", text)
    identifiers = [
        match
        for match in _IDENTIFIER.findall(rest)
        if len(match) >= MIN_IDENTIFIER_CHARACTERS or match.startswith("-")
    ]
    exact_terms = dict.fromkeys([*_PHRASE.findall(rest), *identifiers])
    return ParsedQuery(
        text=text,
        ticket_ids=tuple(dict.fromkeys(map(int, numbers))),
        exact_terms=tuple(exact_terms)[:MAX_EXACT_TERMS],
    )


def contains_unspaced_script(text: str) -> bool:
    return bool(_UNSPACED.search(text))


def split_identifiers(text: str) -> str:
    """Turn each identifier into a phrase of its parts: srv-db02 into "srv db02"."""
    pieces = text.split('"')
    pieces[::2] = [
        _COMPOUND.sub(_to_phrase, _NO_OPERATOR.sub(" ", unquoted)) for unquoted in pieces[::2]
    ]
    pieces[1::2] = [_COMPOUND.sub(_to_words, quoted) for quoted in pieces[1::2]]
    return '"'.join(pieces)


def _to_phrase(match: re.Match[str]) -> str:
    return f'"{_to_words(match)}"'


def _to_words(match: re.Match[str]) -> str:
    return _UNSPACED.sub(r" \1 ", _SEPARATORS.sub(" ", match.group()))
