#!/usr/bin/env python3
"""Choose the similarities below which an encoder's matches are not offered, and measure them.

    python scripts/bench/floors.py --data DIR [--bundle FOLDER | --write FOLDER]

Questions of ``kb_links_to_2025`` have an answer among the articles of ``kb_titles``; those of
CLINC150 (banking, travel, cooking and questions out of scope), sentences of STS-B in the other
languages of the encoder, and random words have none. Floors are chosen on questions of late 2024
and on the validation splits, and scored on those of 2025 and on the test splits; duplicates on
questions that somebody asked twice within a week, content gaps on the demo data. Prints the tables
of docs/models.md and the JSON of the floors; --write stores it in that encoder's bundle.json.
"""

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
from suggestions import read

from appliance.inference.bundle import DEFAULT_FLOORS
from appliance.inference.engine import Engine

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "appliance" / "web" / "demo"
VALIDATION_FROM, TEST_FROM = "2024-09-01", "2025-01-01"
NEAREST = 3  # articles that are shown
NEIGHBOURS = 5  # earlier tickets that are looked at
PIECE_WORDS = 120  # of a demo article; the product cuts them into 60 to 180 words
LETTERS = list("abcdefghijklmnopqrstuvwxyz")
# What each floor is chosen for. An article costs attention when it is wrong, a hit of a search
# hardly any; an earlier ticket moves an article up that is otherwise near.
REFUSED = {"hit": 0.78, "article": 0.88, "neighbour": 0.94}  # shares of unanswerable questions
REFUSED_RANDOM = 0.99  # of random letters, by "unknown_words"
DUPLICATES_KEPT = 0.95  # of the pairs that somebody asked twice
REFUSED_ANSWERS = 0.76  # of demo tickets whose article was removed, by "answer"
REFUSED_PAIRS = 0.9997  # of pairs of demo tickets with different articles, by "same_question"


@dataclass(frozen=True)
class Questions:
    """Texts and their vectors, and the places of the right articles; none if unanswerable."""

    vectors: np.ndarray
    knows_words: np.ndarray
    right: list[set[int]]

    def tops(self, known: np.ndarray) -> np.ndarray:
        """Return the cosine of each text with the nearest of (n, dims)."""
        return (self.vectors @ known.T).max(axis=1)


class Encoder:
    """The encoder, and as many texts of each kind as the command line allows."""

    def __init__(self, engine: Engine, most: int) -> None:
        self._engine = engine
        self._most = most
        self._rng = np.random.default_rng(1)

    @property
    def languages(self) -> tuple[str, ...]:
        return self._engine.bundle("encoder").languages

    def embed(self, texts: Iterable[str]) -> np.ndarray:
        return np.array([self._engine.embed(text) for text in texts])

    def read(self, texts: list[str], right: list[set[int]] | None = None) -> Questions:
        knows_words = np.array([self._engine.knows_words(text) for text in texts])
        return Questions(self.embed(texts), knows_words, right or [set() for _ in texts])

    def sample(self, rows: Sequence, factor: int = 1) -> list:
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


@dataclass(frozen=True)
class Split:
    """Questions of one time, by title and in full, and questions without an answer."""

    titles: Questions
    full: Questions
    foreign: Questions  # CLINC150
    other_languages: Questions | None
    random: Questions


class Articles:
    """The public articles, and the earlier questions that they answered."""

    def __init__(self, data: Path, encoder: Encoder) -> None:
        self._data, self._encoder = data, encoder
        rows = list(read(data / "kb_titles.jsonl.gz"))
        self._places = {row["slug"]: place for place, row in enumerate(rows)}
        self._links = [
            row
            for row in read(data / "kb_links_to_2025.jsonl.gz")
            if any(slug in self._places for slug in row["kb"])
        ]
        self.vectors = encoder.embed(f"{row['title']}\n" for row in rows)
        earlier = [row for row in self._links if row["created"] < VALIDATION_FROM]
        self.earlier = self._answerable(encoder.sample(earlier, 5), is_full=True)

    def split(self, *, is_test: bool) -> Split:
        encoder = self._encoder
        since, until = (TEST_FROM, "9999") if is_test else (VALIDATION_FROM, TEST_FROM)
        rows = encoder.sample([row for row in self._links if since <= row["created"] < until])
        name = "test" if is_test else "val"
        clinc = [
            row["text"]
            for row in read(self._data / "clinc150.jsonl.gz")
            if row["split"].endswith(name)
        ]
        sentences = self._sentences_of_other_languages("test" if is_test else "dev")
        return Split(
            titles=self._answerable(rows, is_full=False),
            full=self._answerable(rows, is_full=True),
            foreign=encoder.read(encoder.sample(clinc)),
            other_languages=encoder.read(encoder.sample(sentences)) if sentences else None,
            random=encoder.read(encoder.random_words()),
        )

    def _answerable(self, rows: list[dict], *, is_full: bool) -> Questions:
        texts = [f"{row['title']}\n{row['text']}" if is_full else row["title"] for row in rows]
        right = [{self._places[slug] for slug in row["kb"] if slug in self._places} for row in rows]
        return self._encoder.read(texts, right)

    def _sentences_of_other_languages(self, split: str) -> list[str]:
        """Return sentences about everyday life in the encoder's languages, without English."""
        path = self._data / "multilingual" / "stsb_multi.jsonl.gz"
        if not path.is_file():
            return []
        languages = {*self._encoder.languages} - {"en"}
        return [
            row["a"] for row in read(path) if row["split"] == split and row["lang"] in languages
        ]


def choose(data: Path, encoder: Encoder, articles: Articles) -> dict[str, float]:
    """Return the floors by name, chosen on the validation split."""
    split = articles.split(is_test=False)
    kinds = [split.foreign, *([split.other_languages] if split.other_languages else [])]
    known = {"hit": articles.vectors, "article": articles.vectors}
    known["neighbour"] = articles.earlier.vectors
    floors = {
        # the strictest kind decides: a language must not be offered more nonsense than English
        name: max(np.quantile(kind.tops(known[name]), share) for kind in kinds)
        for name, share in REFUSED.items()
    }
    floors["unknown_words"] = np.quantile(split.random.tops(articles.vectors), REFUSED_RANDOM)
    pairs, others = pairs_of_duplicates(data, encoder)
    floors["duplicate"] = np.quantile(pairs, 1 - DUPLICATES_KEPT)
    floors |= demo_floors(encoder)
    rounded = {name: round(float(floors[name]), 2) for name in DEFAULT_FLOORS}
    is_near = others >= rounded["duplicate"]
    print(f"{len(pairs)} pairs asked twice, {is_near.mean():.3f} of others on a topic are as near")
    return rounded


def pairs_of_duplicates(data: Path, encoder: Encoder) -> tuple[np.ndarray, np.ndarray]:
    """Return the cosines of questions asked twice within a week (a title that occurs twice, with
    different texts), and of as many pairs that merely share a topic.
    """
    by_title, by_topic = defaultdict(list), defaultdict(list)
    for row in read(data / "thunderbird_questions_to_2025.jsonl.gz"):
        by_title[row["title"].strip().lower()].append(row)
        by_topic[row["topic"]].append(row)
    twice = [rows for rows in by_title.values() if len(rows) == 2 and _is_asked_again(*rows)]
    twice = encoder.sample(twice)
    by_topic.pop("other", None)
    topics = [rows for rows in by_topic.values() if len(rows) > 1]
    same_topic = [encoder.sample(topics[place % len(topics)])[:2] for place in range(len(twice))]
    return _pair_cosines(encoder, twice), _pair_cosines(encoder, same_topic)


def _is_asked_again(first: dict, second: dict) -> bool:
    days = date.fromisoformat(first["created"]) - date.fromisoformat(second["created"])
    return abs(days.days) <= 7 and first["text"].strip() != second["text"].strip()


def _pair_cosines(encoder: Encoder, pairs: list[list[dict]]) -> np.ndarray:
    left, right = (
        encoder.embed(f"{pair[place]['title']}\n{pair[place]['text']}" for pair in pairs)
        for place in (0, 1)
    )
    return (left * right).sum(axis=1)


def demo_floors(encoder: Encoder) -> dict[str, float]:
    """Return the floors of content gaps, by the tickets of the demo data whose article is known."""
    rows = [json.loads(line) for line in (DEMO / "tickets.jsonl").read_text("utf-8").splitlines()]
    rows = [row for row in rows if row.get("article")]
    slugs = np.array([row["article"] for row in rows])
    tickets = encoder.embed(f"{row['subject']}\n{row['description']}" for row in rows)
    pieces = [
        (path.stem, " ".join(words[start : start + PIECE_WORDS]))
        for path in sorted((DEMO / "articles").glob("*.md"))
        for words in [path.read_text("utf-8").partition("\n---\n")[2].split()]
        for start in range(0, len(words), PIECE_WORDS)
    ]
    cosines = tickets @ encoder.embed(text for _, text in pieces).T
    is_own = slugs[:, None] == np.array([slug for slug, _ in pieces])
    differ = np.triu(slugs[:, None] != slugs, 1)
    return {
        "answer": np.quantile(np.where(is_own, -1.0, cosines).max(axis=1), REFUSED_ANSWERS),
        "same_question": np.quantile((tickets @ tickets.T)[differ], REFUSED_PAIRS),
    }


def report(articles: Articles, floors: dict[str, float]) -> None:
    """Print what the floors do on the test split: right matches kept, questions refused."""
    split = articles.split(is_test=True)
    earlier = articles.earlier
    print("\n| what | floor | right matches kept | CLINC150 | other languages | random letters |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for what, name, questions, history in (
        ("suggested article, by title and text", "article", split.full, None),
        ("suggested article, by the title alone", "article", split.titles, None),
        ("earlier ticket whose article is suggested", "neighbour", split.full, earlier),
        ("hit of a search, similar ticket, by the title", "hit", split.titles, None),
    ):
        known = articles.vectors if history is None else history.vectors
        right = zip(questions.vectors, questions.right, strict=True)
        cosines = np.array([best_right(vector, known, places, history) for vector, places in right])
        is_right = cosines >= 0
        limits = floors_of(questions, floors, name)
        shares = [f"{(cosines >= limits)[is_right].mean():.3f}"]
        for kind in (split.foreign, split.other_languages, split.random):
            is_refused = kind and kind.tops(known) < floors_of(kind, floors, name)
            shares.append("" if kind is None else f"{is_refused.mean():.3f}")
        print(f"| {what} | {floors[name]:.2f} | {' | '.join(shares)} |", flush=True)


def floors_of(questions: Questions, floors: dict[str, float], name: str) -> np.ndarray:
    """Return the floor of each text: higher where the encoder knows none of its words."""
    strict = max(floors[name], floors["unknown_words"])
    return np.where(questions.knows_words, floors[name], strict)


def best_right(
    vector: np.ndarray, known: np.ndarray, right: set[int], earlier: Questions | None
) -> float:
    """Return the cosine of the right article, or of the nearest ticket that it helped on.

    -1 if it is not among the nearest: no floor loses it.
    """
    cosines = known @ vector
    for place in np.argsort(-cosines)[: NEAREST if earlier is None else NEIGHBOURS]:
        if place in right if earlier is None else earlier.right[place] & right:
            return float(cosines[place])
    return -1.0


def write(folder: Path, floors: dict[str, float]) -> None:
    """Store the floors in the bundle.json of an encoder; its digest does not depend on them."""
    path = folder / "bundle.json"
    settings = json.loads(path.read_text("utf-8"))
    text = json.dumps(settings | {"floors": floors}, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--bundle", type=Path, help="folder of an encoder (default: the active)")
    parser.add_argument("--models", type=Path, default=ROOT / "models", help="folder of bundles")
    parser.add_argument("--most", type=int, default=300, help="texts of each kind")
    parser.add_argument("--write", type=Path, help="folder of the encoder to store them in")
    args = parser.parse_args()
    folder = args.write or args.bundle
    folders = {"encoder": folder.resolve()} if folder else {}
    engine = Engine.from_folders(folders) if folders else Engine(args.models)
    encoder = Encoder(engine, args.most)
    articles = Articles(args.data, encoder)
    floors = choose(args.data, encoder, articles)
    report(articles, floors)
    print(json.dumps({"floors": floors}, indent=1))
    if args.write:
        write(folders["encoder"], floors)


if __name__ == "__main__":
    main()
