"""Cluster texts by their vectors, and find the words typical of a cluster. Pure."""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

MAX_WORDS = 6
_WORD = re.compile(r"[^\W\d_]{4,30}")


def cluster(vectors: np.ndarray, *, min_cosine: float, min_size: int) -> list[list[int]]:
    """Return the row numbers of each cluster, its centre first, the largest cluster first.

    ``vectors`` is (n, dims), of unit length. Greedy: the row with the most unclustered neighbours
    takes them all, until no row has ``min_size``. Needs n × n bytes of memory.
    """
    is_near = _neighbours(vectors, min_cosine)
    counts = is_near.sum(axis=1, dtype=np.int32)
    clusters = []
    while len(counts) and counts.max() >= min_size:
        centre = int(counts.argmax())
        members = np.flatnonzero(is_near[centre])
        cosines = vectors[members] @ vectors[centre]
        cosines[members == centre] = np.inf
        clusters.append([int(row) for row in members[np.argsort(-cosines, kind="stable")]])
        counts -= is_near[:, members].sum(axis=1, dtype=np.int32)
        is_near[:, members] = is_near[members] = False
        counts[members] = 0
    return clusters


def typical_words(texts: Sequence[str], others: Sequence[str]) -> list[str]:
    """Return words in many of the texts and in few of the others, the most typical first."""
    counts, other_counts = _count_texts(texts), _count_texts(others)
    min_texts = max(2, len(texts) // 3)

    def weight(word: str) -> float:
        share = counts[word] / len(texts)
        return share * share / (share + 4 * other_counts[word] / max(1, len(others)))

    words = [word for word, count in counts.items() if count >= min_texts]
    return sorted(words, key=lambda word: (-weight(word), word))[:MAX_WORDS]


def _neighbours(vectors: np.ndarray, min_cosine: float, step: int = 500) -> np.ndarray:
    """Return (n, n) of bool; a row is a neighbour of itself."""
    is_near = np.empty((len(vectors), len(vectors)), dtype=bool)
    for start in range(0, len(vectors), step):
        is_near[start : start + step] = vectors[start : start + step] @ vectors.T >= min_cosine
    np.fill_diagonal(is_near, True)
    symmetric: np.ndarray = is_near | is_near.T
    return symmetric


def _count_texts(texts: Sequence[str]) -> Counter[str]:
    """Return word → number of texts that contain it."""
    return Counter(word for text in texts for word in set(_WORD.findall(text.lower())))
