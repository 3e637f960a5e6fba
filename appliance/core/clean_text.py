"""Characters that cannot be seen: what is dropped from texts, and what from names and addresses."""

import re
import unicodedata
from typing import Literal

# PostgreSQL stores no NUL and UTF-8 no half of a surrogate pair; the other controls show nothing.
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")
_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")
_LINE_ENDS = re.compile(r"\r\n|[\r\x0b\x0c]")
_BLANK_LINES = re.compile(r"^(?:[ \t]*\n)+")
_ZERO_WIDTH_JOINERS = "\u200c\u200d"
# What shows nothing although its category is not Cf: fillers, an empty braille cell.
_BLANKS = re.compile(r"[\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0]")
_VARIATIONS = re.compile(r"[\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_FIRST_JOINED = "\u0590"  # scripts before it (Latin, Greek, Cyrillic) need no joiners


def remove_unstorable(text: str) -> str:
    """Return ``text`` without NUL and lone surrogates, which no database column takes."""
    return _UNSTORABLE.sub("", text)


def remove_controls(text: str) -> str:
    """Return ``text`` without control characters; tabs and line ends stay."""
    return _CONTROLS.sub("", text)


def clean_text(text: str) -> str:
    """Return what somebody typed into a text area: no control characters, LF as line end.

    Format characters stay: Persian, emoji and mixed scripts need them.
    """
    return remove_controls(_LINE_ENDS.sub("\n", text))


def clean_paragraphs(text: str) -> str:
    """Return a cleaned text without blank lines at its beginning and blanks at its end."""
    return _BLANK_LINES.sub("", clean_text(text).rstrip())


def clean_line(text: str) -> str:
    """Return what is listed and compared, such as a name: one composed line of what can be seen.

    A joiner or variation selector stays where a script or an emoji needs it.
    """
    return _clean(text, "NFC", keep_joiners=True)


def clean_address(text: str) -> str:
    """Return an e-mail address or log-in name: only what can be seen, in its plainest form."""
    return _clean(text, "NFKC", keep_joiners=False)


def clean_email(text: str) -> str:
    """Return an e-mail address as it is stored and compared: cleaned, in lower case."""
    return clean_address(text).strip().lower()


def _clean(text: str, form: Literal["NFC", "NFKC"], *, keep_joiners: bool) -> str:
    line = remove_controls(re.sub(r"\s", " ", text))
    if line.isascii():
        return line
    visible = _remove_invisible(unicodedata.normalize(form, line), keep_joiners=keep_joiners)
    return unicodedata.normalize(form, visible)  # what was removed may have kept accents apart


def _remove_invisible(line: str, *, keep_joiners: bool) -> str:
    invisible = {character for character in set(line) if is_invisible(character)}
    if not invisible:
        return line
    visible = [""]
    for character in line:
        is_needed = keep_joiners and _is_needed(character, after=visible[-1])
        if is_needed or character not in invisible:
            visible.append(character)
    return "".join(visible).rstrip(_ZERO_WIDTH_JOINERS)


def is_invisible(character: str) -> bool:
    """Return whether the character shows nothing: a format, filler or control character."""
    return (
        unicodedata.category(character) in ("Cf", "Cc")
        or bool(_BLANKS.match(character))
        or bool(_VARIATIONS.match(character))
    )


def _is_needed(character: str, *, after: str) -> bool:
    """Return whether a joiner or variation selector may change the look of what is before it."""
    is_joiner = character in _ZERO_WIDTH_JOINERS or bool(_VARIATIONS.match(character))
    is_repeated = after in _ZERO_WIDTH_JOINERS or character == after
    return is_joiner and after > _FIRST_JOINED and not after.isspace() and not is_repeated
