#!/usr/bin/env python3
"""Measure whether the offered sentences hold the one that a reader marked, and the floor.

    python scripts/bench/solutions.py --data DIR [--tune] [--floor]

``scripts/models/labels/solutions.csv`` names 60 answers of Thunderbird's forum of 2025, with six
sentences or more, and in each the sentence that a reader marked as the solution. The weights are
chosen on every second answer (``--tune``); the others are the test. ``--floor`` asks what share of
questions is offered anything, by the similarity below which nothing is: later questions of the
forum against earlier ones, and questions about something else (CLINC150) and random words.
"""

import argparse
import csv
import sys
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
from floors import Encoder
from suggestions import read

from appliance.triage import sentences, solutions
from appliance.triage.solutions import Candidate, Weights

ROOT = Path(__file__).resolve().parents[2]
LABELS = ROOT / "scripts" / "models" / "labels" / "solutions.csv"
GOAL = 0.5
FLOORS = (0.40, 0.45, 0.50, 0.55, 0.60, 0.65)
HISTORY = 4  # earlier questions for each later one, with --floor
STEPS = (0.0, 0.5, 1.0, 1.5, 2.0)  # times the weight, with --tune


@dataclass(frozen=True)
class Answer:
    """An answer with the keys of the marked sentence, and of others that would do as well."""

    candidates: list[Candidate]
    ticket_vector: np.ndarray
    marked: str
    also: frozenset[str]

    def keys(self) -> list[str]:
        return [sentences.key(candidate.sentence.text) for candidate in self.candidates]


def read_answers(data: Path, encoder: Encoder) -> list[Answer]:
    labels = {int(row["question_id"]): row for row in csv.DictReader(LABELS.open())}
    questions = {
        row["id"]: f"{row['title']}\n{row['text']}"
        for row in read(data / "thunderbird_questions_to_2025.jsonl.gz")
        if row["id"] in labels
    }
    answers: dict[int, Answer] = {}
    for row in read(data / "thunderbird_answers_to_2025.jsonl.gz"):
        label = labels.get(row["question_id"])
        split = sentences.split(row["text"]) if label else []
        if label and label["solution"] in map(_key, split):
            offerable = [sentence for sentence in split if sentences.is_offerable(sentence)]
            vectors = encoder.embed(sentence.text for sentence in offerable)
            (question,) = encoder.embed([questions[row["question_id"]]])
            answers[row["question_id"]] = Answer(
                [Candidate(*pair) for pair in zip(offerable, vectors, strict=True)],
                question,
                label["solution"],
                frozenset(label["also"].split()),
            )
    return [answers[pk] for pk in labels if pk in answers]


def _key(sentence: sentences.Sentence) -> str:
    return sentences.key(sentence.text)


def hit_rate(answers: list[Answer], weights: Weights, *, is_lenient: bool = False) -> float:
    """Return the share of answers whose marked sentence is among those offered."""
    hits = 0
    for answer in answers:
        chosen = solutions.choose(answer.candidates, answer.ticket_vector, weights)
        keys = {sentences.key(text) for text in chosen}
        hits += answer.marked in keys or (is_lenient and bool(answer.also & keys))
    return hits / len(answers)


def report(answers: list[Answer]) -> None:
    parts = {"weights chosen on": answers[::2], "test": answers[1::2], "all": answers}
    print("| answers | n | by chance | the first three | marked | marked, or as good |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for name, part in parts.items():
        chance = np.mean([min(1, 3 / len(answer.candidates)) for answer in part])
        first = np.mean([answer.marked in answer.keys()[:3] for answer in part])
        rates = [hit_rate(part, solutions.DEFAULT_WEIGHTS, is_lenient=it) for it in (False, True)]
        print(f"| {name} | {len(part)} | {chance:.2f} | {first:.2f} | ", end="")
        print(" | ".join(f"{rate:.2f}" for rate in rates), "|")
    rate = hit_rate(answers[1::2], solutions.DEFAULT_WEIGHTS)
    print(f"\nGoal on the test: {GOAL}. {'Met' if rate >= GOAL else 'Missed'}.")


def tune(answers: list[Answer]) -> None:
    """Print what each weight alone changes on the half that they are chosen on."""
    best = solutions.DEFAULT_WEIGHTS
    for name, value in vars(best).items():
        rates = [hit_rate(answers[::2], replace(best, **{name: value * step})) for step in STEPS]
        print(f"{name:12}", "  ".join(f"{rate:.2f}" for rate in rates))


def report_floor(data: Path, encoder: Encoder, most: int) -> None:
    """Print the share of questions with an earlier one above each floor."""
    answered = {row["question_id"] for row in read(data / "thunderbird_answers_to_2025.jsonl.gz")}
    rows = list(read(data / "thunderbird_questions_to_2025.jsonl.gz"))
    earlier = [row for row in rows if row["id"] in answered and row["created"] < "2025"]
    later = [row for row in rows if row["created"] >= "2025"]
    clinc = [row["text"] for row in read(data / "clinc150.jsonl.gz") if "test" in row["split"]]
    history = encoder.embed(_text(row) for row in encoder.sample(earlier, HISTORY))
    sets = {
        "later questions of the forum": [_text(row) for row in encoder.sample(later)],
        "CLINC150": encoder.sample(clinc),
        "random words": encoder.random_words()[:most],
    }
    print(f"\nOffered anything, with {len(history)} solved questions\n")
    print("| questions |", " | ".join(f"{floor:.2f}" for floor in FLOORS), "|")
    print("| --- |", " | ".join("---:" for _ in FLOORS), "|")
    for name, texts in sets.items():
        top = (encoder.embed(texts) @ history.T).max(axis=1)
        shares = (f"{(top >= floor).mean():.2f}" for floor in FLOORS)
        print(f"| {name} |", " | ".join(shares), "|", flush=True)


def _text(row: dict) -> str:
    return f"{row['title']}\n{row['text']}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--models", type=Path, default=ROOT / "models", help="folder of bundles")
    parser.add_argument("--most", type=int, default=150, help="questions of each kind, for --floor")
    parser.add_argument("--tune", action="store_true", help="what each weight changes")
    parser.add_argument("--floor", action="store_true", help="what each floor refuses")
    args = parser.parse_args()
    encoder = Encoder(args.models, args.most)
    answers = read_answers(args.data, encoder)
    report(answers)
    if args.tune:
        tune(answers)
    if args.floor:
        report_floor(args.data, encoder, args.most)


if __name__ == "__main__":
    main()
