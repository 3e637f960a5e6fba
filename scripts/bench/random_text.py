"""Random texts for scratch installations: Zipf-distributed words, one of many topics per text.

The frequent words are those of the demo data, by frequency. Invented words follow as the long tail
of names and part numbers in real tickets. Equal seeds give equal texts.
"""

import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

DEMO = Path(__file__).resolve().parents[2] / "appliance" / "web" / "demo"
VOCABULARY, TOPIC_WORDS = 40_000, 12
TOPICAL_SHARE = 0.15  # of the words of a body are from its topic; half of those of a subject
SENTENCE_WORDS = 12  # words on average
ERROR_CODE_SHARE = 0.03  # of the texts contain an error code
SYLLABLES = re.split(
    " ", "ba co di fu ga he ki lo mu ne po ra si ta ve wo zu tren ster plex dor lin mar nov"
)


class RandomText:
    """Generates many texts at once. Topics are numbers below ``topics``."""

    def __init__(self, topics: int, seed: int = 1) -> None:
        self.random = np.random.default_rng(seed)
        self.known = _demo_words()
        words = self.known + _invented_words(VOCABULARY - len(self.known), self.random)
        self._words = np.array([*words, *(f"{word}." for word in words)], dtype=object)
        ranks = 1 / (np.arange(len(words)) + 2.7)
        self._cumulative = np.cumsum(ranks / ranks.sum())
        topic_candidates = np.arange(150, min(3000, len(self.known)))
        self.topics = np.stack(
            [
                self.random.choice(topic_candidates, TOPIC_WORDS, replace=False)
                for _ in range(topics)
            ]
        )

    def topic_text(self, topic: int) -> str:
        """Return the words of a topic, to be embedded."""
        return " ".join(self._words[self.topics[topic]])

    def subjects(self, topics: np.ndarray) -> list[str]:
        """Return one subject per topic, three to nine words each."""
        lengths = self.random.integers(3, 10, len(topics))
        texts = self._texts(topics, lengths, topical=0.5, sentences=False)
        return [text[:1].upper() + text[1:200] for text in texts]

    def bodies(self, topics: np.ndarray, median: int) -> list[str]:
        """Return one text per topic, log-normal in length; a few contain an error code."""
        lengths = self.random.lognormal(np.log(median), 0.7, len(topics))
        clipped = np.clip(lengths, 5, 20 * median).astype(int)
        texts = self._texts(topics, clipped, topical=TOPICAL_SHARE, sentences=True)
        codes = self.random.random(len(topics)) < ERROR_CODE_SHARE
        for at in np.flatnonzero(codes):
            texts[at] += f" It says 0x{self.random.integers(2**28, 2**32 - 1):08x}."
        return texts

    def _texts(
        self, topics: np.ndarray, lengths: np.ndarray, *, topical: float, sentences: bool
    ) -> list[str]:
        total = int(lengths.sum())
        words = np.searchsorted(self._cumulative, self.random.random(total))
        words = np.minimum(words, len(self._cumulative) - 1)
        is_topical = self.random.random(total) < topical
        owners = np.repeat(topics, lengths)[is_topical]
        words[is_topical] = self.topics[owners, self.random.integers(0, TOPIC_WORDS, len(owners))]
        ends = np.cumsum(lengths)
        if sentences:
            stops = self.random.random(total) < 1 / SENTENCE_WORDS
            stops[ends - 1] = True
            words[stops] += len(self._cumulative)
        chosen = self._words[words].tolist()
        starts = ends - lengths
        return [" ".join(chosen[start:end]) for start, end in zip(starts, ends, strict=True)]


def _demo_words() -> list[str]:
    """Return the words of the demo data, most frequent first."""
    tickets = [json.loads(line) for line in (DEMO / "tickets.jsonl").read_text().splitlines()]
    texts = [f"{ticket['subject']} {ticket['description']}" for ticket in tickets]
    texts += [path.read_text() for path in sorted((DEMO / "articles").glob("*.md"))]
    words = re.findall(r"[a-z]+(?:-[a-z]+)?", " ".join(texts).lower())
    return [
        word for word, _ in sorted(Counter(words).items(), key=lambda item: (-item[1], item[0]))
    ]


def _invented_words(count: int, random: np.random.Generator) -> list[str]:
    invented: dict[str, None] = {}
    while len(invented) < count:
        parts: Sequence[str] = random.choice(SYLLABLES, random.integers(2, 5)).tolist()
        invented.setdefault("".join(parts))
    return list(invented)
