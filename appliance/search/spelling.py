"""Spelling corrections from the vocabulary of the site."""

import re
from collections.abc import Sequence

from appliance.core.sql_files import fetch_rows
from appliance.search.models import VocabularyWord
from appliance.search.query_parser import ParsedQuery

MIN_WORD_CHARACTERS = 4  # a shorter word resembles too many others
MAX_CORRECTED_WORDS = 6
MIN_SIMILARITY = 0.25  # of trigrams
MAX_CANDIDATES = 30  # for each word, compared by edit distance
SHORT_WORD_CHARACTERS = 5  # up to here one edit is allowed, beyond two


def correct_spelling(query: ParsedQuery) -> str:
    """Return the text with each unknown word replaced by the nearest known one.

    Empty if there is nothing to replace. At most two queries.
    """
    words = [word for word in query.words if len(word) >= MIN_WORD_CHARACTERS and word.isalpha()][
        :MAX_CORRECTED_WORDS
    ]
    if not words:
        return ""
    known_words = set(VocabularyWord.objects.filter(text__in=words).values_list("text", flat=True))
    corrections = _find_corrections([word for word in words if word not in known_words])
    if not corrections:
        return ""
    return re.sub(r"\w+", lambda match: corrections.get(match[0].lower(), match[0]), query.text)


def _find_corrections(words: Sequence[str]) -> dict[str, str]:
    """Map each word to the vocabulary word nearest to it; words without one are left out."""
    if not words:
        return {}
    rows = fetch_rows(
        "search",
        "similar_words",
        words=list(words),
        min_similarity=MIN_SIMILARITY,
        max_candidates=MAX_CANDIDATES,
    )
    candidates: dict[str, list[tuple[int, int, str]]] = {}
    for word, text, text_count in rows:
        candidates.setdefault(word, []).append((edit_distance(word, text), -text_count, text))
    nearest = {word: min(options) for word, options in candidates.items()}
    return {
        word: text
        for word, (distance, _, text) in nearest.items()
        if distance <= (1 if len(word) <= SHORT_WORD_CHARACTERS else 2)
    }


def edit_distance(first: str, second: str) -> int:
    """Count the edits between two words: insert, delete, replace, or swap two neighbours.

    This is the optimal string alignment distance.
    """
    before_previous: list[int] = []
    previous = list(range(len(second) + 1))
    for i, a in enumerate(first, start=1):
        row = [i]
        for j, b in enumerate(second, start=1):
            cost = min(row[j - 1] + 1, previous[j] + 1, previous[j - 1] + (a != b))
            if i > 1 and j > 1 and a == second[j - 2] and first[i - 2] == b:
                cost = min(cost, before_previous[j - 2] + 1)
            row.append(cost)
        before_previous, previous = previous, row
    return previous[-1]
