"""Whether a text is in a language that a bundle was measured on.

py3langid compares 40 languages by their byte sequences. Its model (4.6 MB, one second to load) is
loaded with the first text. Measured by scripts/bench/languages.py; docs/models.md has the figures.
"""

import lzma
from array import array
from collections.abc import Collection
from functools import lru_cache
from io import BytesIO
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

MAX_CHARACTERS = 600  # of a text; the time grows with them
MIN_LETTERS = 15  # fewer say too little about a language
# Tickets quote error messages and product names in English and in other languages: only a text
# that is hardly in one of the languages is refused.
MIN_PROBABILITY = 0.1
_LANGUAGES = (
    *("ar", "bg", "bn", "cs", "da", "de", "el", "en", "es", "et", "fa", "fi", "fr", "he", "hi"),
    *("hr", "hu", "id", "it", "ja", "ko", "lt", "lv", "ms", "nl", "no", "pl", "pt", "ro", "ru"),
    *("sk", "sl", "sr", "sv", "th", "tr", "uk", "ur", "vi", "zh"),
)
_NOT_LATIN = frozenset(
    ("ar", "bg", "bn", "el", "fa", "he", "hi", "ja", "ko", "ru", "sr", "th", "uk", "ur", "zh")
)
_lock = Lock()


def is_supported(text: str, languages: Collection[str]) -> bool:
    """Return whether the text may be in one of the languages. Takes about 0.2 ms.

    A short text may, unless it is in another script.
    """
    sample = text[:MAX_CHARACTERS]
    letters = [character for character in sample if character.isalpha()]
    if not letters:
        return True
    if _NOT_LATIN.isdisjoint(languages):
        latin = sum(letter < "\u0250" or "\u1e00" <= letter < "\u1f00" for letter in letters)
        if latin < len(letters) / 2:
            return False
    if len(letters) < MIN_LETTERS:
        return True
    probabilities = dict(_identifier().rank(sample))
    return sum(probabilities.get(name, 0.0) for name in languages) >= MIN_PROBABILITY


def load() -> None:
    """Load the model now, so that the first text does not wait for it."""
    _identifier()


def _identifier() -> "LanguageIdentifier":
    with _lock:  # not two threads at once: it takes a second
        return _load_identifier()


@lru_cache(maxsize=1)
def _load_identifier() -> "LanguageIdentifier":
    """Return the model of py3langid, unpacked in memory.

    Its own reader unpacks to a temporary file, which a full disk refuses, and the sandbox of model
    updates.
    """
    from py3langid.langid import MODEL_DIR, MODEL_FILE, LanguageIdentifier

    with lzma.open(MODEL_DIR / MODEL_FILE) as packed:
        content = BytesIO(packed.read())
    with np.load(content, allow_pickle=False) as model:
        identifier = LanguageIdentifier(
            model["ptc"],
            model["pc"],
            model["classes"].tolist(),
            _to_array(model["nextmove"]),
            model["out_feat"].tolist(),
            norm_probs=True,
            tk_row=_to_array(model["nextmove_row"]),
        )
    identifier.set_languages(_LANGUAGES)
    return identifier


def _to_array(numbers: np.ndarray) -> array:
    """Return an array of the standard library, whose items are read faster one by one."""
    return array({2: "H", 4: "I"}[numbers.itemsize], numbers.tobytes())
