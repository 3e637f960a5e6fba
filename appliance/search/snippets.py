"""A few lines of a text around what was looked for, as safe HTML. Pure."""

import re
from collections.abc import Sequence
from functools import lru_cache
from html import escape

from django.utils.safestring import SafeString, mark_safe

MOST_CHARACTERS = 220
SEARCHED_CHARACTERS = 20_000


def snippet(text: str, words: Sequence[str], length: int = MOST_CHARACTERS) -> SafeString:
    """About ``length`` characters where most of the words stand, each of them in <mark>.

    A word also marks its other endings (print: printer, printing).
    """
    flat = " ".join(text[:SEARCHED_CHARACTERS].split())
    pattern = _pattern(tuple(words))
    start = _best_start(flat, pattern, length) if pattern else 0
    cut = flat[start : start + length]
    end = cut.rfind(" ") if start + length < len(flat) and " " in cut[40:] else len(cut)
    html = _marked(cut[:end], pattern)
    before, after = "… " if start else "", " …" if start + end < len(flat) else ""
    return mark_safe(f"{before}{html}{after}")  # noqa: S308  (every part of it was escaped)


def mark(text: str, words: Sequence[str]) -> SafeString:
    """The whole text with the words in <mark>."""
    return mark_safe(_marked(text, _pattern(tuple(words))))  # noqa: S308  (every part of it was escaped)


@lru_cache(maxsize=64)
def _pattern(words: tuple[str, ...]) -> re.Pattern | None:
    stems = sorted({_stem(word) for word in words if len(word) > 1}, key=len, reverse=True)
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, stems))})\w*", re.I) if stems else None


def _stem(word: str) -> str:
    """What the other forms of an English word begin with, roughly."""
    if len(word) < 5 or not word.isalpha():
        return word
    return re.sub(r"(?:ing|ed|es|s|e)$", "", word)


def _best_start(text: str, pattern: re.Pattern, length: int) -> int:
    """Where the window with most different words begins, a little before the first of them."""
    hits = [(match.start(), match.group().lower()[:5]) for match in pattern.finditer(text)][:500]
    best, most = 0, 0
    for index, (at, _) in enumerate(hits):
        seen = {word for start, word in hits[index : index + 20] if start < at + length - 40}
        if len(seen) > most:
            best, most = at, len(seen)
    if best < length // 2:
        return 0
    return text.rfind(" ", 0, best - 30) + 1


def _marked(text: str, pattern: re.Pattern | None) -> str:
    if pattern is None:
        return escape(text)
    parts, end = [], 0
    for match in pattern.finditer(text):
        parts += [escape(text[end : match.start()]), f"<mark>{escape(match.group())}</mark>"]
        end = match.end()
    return "".join([*parts, escape(text[end:])])
