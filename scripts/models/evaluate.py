#!/usr/bin/env python3
"""Score the active bundles on held-out rows, print the table, write docs/models.md and the cards.

With --fp32 DIR (the --work folder of build.py) the unquantized exports are scored as well. The
figures of each check are stored in --figures FILE, with the fingerprint of their bundles, as soon
as they are measured: --resume continues a stopped run, and --bundle ROLE scores that bundle only;
the rest of the table is filled with stored figures of the same bundles. With --extra FILE your own
sets are scored instead, and nothing is written; docs/models.md says what the figures mean.
"""

import argparse
import json
import os
import sys
import textwrap
import time
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import few_labels
import numpy as np
import tasks
from cards import write_cards
from data import CATEGORIES, categories
from extra import extra_figures, risk_table
from figures_store import FiguresStore, fingerprints
from goals import MEASURE_NAMES, MEMORY, ROLE_CHECKS, SPEED, Figures, shown, table

from appliance.inference.bundle import ROLES, Bundle, find_active
from appliance.inference.classify import classify, classify_sentiment, nearness, pieces
from appliance.inference.engine import Engine
from appliance.inference.session import TextTokenizer, open_session

ROOT = Path(__file__).resolve().parents[2]
FIGURES = ROOT / "scripts/models/figures/figures.json"
TEMPLATE = ROOT / "scripts/models/models_page.md"


class Fp32:
    """The three unquantized exports, with the interface of ``Engine``."""

    def __init__(self, folder: Path, models: Path) -> None:
        self._bundles = {role: find_active(models, role) for role in ROLES}
        self._runs = {
            role: _runner(folder / f"{role}.fp32.onnx", self._bundles[role]) for role in ROLES
        }

    def classify(self, text: str, labels: dict[str, str], *, cold_start: bool = False):
        """Return a CategoryPrediction, as ``Engine.classify``."""
        vector = self.embed(text)
        similarities = {
            label: nearness(vector, np.stack([self.embed(piece) for piece in pieces(description)]))
            for label, description in labels.items()
        }
        logits = self._runs["classifier"](text)
        return classify(
            self._bundles["classifier"], logits, similarities, list(labels), cold_start=cold_start
        )

    def classify_sentiment(self, text: str):
        """Return a SentimentPrediction, as ``Engine.classify_sentiment``."""
        return classify_sentiment(self._bundles["sentiment"], self._runs["sentiment"](text))

    def embed(self, text: str) -> np.ndarray:
        """Return a unit vector (dims,), as ``Engine.embed``."""
        return self._runs["encoder"](text)


def _runner(path: Path, bundle: Bundle) -> Callable[[str], np.ndarray]:
    tokens = TextTokenizer(bundle.folder / "tokenizer.json", bundle.max_tokens)
    session = open_session(path, 2, path.name)
    cache: dict[str, np.ndarray] = {}  # descriptions are embedded for every ticket

    def run(text: str) -> np.ndarray:
        if text not in cache:
            cache[text] = session.run(tokens.ids(text))
        return cache[text]

    return run


def checks_of(models: Engine | Fp32, data: Path) -> dict[str, Callable[[], Mapping[str, float]]]:
    """Return check → function that measures its figures."""
    labels, embed = categories(CATEGORIES), cache(models.embed)  # two checks embed the questions
    cold_start = partial(models.classify, cold_start=True)

    def category_figures(
        source: str = "",
        drawn: tuple[str, ...] = ("first",),
        classify: tasks.Classify = models.classify,
    ) -> dict[str, float]:
        rows = tasks.labelled_tickets(data, tasks.TEST_PART, drawn)
        rows = [row for row in rows if source in row["source"]]
        return tasks.category_scores(rows, classify, labels)

    return {
        "categories, all sources": lambda: category_figures(),
        "categories, internal IT": lambda: category_figures("it_tickets_47k"),
        "categories, internal IT, extended": lambda: category_figures(
            "it_tickets_47k", ("first", "random")
        ),
        "categories, internal IT, hard examples": lambda: category_figures(drawn=("picked",)),
        "categories, internal IT, cold start": lambda: category_figures(
            "it_tickets_47k", classify=cold_start
        ),
        "categories, demo data, cold start": lambda: tasks.category_scores(
            tasks.demo_tickets(), cold_start, labels
        ),
        "categories, demo data, without cold start": lambda: tasks.category_scores(
            tasks.demo_tickets(), models.classify, labels
        ),
        "annotator agreement, internal IT": lambda: tasks.annotator_agreement(data),
        "SST-2 dev": lambda: tasks.sst2(data, models.classify_sentiment),
        "sentiment, test splits": lambda: tasks.sentiment_test_splits(
            data, models.classify_sentiment
        ),
        "sentiment, probe sentences": lambda: tasks.probe_sentences(models.classify_sentiment),
        "STS-B test": lambda: tasks.similarity(data, embed),
        "support articles": lambda: tasks.articles(data, embed),
        "linked titles": lambda: tasks.linked_titles(data, embed),
        "linked titles with votes": lambda: tasks.linked_titles_with_votes(data, embed),
        "BANKING77, 10 labels a class": lambda: few_labels.banking(data, embed),
        "CLINC150, 50 labels a class": lambda: few_labels.clinc(data, embed),
    }


def speed(engine: Engine) -> dict[str, float]:
    """Measure the milliseconds of one ticket of 60 tokens through all three bundles."""
    labels, times = categories(CATEGORIES), []
    words = "the scanner in the archive shows error four after the update and stops "
    for number in range(60):
        text = f"ticket {number} " + words * 4
        text = " ".join(text.split()[:57])
        started = time.perf_counter()
        engine.classify(text, labels)
        engine.classify_sentiment(text)
        engine.embed(text)
        times.append(1000 * (time.perf_counter() - started))
    return {
        "median ms": float(np.median(times[5:])),
        "p99 ms": float(np.percentile(times[5:], 99)),
    }


def resident_megabytes() -> float:
    """Return the resident memory of this process (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def unseen_source_text(unseen: Mapping) -> str:
    """Return the figures of the source that build.py left out, as a sentence."""
    scores = "; ".join(
        f"{MEASURE_NAMES.get(name, name)}: {shown(value)}"
        for name, value in unseen.items()
        if name != "source"
    )
    text = (
        f"A head on frozen gte-small that never saw `{unseen['source']}`, mixed with similarity, "
        f"has these figures on its tickets: {scores}. The figures on known sources are too "
        "optimistic for a new kind of organisation, which is closer to these."
    )
    first_line = " " * len("- **An unseen source.** ")  # of models_page.md
    filled = textwrap.fill(
        text, 118, initial_indent=first_line, subsequent_indent="  ", break_on_hyphens=False
    )
    return filled.strip()


def measure(
    args: argparse.Namespace, engine: Engine, store: FiguresStore, of: Mapping[str, str]
) -> None:
    """Measure and store the figures of int8, and of fp32 with --fp32.

    ``of``: role → fingerprint of the bundles.
    """
    kinds: dict[str, Engine | Fp32] = {"int8": engine}
    if args.fp32:
        kinds["fp32"] = Fp32(args.fp32, args.models)
    for kind, models in kinds.items():
        checks = checks_of(models, args.data)
        for role in (args.bundle,) if args.bundle else ROLES:
            for check in ROLE_CHECKS[role]:
                if not (args.resume and store.has(kind, check, of[role])):
                    store.put(kind, check, of[role], checks[check]())
                    print(f"{kind}: {check}", file=sys.stderr, flush=True)


def main() -> None:
    """Score the bundles, print the table, write docs/models.md and the cards."""
    args = arguments()
    before = resident_megabytes()
    engine = Engine(args.models, threads=2)
    engine.load()
    for status in engine.statuses():
        if status.state != "ready":
            sys.exit(status.reason)
    added = resident_megabytes() - before
    if args.extra:
        labels = categories(CATEGORIES)
        try:
            int8 = {f.name: extra_figures(f, args.corpus, engine, labels) for f in args.extra}
        except (OSError, ValueError) as error:
            sys.exit(str(error))
        fp32: Figures = {}
    else:
        store = FiguresStore(None if args.no_write else args.figures)
        of = fingerprints({role: find_active(args.models, role) for role in ROLES})
        measure(args, engine, store, of)
        store.put("int8", SPEED, SPEED, speed(engine))
        store.put("int8", MEMORY, MEMORY, {"MB added by loading all three": added})
        int8, fp32 = store.figures("int8", of), store.figures("fp32", of)
    if args.json:
        print(json.dumps({"int8": int8, "fp32": fp32}, indent=1))
    else:
        print(table(int8, fp32))
        for name, figures in int8.items() if args.extra else ():
            print(risk_table(name, figures))
    if not (args.no_write or args.extra):
        write_cards(args.models, int8, fp32)
        write_page(args.models, args.figures.parent, int8, fp32)


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of the data sets, unless --extra")
    parser.add_argument("--models", type=Path, default=ROOT / "models", help="folder of bundles")
    parser.add_argument("--bundle", choices=ROLES, help="score only this role")
    parser.add_argument("--fp32", type=Path, help="folder with *.fp32.onnx of the same build")
    parser.add_argument(
        "--figures", type=Path, default=FIGURES, help="JSON file that stores figures between runs"
    )
    parser.add_argument(
        "--resume", action="store_true", help="skip checks whose figures are stored"
    )
    parser.add_argument("--extra", type=Path, nargs="+", help="JSON lines: text, label; or query")
    parser.add_argument("--corpus", type=Path, help="JSON lines: id, text; for queries")
    parser.add_argument("--json", action="store_true", help="print JSON in place of the table")
    parser.add_argument("--no-write", action="store_true", help="only print")
    args = parser.parse_args()
    if not (args.data or args.extra):
        parser.error("name the data sets: --data FOLDER, or --extra FILE")
    return args


def write_page(models: Path, folder: Path, int8: Figures, fp32: Figures) -> None:
    """Write docs/models.md from models_page.md.

    ``folder`` may hold the output of other commands: urgency.json, int8.md, speed.md and
    cold_start.md.
    """
    unseen = find_active(models, "classifier").settings["unseen_source"]
    text = TEMPLATE.read_text(encoding="utf-8").format(
        table=table(int8, fp32),
        urgency=urgency_rows(folder / "urgency.json"),
        int8=quoted(folder / "int8.md"),
        speed=quoted(folder / "speed.md"),
        cold_start=quoted(folder / "cold_start.md"),
        unseen=unseen_source_text(unseen),
    )
    (ROOT / "docs" / "models.md").write_text(text, encoding="utf-8")


def quoted(path: Path) -> str:
    """Return the stored output of a command, or "Not measured."."""
    return path.read_text(encoding="utf-8").strip() if path.exists() else "Not measured."


def urgency_rows(path: Path) -> str:
    """Return the rows of the urgency table from the JSON that urgency.py printed."""
    if not path.exists():
        return "| not measured | | | | | |"
    return "\n".join(
        f"| {name} | {f['rows']}, {f['high ones']} "
        f"| {f['head: accuracy']:.3f}, {f['head: macro-F1']:.3f} "
        f"| {f['commonest: accuracy']:.3f}, {f['commonest: macro-F1']:.3f} "
        f"| {f['high found']:.0%} | {f['high: AUROC']:.3f} |"
        for name, f in json.loads(path.read_text()).items()
    )


if __name__ == "__main__":
    main()
