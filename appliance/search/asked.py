"""What a person typed into the search box, made safe and taken apart. Pure."""

import re
from dataclasses import dataclass

MOST_CHARACTERS = 400
_TICKET_NUMBER = re.compile(r"(?:\bSKR-|#)(\d{1,18})\b", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
# Letters with digits, or digits in groups, or many digits: an error code, an address, a serial.
_IDENTIFIER = re.compile(r"(?=[\w.:/-]*\d)(?=[\w.:/-]*[^\W\d])[\w.:/-]*\w|\d+(?:[.:/-]\d+)+|\d{4,}")
_PHRASE = re.compile(r'"([^"]{3,})"')


@dataclass(frozen=True)
class Asked:
    """A search, bounded and without control characters."""

    text: str
    ticket_ids: tuple[int, ...]  # SKR-1042, #1042, or nothing but a number
    exact: tuple[str, ...]  # identifiers and quoted phrases: found as they stand, or not at all

    @property
    def allows_some(self) -> bool:
        """Whether a text may lack some words: not when a "phrase" or -without was asked."""
        return not re.search(r'"|(?:^|\s)-\w', self.text)

    @property
    def words(self) -> tuple[str, ...]:
        """Lower-case words, in order, each once."""
        return tuple(dict.fromkeys(re.findall(r"\w+", self.text.lower())))


def read(text: str) -> Asked:
    """Any text at all: never raises."""
    whole = text[: MOST_CHARACTERS * 4].encode("utf-8", "ignore").decode("utf-8")
    clean = " ".join(_CONTROL.sub(" ", whole).split())[:MOST_CHARACTERS]
    numbers = _TICKET_NUMBER.findall(clean)
    if clean.isascii() and clean.isdigit() and len(clean) <= 18:
        numbers.append(clean)
    rest = _TICKET_NUMBER.sub(" ", clean)
    exact = [*_PHRASE.findall(rest), *(m for m in _IDENTIFIER.findall(rest) if len(m) >= 4)]
    return Asked(
        text=clean,
        ticket_ids=tuple(dict.fromkeys(map(int, numbers))),
        exact=tuple(dict.fromkeys(exact))[:8],
    )
