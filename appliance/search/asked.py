"""What a person typed into the search box, made safe and taken apart. Pure."""

import re
from dataclasses import dataclass

from appliance.core.fields import JOINTS
from appliance.core.numbers import read_number

MOST_CHARACTERS = 400
MOST_WORDS = 30  # the words beyond find nothing that these have not found
# What a search can be narrowed by in the box itself, in English and in German.
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
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
# Letters with digits, or digits in groups, or many digits: an error code, an address, a serial;
# words joined by what joins the parts of a host, an address or a path.
_IDENTIFIER = re.compile(
    r"(?=[\w.:/-]*\d)(?=[\w.:/-]*[^\W\d])[\w.:/-]*\w|\d+(?:[.:/-]\d+)+|\d{4,}"
    r"|\w+(?:[@\\_]\w[\w.-]*)+|\w+(?:\.\w+)+"
)
_PHRASE = re.compile(r'"([^"]{3,})"')
_JOINED = re.compile(rf"\w+(?:[{re.escape(JOINTS)}]+\w+)+")


@dataclass(frozen=True)
class Asked:
    """A search, bounded and without control characters."""

    text: str  # what to find, without what it is narrowed by
    ticket_ids: tuple[int, ...]  # SKR-1042, #1042, or nothing but a number
    exact: tuple[str, ...]  # identifiers and quoted phrases: found as they stand, or not at all
    narrowed: tuple[tuple[str, str], ...] = ()  # field and value of each operator, as typed
    refused: tuple[str, ...] = ()  # operators that were turned round: nothing does that

    @property
    def allows_some(self) -> bool:
        """Whether a text may lack some words: not when a "phrase", -without or OR was asked."""
        return not re.search(r'"|(?:^|\s)-\w|\s(?:OR|or)\s', self.text)

    @property
    def words(self) -> tuple[str, ...]:
        """Lower-case words, in order, each once; those that are to be absent are left out."""
        wanted = re.sub(r'(?:^|\s)-(?:"[^"]*"?|\S+)', " ", self.text)
        return tuple(dict.fromkeys(re.findall(r"\w+", wanted.lower())))[:MOST_WORDS]

    @property
    def apart(self) -> str:
        return apart(self.text)


def read(text: str) -> Asked:
    """Any text at all: never raises."""
    whole = text[: MOST_CHARACTERS * 4].encode("utf-8", "ignore").decode("utf-8")
    clean = " ".join(_CONTROL.sub(" ", whole).split())[:MOST_CHARACTERS]
    found = [match for match in _OPERATOR.finditer(clean) if match[2].lower() in OPERATORS]
    rest = clean
    for match in reversed(found):
        rest = rest[: match.start()] + rest[match.end() :]
    asked = _read_words(" ".join(rest.split()))
    if not found:
        return asked
    return Asked(
        asked.text,
        asked.ticket_ids,
        asked.exact,
        narrowed=tuple((OPERATORS[m[2].lower()], m[3].strip('"')) for m in found if not m[1]),
        refused=tuple(m[0] for m in found if m[1]),
    )


def _read_words(clean: str) -> Asked:
    numbers = _TICKET_NUMBER.findall(clean)
    if read_number(clean) is not None:
        numbers.append(clean)
    rest = _TICKET_NUMBER.sub(" ", clean)
    exact = [*_PHRASE.findall(rest), *(m for m in _IDENTIFIER.findall(rest) if len(m) >= 4)]
    return Asked(
        text=clean,
        ticket_ids=tuple(dict.fromkeys(map(int, numbers))),
        exact=tuple(dict.fromkeys(exact))[:8],
    )


def apart(text: str) -> str:
    """With the parts of each identifier as a phrase: srv-db02 as "srv db02"."""
    pieces = text.split('"')
    pieces[::2] = [_JOINED.sub(_as_phrase, outside) for outside in pieces[::2]]
    pieces[1::2] = [_JOINED.sub(_in_pieces, inside) for inside in pieces[1::2]]
    return '"'.join(pieces)


def _as_phrase(found: re.Match) -> str:
    return f'"{_in_pieces(found)}"'


def _in_pieces(found: re.Match) -> str:
    return re.sub(rf"[{re.escape(JOINTS)}]+", " ", found.group())
