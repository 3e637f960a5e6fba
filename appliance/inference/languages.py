"""The language of a text, and whether it is one that a bundle was measured on.

py3langid compares 40 languages by their byte sequences. Its model (4.6 MB, one second to load) is
loaded with the first text. Measured by scripts/bench/languages.py; docs/models.md has the figures.
"""

import lzma
import re
from array import array
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from importlib.metadata import version
from io import BytesIO
from threading import Lock
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

MAX_CHARACTERS = 600  # of a text; the time grows with them
MIN_LETTERS = 15  # fewer say too little about a language
# Tickets quote error messages and product names in English and in other languages: only a text
# that is hardly in one of the languages is refused.
MIN_PROBABILITY = 0.1

LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "pl", "pt", "sv")  # that ``recognise`` returns
# Change it with the rules below: every text is then recognised again.
RECOGNISER = ("py3langid", f"{version('py3langid')}-1")  # name and version
# How much likelier a text is in a language of the desk than in another of LANGUAGES, and those than
# in one of the rest: a Swedish desk gets few Danish tickets. Chosen, like the rules below, on
# scripts/models/texts/tickets.*.jsonl; 30 instead of 10 takes many short foreign texts for English.
DESK_PRIOR, REST_PRIOR = 10.0, 0.3
# How much likelier English is for ``is_english``, so that single English words count as English;
# with 10, many words that only another language has would.
ENGLISH_PRIOR = 3.0
MIN_SURE_LETTERS = 8
MIN_SURE_PROBABILITY = 0.7
# A text of two languages is not in one of them, unless one only quotes the other.
MIN_PART_LETTERS, MIN_PART_PROBABILITY, MAX_OTHER_SHARE = 30, 0.9, 0.4
# Names of devices, paths, codes, abbreviations: they say nothing about the language of a sentence.
_IDENTIFIER = re.compile(r"\S*(?:[\d_\\@/]|://)\S*|\b[A-Z]{2,}\b|\S*[a-z][A-Z]\S*")
_SENTENCE_END = re.compile(r"(?<=[.!?:;])\s+|\n+")
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
    if _NOT_LATIN.isdisjoint(languages) and not _is_latin(sample):
        return False
    if _count_letters(sample) < MIN_LETTERS:
        return True
    probabilities = _probabilities(sample)
    return sum(probabilities.get(name, 0.0) for name in languages) >= MIN_PROBABILITY


def is_english(text: str) -> bool:
    """Return whether a text is likelier English than in another of LANGUAGES. Takes 0.2 ms.

    A text of one word, or of none, has an answer too: ENGLISH_PRIOR decides what is close.
    """
    sample = text[:MAX_CHARACTERS]
    if not _is_latin(sample):
        return False
    probabilities = _probabilities(_without_identifiers(sample))
    others = max(probabilities[name] for name in LANGUAGES if name != "en")
    return ENGLISH_PRIOR * probabilities["en"] >= others


@lru_cache(maxsize=128)
def _probabilities(sample: str) -> Mapping[str, float]:
    """Return language → probability. Cached: a ticket page asks about one text several times."""
    return MappingProxyType(dict(_identifier().rank(sample)))


class RecognisedLanguage(NamedTuple):
    """One of LANGUAGES, or empty when none is clear, with the probability of the likeliest."""

    code: str
    probability: float


def recognise(text: str, desk_languages: Collection[str] = ()) -> RecognisedLanguage:
    """Return the language of a text. Takes about 0.9 ms.

    The language is empty when that is not clear: the text is short, mixed, or in another language.
    ``desk_languages`` are likelier than others, so that an English text full of product names stays
    English on a desk that works in English.
    """
    sample = text[:MAX_CHARACTERS]
    if not _is_latin(sample):
        return RecognisedLanguage("", 0.0)
    sample = _without_identifiers(sample)
    language, probability = _most_probable(sample, desk_languages)
    if probability < MIN_SURE_PROBABILITY or _is_mixed(sample, language, desk_languages):
        language = ""
    return RecognisedLanguage(language, probability)


def _without_identifiers(sample: str) -> str:
    return sample if sample.isupper() else _IDENTIFIER.sub(" ", sample)


def _most_probable(text: str, desk_languages: Collection[str]) -> tuple[str, float]:
    """Return one of LANGUAGES with its probability; empty when another language is likelier."""
    if _count_letters(text) < MIN_SURE_LETTERS:
        return "", 0.0
    weights = {
        name: probability * _prior(name, desk_languages)
        for name, probability in _identifier().rank(text)
    }
    best = max(weights, key=weights.__getitem__)
    return (best, weights[best] / sum(weights.values())) if best in LANGUAGES else ("", 0.0)


def _prior(name: str, desk_languages: Collection[str]) -> float:
    if name in desk_languages:
        return DESK_PRIOR
    return 1.0 if name in LANGUAGES else REST_PRIOR


def _is_mixed(sample: str, language: str, desk_languages: Collection[str]) -> bool:
    """Return whether too much of the text is surely in other languages than this one."""
    letters: Counter[str] = Counter()
    for part in _parts(sample):
        name, probability = _most_probable(part, desk_languages)
        if name and probability >= MIN_PART_PROBABILITY:
            letters[name] += _count_letters(part)
    total = letters.total()
    return total > 0 and 1 - letters[language] / total > MAX_OTHER_SHARE


def _parts(sample: str) -> Iterator[str]:
    """Yield runs of whole sentences or lines, long enough to recognise."""
    part = ""
    for sentence in _SENTENCE_END.split(sample):
        part = f"{part} {sentence}"
        if _count_letters(part) >= MIN_PART_LETTERS:
            yield part
            part = ""


def _is_latin(sample: str) -> bool:
    """Return whether half of the letters are Latin; a text without letters is."""
    letters = [character for character in sample if character.isalpha()]
    latin = sum(letter < "\u0250" or "\u1e00" <= letter < "\u1f00" for letter in letters)
    return latin >= len(letters) / 2


def _count_letters(text: str) -> int:
    return sum(map(str.isalpha, text))


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
