"""Texts that ask the same, put together by their vectors; and the words typical of them. Pure."""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

MAX_WORDS = 6
_WORD = re.compile(r"[^\W\d_]{4,30}")


def cluster(vectors: np.ndarray, *, alike: float, least: int) -> list[list[int]]:
    """Rows of each cluster, its middle first, the largest cluster first.

    ``vectors`` is (n, dims), of unit length. Greedily: the row with the most free neighbours of at
    least this cosine takes them all, until none has enough. n × n bytes of memory.
    """
    near = _neighbours(vectors, alike)
    counts = near.sum(axis=1, dtype=np.int32)
    rows = []
    while len(counts) and counts.max() >= least:
        middle = int(counts.argmax())
        members = np.flatnonzero(near[middle])
        closeness = vectors[members] @ vectors[middle]
        closeness[members == middle] = np.inf
        rows.append([int(row) for row in members[np.argsort(-closeness, kind="stable")]])
        counts -= near[:, members].sum(axis=1, dtype=np.int32)
        near[:, members] = near[members] = False
        counts[members] = 0
    return rows


def typical_words(texts: Sequence[str], others: Sequence[str]) -> list[str]:
    """Words that many of the texts hold and few of the others, the most telling first."""
    here, there = _held(texts), _held(others)
    least = max(2, len(texts) // 3)

    def weight(word: str) -> float:
        share = here[word] / len(texts)
        return share * share / (share + 4 * there[word] / max(1, len(others)))

    rows = [word for word, count in here.items() if count >= least]
    return sorted(rows, key=lambda word: (-weight(word), word))[:MAX_WORDS]


def _neighbours(vectors: np.ndarray, alike: float, step: int = 500) -> np.ndarray:
    """(n, n) of bool; a row is a neighbour of itself."""
    near = np.empty((len(vectors), len(vectors)), dtype=bool)
    for start in range(0, len(vectors), step):
        near[start : start + step] = vectors[start : start + step] @ vectors.T >= alike
    np.fill_diagonal(near, True)
    return near | near.T


def _held(texts: Sequence[str]) -> Counter[str]:
    """Word → in how many of the texts it stands."""
    return Counter(word for text in texts for word in set(_WORD.findall(text.lower())))
