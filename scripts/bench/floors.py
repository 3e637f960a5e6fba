#!/usr/bin/env python3
"""Measure the similarities below which an article, an earlier ticket or a hit is no good match.

    python scripts/bench/floors.py --data DIR

Questions of ``kb_links_to_2025`` have an answer among the articles of ``kb_titles``; those of
CLINC150 (banking, travel, cooking and questions out of scope) and random words have none. Floors
are chosen on the questions of late 2024 and on CLINC150's validation split, and scored on those of
2025 and on its test split. Prints the table of docs/models.md.
"""

import argparse
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
from suggestions import read

from appliance.inference.engine import Engine

ROOT = Path(__file__).resolve().parents[2]
VALIDATION_FROM, TEST_FROM = "2024-09-01", "2025-01-01"
FLOORS = (0.30, 0.36, 0.40, 0.42, 0.45, 0.50, 0.55)
NEAREST = 3  # articles that are shown
UNKNOWN_FLOOR = 0.50  # triage.vector_search.MIN_COSINE_OF_UNKNOWN_WORDS
LETTERS = list("abcdefghijklmnopqrstuvwxyz")


@dataclass(frozen=True)
class Questions:
    """Texts and their vectors, and the places of the right articles; none if unanswerable.

    ``floors`` are those of texts without any word that the encoder knows, else 0.
    """

    vectors: np.ndarray
    floors: np.ndarray
    right: list[set[int]]


class Encoder:
    """The shipped encoder, and as many texts of each kind as the command line allows."""

    def __init__(self, models: Path, most: int) -> None:
        self._engine = Engine(models, threads=2)
        self._most = most
        self._rng = np.random.default_rng(1)

    def embed(self, texts: Iterable[str]) -> np.ndarray:
        return np.array([self._engine.embed(text) for text in texts])

    def read(self, texts: list[str], right: list[set[int]] | None = None) -> Questions:
        floors = [0.0 if self._engine.knows_words(text) else UNKNOWN_FLOOR for text in texts]
        return Questions(self.embed(texts), np.array(floors), right or [set() for _ in texts])

    def sample(self, rows: list, factor: int = 1) -> list:
        return [rows[i] for i in self._rng.permutation(len(rows))[: self._most * factor]]

    def random_words(self) -> list[str]:
        """Return texts of one to three words that no language has."""
        return [
            " ".join(
                "".join(self._rng.choice(LETTERS, self._rng.integers(3, 10)))
                for _word in range(self._rng.integers(1, 4))
            )
            for _text in range(self._most)
        ]


def measure(data: Path, encoder: Encoder) -> None:
    """Print the distributions and the effect of each floor."""
    titles = list(read(data / "kb_titles.jsonl.gz"))
    places = {row["slug"]: place for place, row in enumerate(titles)}
    links = [
        row
        for row in read(data / "kb_links_to_2025.jsonl.gz")
        if any(slug in places for slug in row["kb"])
    ]
    articles = encoder.embed(f"{row['title']}\n" for row in titles)
    history = encoder.sample([row for row in links if row["created"] < VALIDATION_FROM], 5)
    earlier = answerable(encoder, history, places, "full")
    clinc = list(read(data / "clinc150.jsonl.gz"))
    splits = {
        "validation": ([r for r in links if VALIDATION_FROM <= r["created"] < TEST_FROM], "val"),
        "test": ([r for r in links if r["created"] >= TEST_FROM], "test"),
    }
    for split, (rows, name) in splits.items():
        rows = encoder.sample(rows)
        foreign = encoder.sample([r["text"] for r in clinc if r["split"].endswith(name)])
        unanswerable = [encoder.read(foreign), encoder.read(encoder.random_words())]
        for part in ("title", "full"):
            questions = answerable(encoder, rows, places, part)
            report(f"{split}, {part}", questions, unanswerable, articles, None)
        report(f"{split}, by earlier tickets", questions, unanswerable, earlier.vectors, earlier)


def answerable(encoder: Encoder, rows: list[dict], places: dict[str, int], part: str) -> Questions:
    texts = [row["title"] if part == "title" else f"{row['title']}\n{row['text']}" for row in rows]
    right = [{places[slug] for slug in row["kb"] if slug in places} for row in rows]
    return encoder.read(texts, right)


def report(
    name: str,
    questions: Questions,
    unanswerable: list[Questions],
    known: np.ndarray,
    earlier: Questions | None,
) -> None:
    """Print one row for each floor: the shares of right matches kept and of questions refused."""
    rows = zip(questions.vectors, questions.right, strict=True)
    cosines = np.array([best_right(vector, known, right, earlier) for vector, right in rows])
    is_right = cosines >= 0
    print(f"\n{name}: {is_right.sum()} of {len(cosines)} questions have a right match\n")
    print("| floor | right matches kept | CLINC150 refused | random letters refused |")
    print("| ---: | ---: | ---: | ---: |")
    tops = [(rows.vectors @ known.T).max(axis=1) for rows in unanswerable]
    for floor in FLOORS:
        shares = [(cosines >= np.maximum(questions.floors, floor))[is_right].mean()]
        for top, rows in zip(tops, unanswerable, strict=True):
            shares.append((top < np.maximum(rows.floors, floor)).mean())
        print(f"| {floor:.2f} | {' | '.join(f'{share:.3f}' for share in shares)} |", flush=True)


def best_right(
    vector: np.ndarray, known: np.ndarray, right: set[int], earlier: Questions | None
) -> float:
    """Return the cosine of the right article, or of the nearest ticket that it helped on.

    -1 if it is not among the nearest: no floor loses it.
    """
    cosines = known @ vector
    for place in np.argsort(-cosines)[: NEAREST if earlier is None else 5]:
        if place in right if earlier is None else earlier.right[place] & right:
            return float(cosines[place])
    return -1.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--models", type=Path, default=ROOT / "models", help="folder of bundles")
    parser.add_argument("--most", type=int, default=300, help="texts of each kind")
    args = parser.parse_args()
    measure(args.data, Encoder(args.models, args.most))


if __name__ == "__main__":
    main()
