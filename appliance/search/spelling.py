"""What somebody meant who mistyped a word, guessed from the words of this desk."""

import re

from django.contrib.postgres.search import TrigramSimilarity

from appliance.search.asked import Asked
from appliance.search.models import Word

LEAST = 4  # characters; a shorter word is like too many others
MOST_WORDS = 6  # looked up; who mistypes more of them must try again
LIKE = 0.25  # of trigrams, for the first look
NEAR = 30  # words looked at more closely


def respell(asked: Asked) -> str:
    """The text with each word nobody here writes as the nearest that somebody does; empty when
    there is none. One query, and one for each such word.
    """
    words = [word for word in asked.words if len(word) >= LEAST and word.isalpha()][:MOST_WORDS]
    known = set(Word.objects.filter(text__in=words).values_list("text", flat=True))
    better = {word: _nearest(word) for word in words if word not in known}
    if not any(better.values()):
        return ""
    return re.sub(r"\w+", lambda found: better.get(found[0].lower()) or found[0], asked.text)


def _nearest(word: str) -> str:
    near = (
        Word.objects.annotate(likeness=TrigramSimilarity("text", word))
        .filter(text__trigram_similar=word, likeness__gt=LIKE)
        .order_by("-likeness", "-seen")
        .values_list("text", "seen")
    )
    far = [(distance(word, text), -seen, text) for text, seen in near[:NEAR]]
    slips, _, text = min(far, default=(LEAST, 0, ""))
    return text if slips <= (1 if len(word) < 6 else 2) else ""


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
