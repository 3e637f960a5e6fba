#!/usr/bin/env python3
"""Measure lists, searches and suggestions at several sizes, through HTTP and without.

    python scripts/bench/search.py --data DIR --sizes 10000,100000,1000000

DIR holds a scratch installation of each size (data.py), created when missing. No request is
repeated, so only the caches of the product itself help. Writes its section of docs/performance.md:
median and 99th percentile with 1 and 8 callers, recall of HNSW, growth.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import _environment  # noqa: F401
import data
import servers
import workload
from report import Section, median_and_p99, met, table

GOALS = {1: 100.0, 8: 150.0}  # milliseconds, the 99th percentile at the largest size
RECALL_GOAL, GROWTH_GOAL = 0.97, 2.0
MODES = {"http": "Through HTTP", "database": "Without HTTP"}


def measure(folder: Path, times: int) -> dict:
    """Return all figures of one installation. Call it once per process: Django is set up once."""
    with servers.running(folder) as installation:
        installation.set_up_django()
        requests = workload.Workload.from_database()
        figures: dict = {"recall": workload.recall(), "http": {}, "database": {}}
        for clients in GOALS:
            figures["database"][clients] = workload.without_http(requests, times, clients)
        with installation.serving() as site:
            for clients in GOALS:
                figures["http"][clients] = workload.through_http(requests, site, times, clients)
    return figures


def in_a_process(folder: Path, times: int) -> dict:
    """Run ``measure`` in a process of its own."""
    command = [sys.executable, __file__, "--measure", str(folder), "--times", str(times)]
    process = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(process.stdout.splitlines()[-1])


def lines(figures: dict[int, dict]) -> list[str]:
    """Return the section: one table for each mode and number of callers, then the recall."""
    sizes = sorted(figures)
    output = [
        f"Median and 99th percentile in milliseconds. Goals at {sizes[-1]:,} tickets: a 99th"
        f" percentile of at most {GOALS[1]:.0f} with one caller and {GOALS[8]:.0f} with eight, and"
        f" of at most {GROWTH_GOAL:.0f} times that at {sizes[0]:,} tickets.",
        "",
    ]
    for mode, title in MODES.items():
        for clients in GOALS:
            output += [f"### {title}, {clients} {'caller' if clients == 1 else 'callers'}", ""]
            head = [
                "request" if mode == "http" else "function",
                *(f"{size:,}" for size in sizes),
                "goal met",
                "growth",
                "goal met",
            ]
            rows = [
                _table_row(
                    name, [figures[size][mode][str(clients)][name] for size in sizes], clients
                )
                for name in figures[sizes[0]][mode][str(clients)]
            ]
            output += [*table(head, rows), ""]
    recalls = [figures[size]["recall"] for size in sizes]
    output += ["### Recall@10 of HNSW compared with an exact scan", ""]
    head = ["tickets", "recall", f"goal {RECALL_GOAL}", "HNSW ms", "exact ms"]
    rows = [
        (
            f"{size:,}",
            f"{row['recall']:.3f}",
            met(row["recall"] >= RECALL_GOAL),
            f"{row['hnsw']:.1f}",
            f"{row['exact']:.0f}",
        )
        for size, row in zip(sizes, recalls, strict=True)
    ]
    return [*output, *table(head, rows)]


def _table_row(name: str, spent: list[list[float]], clients: int) -> list[str]:
    pairs = [median_and_p99(milliseconds) for milliseconds in spent]
    growth = pairs[-1][1] / pairs[0][1]
    is_fast, is_stable = met(pairs[-1][1] <= GOALS[clients]), met(growth <= GROWTH_GOAL)
    return [name, *(f"{m:.0f} / {s:.0f}" for m, s in pairs), is_fast, f"{growth:.1f} ×", is_stable]


def main() -> None:
    """Measure every size and write the section."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of the scratch installations")
    parser.add_argument("--sizes", default="10000,100000,1000000", help="numbers of tickets")
    parser.add_argument("--times", type=int, default=100, help="requests of each kind")
    parser.add_argument("--memory", default="2GB", help="maintenance_work_mem for building indexes")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        print(json.dumps(measure(args.measure, args.times)))
        return
    if not args.data:
        parser.error("--data is missing: a folder for the scratch installations")
    section, figures = Section("search", "Lists, search and suggestions"), {}
    for size in sorted(map(int, args.sizes.split(","))):
        folder = args.data / str(size)
        data.in_a_process(folder, size, size // 10, args.memory)
        figures[size] = in_a_process(folder, args.times)
        print(f"{size}: measured", flush=True)
    section.write(lines(figures))


if __name__ == "__main__":
    main()
