"""What somebody meant who mistyped a word, guessed from the words of this desk."""

import re
from collections.abc import Sequence

from django.db import connection

from appliance.search.models import Word
from appliance.search.query_parser import Asked

LEAST = 4  # characters; a shorter word is like too many others
MOST_WORDS = 6  # looked up; who mistypes more of them must try again
LIKE = 0.25  # of trigrams, for the first look
NEAR = 30  # words looked at more closely
_NEAR = """
SELECT typed.word, near.text, near.seen FROM unnest(%(words)s::text[]) AS typed (word)
CROSS JOIN LATERAL (
    SELECT text, seen FROM search_word
    WHERE text %% typed.word AND similarity(text, typed.word) > %(like)s
    ORDER BY similarity(text, typed.word) DESC, seen DESC LIMIT %(near)s
) AS near
"""


def respell(asked: Asked) -> str:
    """The text with each word nobody here writes as the nearest that somebody does; empty when
    there is none. At most two queries.
    """
    words = [word for word in asked.words if len(word) >= LEAST and word.isalpha()][:MOST_WORDS]
    known = set(Word.objects.filter(text__in=words).values_list("text", flat=True)) if words else ()
    better = _nearest([word for word in words if word not in known])
    if not better:
        return ""
    return re.sub(r"\w+", lambda found: better.get(found[0].lower()) or found[0], asked.text)


def _nearest(words: Sequence[str]) -> dict[str, str]:
    """For each word the one it was meant to be; those that are like none are left out."""
    if not words:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_NEAR, {"words": list(words), "like": LIKE, "near": NEAR})
        rows = cursor.fetchall()
    far: dict[str, list[tuple[int, int, str]]] = {}
    for word, text, seen in rows:
        far.setdefault(word, []).append((distance(word, text), -seen, text))
    best = {word: min(found) for word, found in far.items()}
    return {
        word: text
        for word, (slips, _, text) in best.items()
        if slips <= (1 if len(word) < 6 else 2)
    }


def distance(one: str, other: str) -> int:
    """How many slips lie between two words: a letter more, less, other, or two in wrong order."""
    before, last = [], list(range(len(other) + 1))
    for i, a in enumerate(one, start=1):
        row = [i]
        for j, b in enumerate(other, start=1):
            cost = min(row[j - 1] + 1, last[j] + 1, last[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, last = last, row
    return last[-1]
