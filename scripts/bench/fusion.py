#!/usr/bin/env python3
"""Whether words and meaning together find as much as the better one alone, by what is asked.

    python scripts/bench/fusion.py --data DIR [--tune]

A scratch desk gets articles and tickets of the public files in DIR, and the product's own search
is asked for what fusion_questions.py knows to be right. Each question is asked once; then what was
found is ranked as words alone, as meaning alone, and as the desk fuses both. Every second question
is for choosing the rule (--tune prints how values of it fare there), the others are the test.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import fusion_questions
import servers
from fusion_questions import Asked
from report import Section, met, table
from suggestions import Desk, Figures, score

MAX_LOST = 0.01  # of a hit@3 or an MRR, against the better of the two alone
GRID = {
    "all_words_bonus": (0.3, 0.4, 0.6, 0.8),
    "all_words_rows": (5, 20, 50, 100),
    "prefix_rows": (1, 3, 5, 10),
}


@dataclass(frozen=True)
class Found:
    """What each way found for one question, and what was right."""

    asked: Asked
    rankings: dict
    right: set
    length: int  # words of the question


def ask(bench: Desk, questions: Sequence[Asked], tickets: list[int]) -> list[Found]:
    """All ways the product looks, on what an agent sees."""
    from appliance.search import corpora, pipeline, query_parser, retrievers
    from appliance.search.corpora import SearchFilters
    from appliance.triage.vector_search import find_query_vector

    found = []
    for one in questions:
        query, vector = query_parser.parse_query(one.text), find_query_vector(one.text)
        searched = corpora.list_corpora(bench.agent, one.shelf, SearchFilters())
        with retrievers.query_limits():
            retrieval = pipeline.retrieve(searched, query, "best")
            retrieval = pipeline.add_meaning(retrieval, searched, vector)
        right = {("article", bench.articles[slug]) for slug in one.articles}
        right |= {("ticket", tickets[n]) for n in one.tickets}
        found.append(Found(one, dict(retrieval.rankings), right, len(query.words)))
    return found


def collect(folder: Path) -> list[Found]:
    """What was found for every question, on a desk that is gone afterwards."""
    first = fusion_questions.of_titles(folder)
    with servers.running() as desk:
        desk.enter()
        bench = Desk(first.articles)
        found = ask(bench, first.questions, [])
        second = fusion_questions.of_texts(folder)
        for row in second.articles:
            bench.articles[row["slug"]] = bench.write(row)
        tickets = bench.teach(second.tickets)
        return found + ask(bench, second.questions, tickets)


def ranks(found: Sequence[Found], fuse: Callable[[Found], list]) -> Figures:
    """The figures of one way to rank."""
    return score([[one.key for one in fuse(f)] for f in found], [f.right for f in found])


def strategies() -> dict[str, Callable[[Found], list]]:
    from appliance.search.ranking import fuse

    def without(found: Found) -> list:
        return fuse(
            {strategy: rows for strategy, rows in found.rankings.items() if strategy != "meaning"}
        )

    return {
        "words": without,
        "meaning": lambda found: fuse({"meaning": found.rankings.get("meaning", [])}),
        "both": lambda found: fuse(found.rankings),
    }


def figures(found: Sequence[Found]) -> dict[str, dict[str, Figures]]:
    """Kind of question → way → figures."""
    return {
        kind: {
            name: ranks([one for one in found if one.asked.kind == kind], strategy)
            for name, strategy in strategies().items()
        }
        for kind in fusion_questions.KINDS
    }


def lost(of_kind: dict[str, Figures], measure: str) -> float:
    """How much worse both are than the better one of the two; below 0 they are better."""
    best = max(getattr(of_kind[strategy], measure) for strategy in ("words", "meaning"))
    return best - getattr(of_kind["both"], measure)


def tune(found: Sequence[Found]) -> list[tuple[float, float, dict]]:
    """The ten best of the grid: the most that is lost on a kind, the mean MRR, and the rule."""
    from appliance.search.ranking import DEFAULT_RULE, fuse

    tried = []
    alone = figures(found)
    for values in product(*GRID.values()):
        changed = dict(zip(GRID, values, strict=True))
        rule = replace(DEFAULT_RULE, **changed)
        both = {
            kind: ranks(
                [one for one in found if one.asked.kind == kind],
                lambda one, rule=rule: fuse(one.rankings, rule),
            )
            for kind in alone
        }
        losses = [
            lost(alone[kind] | {"both": both[kind]}, measure)
            for kind in alone
            for measure in ("hit3", "mrr")
        ]
        mean = sum(one.mrr for one in both.values()) / len(both)
        tried.append((max(*losses, MAX_LOST), -mean, changed))
    best = sorted(tried, key=lambda row: row[:2])[:10]
    return [(worst, -mean, rule) for worst, mean, rule in best]


def halves(found: Sequence[Found]) -> tuple[list[Found], list[Found]]:
    """Every second question of each kind chooses, the others are the test."""
    ordered = sorted(found, key=lambda one: (one.asked.kind, one.asked.text))
    return ordered[::2], ordered[1::2]


def lines(found: Sequence[Found]) -> list[str]:
    """The section of the page."""
    of_kinds, rows = figures(found), []
    for kind, of_kind in of_kinds.items():
        count = sum(one.asked.kind == kind for one in found)
        cells = [
            f"{of_kind[strategy].hit3:.3f} / {of_kind[strategy].mrr:.3f}"
            for strategy in strategies()
        ]
        worst = max(lost(of_kind, "hit3"), lost(of_kind, "mrr"))
        rows.append((kind, f"{count}", *cells, met(worst <= MAX_LOST)))
    rules = fusion_questions.__doc__.split("\n\n", 1)[1].strip()
    return [
        rules,
        "",
        f"hit@3 / MRR of the {len(found):,} questions that chose nothing. Goal: both lose at most"
        f" {MAX_LOST * 100:.0f} point of either measure against the better one alone.",
        "",
        *table(["asked", "questions", *strategies(), "goal met"], rows),
    ]


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the public files")
    parser.add_argument("--tune", action="store_true", help="print the best rules of the grid")
    args = parser.parse_args()
    section = Section("fusion", "Words and meaning together")
    choosing, test = halves(collect(args.data))
    if args.tune:
        for worst, mean, rule in tune(choosing):
            print(f"loses {worst:.3f} at most, mean MRR {mean:.3f}: {rule}", file=sys.stderr)
    section.write(lines(test))


if __name__ == "__main__":
    main()
