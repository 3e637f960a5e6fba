"""Words for a scratch desk: as frequent as in speech (Zipf), about one of many topics each text.

The frequent words are those of the demo desk, in their own order; behind them stand made-up ones,
as a long tail of names and parts does in real tickets. Equal seeds give equal texts.
"""

import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

DEMO = Path(__file__).resolve().parents[2] / "appliance" / "web" / "demo"
VOCABULARY, TOPIC_WORDS = 40_000, 12
TOPICAL = 0.15  # of the words of a body; of a subject half
SENTENCE = 12  # words
ERROR_CODES = 0.03  # of the texts carry one
SYLLABLES = re.split(
    " ", "ba co di fu ga he ki lo mu ne po ra si ta ve wo zu tren ster plex dor lin mar nov"
)


class Prose:
    """Writes many texts at once. Topics are numbers below ``topics``."""

    def __init__(self, topics: int, seed: int = 1) -> None:
        self.random = np.random.default_rng(seed)
        self.known = _words_of_the_demo_desk()
        words = self.known + _made_up(VOCABULARY - len(self.known), self.random)
        self._words = np.array([*words, *(f"{word}." for word in words)], dtype=object)
        ranks = 1 / (np.arange(len(words)) + 2.7)
        self._grown = np.cumsum(ranks / ranks.sum())
        speaking = np.arange(150, min(3000, len(self.known)))
        self.topics = np.stack(
            [self.random.choice(speaking, TOPIC_WORDS, replace=False) for _ in range(topics)]
        )

    def topic_text(self, topic: int) -> str:
        """The words of a topic, for an encoder to say where it lies."""
        return " ".join(self._words[self.topics[topic]])

    def subjects(self, topics: np.ndarray) -> list[str]:
        """A line each, three to nine words."""
        lengths = self.random.integers(3, 10, len(topics))
        texts = self._texts(topics, lengths, topical=0.5, sentences=False)
        return [text[:1].upper() + text[1:200] for text in texts]

    def bodies(self, topics: np.ndarray, median: int) -> list[str]:
        """A text each, log-normal in length; a few name an error code."""
        lengths = self.random.lognormal(np.log(median), 0.7, len(topics))
        bounded = np.clip(lengths, 5, 20 * median).astype(int)
        texts = self._texts(topics, bounded, topical=TOPICAL, sentences=True)
        codes = self.random.random(len(topics)) < ERROR_CODES
        for at in np.flatnonzero(codes):
            texts[at] += f" It says 0x{self.random.integers(2**28, 2**32 - 1):08x}."
        return texts

    def _texts(
        self, topics: np.ndarray, lengths: np.ndarray, *, topical: float, sentences: bool
    ) -> list[str]:
        total = int(lengths.sum())
        words = np.searchsorted(self._grown, self.random.random(total))
        words = np.minimum(words, len(self._grown) - 1)
        about = self.random.random(total) < topical
        owners = np.repeat(topics, lengths)[about]
        words[about] = self.topics[owners, self.random.integers(0, TOPIC_WORDS, len(owners))]
        ends = np.cumsum(lengths)
        if sentences:
            stops = self.random.random(total) < 1 / SENTENCE
            stops[ends - 1] = True
            words[stops] += len(self._grown)
        spoken = self._words[words].tolist()
        starts = ends - lengths
        return [" ".join(spoken[start:end]) for start, end in zip(starts, ends, strict=True)]


def _words_of_the_demo_desk() -> list[str]:
    """Each once, the most frequent first."""
    tickets = [json.loads(line) for line in (DEMO / "tickets.jsonl").read_text().splitlines()]
    texts = [f"{ticket['subject']} {ticket['description']}" for ticket in tickets]
    texts += [path.read_text() for path in sorted((DEMO / "articles").glob("*.md"))]
    words = re.findall(r"[a-z]+(?:-[a-z]+)?", " ".join(texts).lower())
    return [word for word, _ in sorted(Counter(words).items(), key=lambda one: (-one[1], one[0]))]


def _made_up(count: int, random: np.random.Generator) -> list[str]:
    made: dict[str, None] = {}
    while len(made) < count:
        parts: Sequence[str] = random.choice(SYLLABLES, random.integers(2, 5)).tolist()
        made.setdefault("".join(parts))
    return list(made)
