"""Highlight search words in titles and in excerpts of texts, as safe HTML. Pure."""

import re
from collections.abc import Sequence
from functools import lru_cache
from html import escape

from django.utils.safestring import SafeString, mark_safe

SNIPPET_CHARACTERS = 220
SCANNED_CHARACTERS = 20_000  # of a text, for the best excerpt
MAX_MATCHES = 500


def build_snippet(text: str, words: Sequence[str], length: int = SNIPPET_CHARACTERS) -> SafeString:
    """Return the excerpt that holds most of the words, about ``length`` characters long.

    Each word stands in <mark>; so do its inflections (print: printer, printing).
    """
    flat = " ".join(text[:SCANNED_CHARACTERS].split())
    pattern = _compile_pattern(tuple(words))
    start = _find_start(flat, pattern, length) if pattern else 0
    excerpt = flat[start : start + length]
    is_cut_in_word = start + length < len(flat) and " " in excerpt[40:]
    end = excerpt.rfind(" ") if is_cut_in_word else len(excerpt)
    html = _highlight(excerpt[:end], pattern)
    prefix, suffix = "… " if start else "", " …" if start + end < len(flat) else ""
    return mark_safe(f"{prefix}{html}{suffix}")  # noqa: S308  (every part of it was escaped)


def highlight(text: str, words: Sequence[str]) -> SafeString:
    """Return the full text with the words in <mark>."""
    html = _highlight(text, _compile_pattern(tuple(words)))
    return mark_safe(html)  # noqa: S308  (every part of it was escaped)


@lru_cache(maxsize=64)
def _compile_pattern(words: tuple[str, ...]) -> re.Pattern[str] | None:
    stems = sorted({_stem(word) for word in words if len(word) > 1}, key=len, reverse=True)
    if not stems:
        return None
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, stems))})\w*", re.IGNORECASE)


def _stem(word: str) -> str:
    """Strip the most common English endings."""
    if len(word) < 5 or not word.isalpha():
        return word
    return re.sub(r"(?:ing|ed|es|s|e)$", "", word)


def _find_start(text: str, pattern: re.Pattern[str], length: int) -> int:
    """Return the start of the excerpt with most different words, a little before the first."""
    matches = [(match.start(), match.group().lower()[:5]) for match in pattern.finditer(text)]
    matches = matches[:MAX_MATCHES]
    best_position, max_words = 0, 0
    for index, (position, _) in enumerate(matches):
        nearby = matches[index : index + 20]
        words = {word for start, word in nearby if start < position + length - 40}
        if len(words) > max_words:
            best_position, max_words = position, len(words)
    if best_position < length // 2:
        return 0
    return text.rfind(" ", 0, best_position - 30) + 1


def _highlight(text: str, pattern: re.Pattern[str] | None) -> str:
    if pattern is None:
        return escape(text)
    parts, end = [], 0
    for match in pattern.finditer(text):
        parts += [escape(text[end : match.start()]), f"<mark>{escape(match.group())}</mark>"]
        end = match.end()
    return "".join([*parts, escape(text[end:])])
