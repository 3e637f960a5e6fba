#!/usr/bin/env python3
"""How fast lists, searches and suggestions are at several sizes, through HTTP and without.

    python scripts/bench/search.py --data DIR --sizes 10000,100000,1000000

DIR holds a scratch desk of each size (data.py), made when missing. Each call asks something else,
so only what the product itself keeps comes from a cache. Writes its section of
docs/performance.md: median and 99th percentile with 1 and 8 callers, recall of HNSW, growth.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import data
import questions
import servers
from report import Section, met, middle_and_slow, table

GOALS = {1: 100.0, 8: 150.0}  # milliseconds, the 99th percentile at the largest size
RECALL_GOAL, GROWTH_GOAL = 0.97, 2.0
WAYS = {"http": "through HTTP", "database": "without HTTP"}


def measure(folder: Path, times: int) -> dict:
    """All figures of one desk. Once a process: Django stays on its servers."""
    with servers.running(folder) as desk:
        desk.enter()
        asked = questions.Questions.of_this_desk()
        figures: dict = {"recall": questions.recall(), "http": {}, "database": {}}
        for callers in GOALS:
            figures["database"][callers] = questions.without_http(asked, times, callers)
        with desk.serving() as site:
            for callers in GOALS:
                figures["http"][callers] = questions.through_http(asked, site, times, callers)
    return figures


def in_a_process(folder: Path, times: int) -> dict:
    command = [sys.executable, __file__, "--one", str(folder), "--times", str(times)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def lines(found: dict[int, dict]) -> list[str]:
    """The tables: one for each way and number of callers, then recall."""
    sizes = sorted(found)
    made = [
        f"Median and 99th percentile in milliseconds. Goals, at {sizes[-1]:,} tickets: every 99th"
        f" percentile at most {GOALS[1]:.0f} with one caller and {GOALS[8]:.0f} with eight, and at"
        f" most {GROWTH_GOAL:.0f} times that at {sizes[0]:,}.",
        "",
    ]
    for strategy, words in WAYS.items():
        for callers in GOALS:
            made += [f"### {words.capitalize()}, {callers} at once", ""]
            head = ["what", *(f"{size:,}" for size in sizes), "goal met", "growth", "goal met"]
            rows = [
                _row(name, [found[size][strategy][str(callers)][name] for size in sizes], callers)
                for name in found[sizes[0]][strategy][str(callers)]
            ]
            made += [*table(head, rows), ""]
    recalls = [found[size]["recall"] for size in sizes]
    made += ["### Recall of HNSW against an exact scan, at 10", ""]
    head = ["tickets", "recall", f"goal {RECALL_GOAL}", "HNSW ms", "exact ms"]
    rows = [
        (
            f"{size:,}",
            f"{one['recall']:.3f}",
            met(one["recall"] >= RECALL_GOAL),
            f"{one['hnsw']:.1f}",
            f"{one['exact']:.0f}",
        )
        for size, one in zip(sizes, recalls, strict=True)
    ]
    return [*made, *table(head, rows)]


def _row(name: str, spent: list[list[float]], callers: int) -> list[str]:
    pairs = [middle_and_slow(each) for each in spent]
    growth = pairs[-1][1] / pairs[0][1]
    fast, even = met(pairs[-1][1] <= GOALS[callers]), met(growth <= GROWTH_GOAL)
    return [name, *(f"{m:.0f} / {s:.0f}" for m, s in pairs), fast, f"{growth:.1f} ×", even]


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of the scratch desks")
    parser.add_argument("--sizes", default="10000,100000,1000000")
    parser.add_argument("--times", type=int, default=100, help="calls of each kind")
    parser.add_argument("--memory", default="2GB", help="for building indexes")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(measure(args.one, args.times)))
        return
    if not args.data:
        parser.error("--data is missing: a folder for the scratch desks")
    section, found = Section("search", "Lists, search, suggestions"), {}
    for size in sorted(map(int, args.sizes.split(","))):
        folder = args.data / str(size)
        data.in_a_process(folder, size, size // 10, args.memory)
        found[size] = in_a_process(folder, args.times)
        print(f"{size}: measured", flush=True)
    section.write(lines(found))


if __name__ == "__main__":
    main()
