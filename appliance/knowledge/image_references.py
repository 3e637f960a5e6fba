"""Pictures a brought-in text refers to by where they lie beside it. Pure."""

import posixpath
import re
from collections.abc import Iterable, Mapping
from urllib.parse import unquote

# ![words](address "title"), also with the address in angle brackets
_REFERENCE = re.compile(
    r"(!\[[^\]\n]{0,500}\]\()(?:<([^>\n]{1,500})>|([^)\s<>]{1,500}))([^)\n]{0,200}\))"
)
TYPES = {".png", ".jpg", ".jpeg", ".gif", ".webp"}


def references(text: str) -> list[str]:
    """The addresses of its pictures, each once, as they are written; only those that lie beside."""
    references_found = (match.group(2) or match.group(3) for match in _REFERENCE.finditer(text))
    return [
        reference
        for reference in dict.fromkeys(references_found)
        if not re.match(r"[a-zA-Z][\w+.-]*:|/|#", reference)
    ]


def place_of(reference: str, folder: str) -> str:
    """Where in its source a picture lies that a file of ``folder`` refers to."""
    return posixpath.normpath(posixpath.join(folder, unquote(reference)))


def renamed(text: str, names: Mapping[str, str]) -> str:
    """With the addresses in ``names`` replaced by what the article calls its pictures."""

    def replace(match: re.Match) -> str:
        address = match.group(2) or match.group(3)
        if address not in names:
            return match.group(0)
        return f"{match.group(1)}{names[address]}{match.group(4)}"

    return _REFERENCE.sub(replace, text)


def own_name(name: str, taken: Iterable[str]) -> str:
    """The first of name, name-2, name-3 … that is free."""
    stem, suffix = posixpath.splitext(name)
    number, free, taken = 2, name, set(taken)
    while free in taken:
        number, free = number + 1, f"{stem}-{number}{suffix}"
    return free
