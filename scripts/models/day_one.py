#!/usr/bin/env python3
"""Measure what a new desk gets from the classifier on its first day, during the cold start.

    python scripts/models/day_one.py [--tickets FILE.jsonl] [--json]

Of the demo data, which no model was trained on, or of your own JSON lines (``text`` and ``label``):
how many categories are decided, how many of these are right, and how often the right category is
decided, or offered in the first two places where none is decided. A wrong decision counts against
it, whatever its second choice. Needs no training library.
"""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from data import CATEGORIES, categories
from tasks import demo_tickets

from appliance.inference.engine import Engine
from appliance.inference.predictions import CategoryPrediction

ROOT = Path(__file__).resolve().parents[2]
SUGGESTED = 2  # as triage.category_suggestions.MAX_SUGGESTED
GOALS = {"decided": 0.65, "right of decided": 0.92, "decided right or suggested": 0.85}


def read_tickets(path: Path | None) -> list[tuple[str, str]]:
    """Return text and category of each ticket."""
    if path is None:
        return [(row["text"], row["category"]) for row in demo_tickets()]
    lines = path.read_text(encoding="utf-8").splitlines()
    return [(row["text"], row["label"]) for row in map(json.loads, filter(str.strip, lines))]


def is_served(answer: CategoryPrediction, category: str) -> bool:
    """Return whether the category is decided right, or offered where none is decided."""
    if answer.label is not None:
        return answer.label == category
    return category in [label for label, _ in answer.scores[:SUGGESTED]]


def measure(answers: list[CategoryPrediction], truth: list[str]) -> dict[str, float]:
    pairs = list(zip(answers, truth, strict=True))
    decided = [(answer, category) for answer, category in pairs if answer.label is not None]
    unsure = [(answer, category) for answer, category in pairs if answer.label is None]
    return {
        "tickets": len(pairs),
        "decided": len(decided) / len(pairs),
        "right of decided": _share([answer.label == category for answer, category in decided]),
        "decided as other": _share([answer.label == "other" for answer in answers]),
        "first suggestion right, of undecided": _share(
            [answer.scores[0][0] == category for answer, category in unsure if answer.scores]
        ),
        "decided right or suggested": _share([is_served(*pair) for pair in pairs]),
    }


def _share(flags: list[bool]) -> float:
    return sum(flags) / len(flags) if flags else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tickets", type=Path, help="JSON lines with text and label")
    parser.add_argument("--models", type=Path, default=ROOT / "models", help="folder of bundles")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    engine, labels, tickets = (
        Engine(args.models),
        categories(CATEGORIES),
        read_tickets(args.tickets),
    )
    answers = [engine.classify(text, labels, cold_start=True) for text, _ in tickets]
    figures = measure(answers, [category for _, category in tickets])
    if args.json:
        print(json.dumps(figures, indent=1))
        return
    for name, figure in figures.items():
        goal = f"  (goal ≥ {GOALS[name]:.2f})" if name in GOALS else ""
        print(f"{name:40}{figure:8.3f}{goal}" if name != "tickets" else f"{name:40}{figure:8}")


if __name__ == "__main__":
    main()
