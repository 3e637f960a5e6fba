"""Parse the text of the search box. Pure: no database, no settings."""

import re
from dataclasses import dataclass

from appliance.core.fields import IDENTIFIER_SEPARATORS
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
    r"(?=[\w.:/-]*\d)(?=[\w.:/-]*[^\W\d])[\w.:/-]*\w|\d+(?:[.:/-]\d+)+|\d{4,}"
    r"|\w+(?:[@\\_]\w[\w.-]*)+|\w+(?:\.\w+)+"
)
_PHRASE = re.compile(r'"([^"]{3,})"')
_EXCLUDED = re.compile(r'(?:^|\s)-(?:"[^"]*"?|\S+)')
_SEPARATORS = re.compile(rf"[{re.escape(IDENTIFIER_SEPARATORS)}]+")
_COMPOUND = re.compile(rf"\w+(?:[{re.escape(IDENTIFIER_SEPARATORS)}]+\w+)+")


@dataclass(frozen=True)
class ParsedQuery:
    """A search text of bounded length, without control characters and operators."""

    text: str  # what to search for, without operators
    ticket_ids: tuple[int, ...]  # from SKR-1042, #1042, or a text that is only a number
    exact_terms: tuple[str, ...]  # identifiers and quoted phrases, which must match literally
    operators: tuple[tuple[str, str], ...] = ()  # name of the filter and its value, as typed
    rejected_operators: tuple[str, ...] = ()  # negated operators, which are not supported

    @property
    def allows_partial_matches(self) -> bool:
        """Whether a text may lack some words: not with a "phrase", a -word or OR."""
        return not re.search(r'"|(?:^|\s)-\w|\s(?:OR|or)\s', self.text)

    @property
    def words(self) -> tuple[str, ...]:
        """Distinct lower-case words in order, without excluded ones."""
        included = _EXCLUDED.sub(" ", self.text)
        return tuple(dict.fromkeys(re.findall(r"\w+", included.lower())))[:MAX_WORDS]

    @property
    def text_with_split_identifiers(self) -> str:
        return split_identifiers(self.text)


def parse_query(text: str) -> ParsedQuery:
    """Parse any text at all; never raises."""
    valid = text[: MAX_CHARACTERS * 4].encode("utf-8", "ignore").decode("utf-8")
    clean = " ".join(_CONTROL_CHARACTERS.sub(" ", valid).split())[:MAX_CHARACTERS]
    matches = [match for match in _OPERATOR.finditer(clean) if match[2].lower() in OPERATORS]
    rest = clean
    for match in reversed(matches):
        rest = rest[: match.start()] + rest[match.end() :]
    return _parse_words(
        " ".join(rest.split()),
        operators=tuple(
            (OPERATORS[match[2].lower()], match[3].strip('"')) for match in matches if not match[1]
        ),
        rejected_operators=tuple(match[0] for match in matches if match[1]),
    )


def split_identifiers(text: str) -> str:
    """Turn each identifier into a phrase of its parts: srv-db02 into "srv db02"."""
    pieces = text.split('"')
    pieces[::2] = [_COMPOUND.sub(_to_phrase, unquoted) for unquoted in pieces[::2]]
    pieces[1::2] = [_COMPOUND.sub(_to_words, quoted) for quoted in pieces[1::2]]
    return '"'.join(pieces)


def _parse_words(
    text: str, operators: tuple[tuple[str, str], ...], rejected_operators: tuple[str, ...]
) -> ParsedQuery:
    numbers = _TICKET_NUMBER.findall(text)
    if read_number(text) is not None:
        numbers.append(text)
    rest = _TICKET_NUMBER.sub(" ", text)
    identifiers = [
        match for match in _IDENTIFIER.findall(rest) if len(match) >= MIN_IDENTIFIER_CHARACTERS
    ]
    exact_terms = dict.fromkeys([*_PHRASE.findall(rest), *identifiers])
    return ParsedQuery(
        text=text,
        ticket_ids=tuple(dict.fromkeys(map(int, numbers))),
        exact_terms=tuple(exact_terms)[:MAX_EXACT_TERMS],
        operators=operators,
        rejected_operators=rejected_operators,
    )


def _to_phrase(match: re.Match[str]) -> str:
    return f'"{_to_words(match)}"'


def _to_words(match: re.Match[str]) -> str:
    return _SEPARATORS.sub(" ", match.group())
