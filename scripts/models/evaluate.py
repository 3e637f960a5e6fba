#!/usr/bin/env python3
"""Score the active bundles on held-out rows; prints the table, writes docs/models.md and cards.

With --fp32 DIR (the --work folder of build.py) the unquantized exports are scored beside them.
Every row is kept in --figures FILE, under the fingerprint of its bundles, as soon as it is had:
with --resume a stopped run goes on after the last one, with --bundle ROLE only that bundle is
scored; rows that were measured of the same bundles before fill the rest of the table. With --extra
FILE sets of your own are scored instead, and nothing is written.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import few_labels
import numpy as np
import tasks
from cards import write_cards
from data import categories
from extra import extra_figures
from goals import MEMORY, ROLE_CHECKS, SPEED, Figures, shown, table
from kept import Kept, fingerprints
from page import PAGE
from train_classifier import CATEGORIES

from appliance.inference.bundle import ROLES, Bundle, find_active
from appliance.inference.classify import classify, nearness, pieces
from appliance.inference.engine import Engine
from appliance.inference.sentiment import sentiment_answer
from appliance.inference.session import open_session
from appliance.inference.tokens import TokenReader

ROOT = Path(__file__).resolve().parents[2]
FIGURES = ROOT / "scripts/models/figures/figures.json"


class Fp32:
    """The three unquantized exports, behind the same three functions as the engine."""

    def __init__(self, folder: Path, models: Path) -> None:
        self._bundles = {role: find_active(models, role) for role in ROLES}
        self._runs = {
            role: _runner(folder / f"{role}.fp32.onnx", self._bundles[role]) for role in ROLES
        }

    def classify(self, text: str, labels: dict[str, str], *, careful: bool = False):
        """As Engine.classify."""
        vector = self.embed(text)
        near = {
            label: nearness(vector, np.stack([self.embed(piece) for piece in pieces(said)]))
            for label, said in labels.items()
        }
        logits = self._runs["classifier"](text)
        return classify(self._bundles["classifier"], logits, near, list(labels), careful=careful)

    def read_sentiment(self, text: str):
        """As Engine.read_sentiment."""
        return sentiment_answer(self._bundles["sentiment"], self._runs["sentiment"](text))

    def embed(self, text: str) -> np.ndarray:
        """As Engine.embed."""
        return self._runs["encoder"](text)


def _runner(path: Path, bundle: Bundle) -> Callable[[str], np.ndarray]:
    tokens = TokenReader(bundle.folder / "tokenizer.json", bundle.max_tokens)
    session = open_session(path, 2, path.name)
    cache: dict[str, np.ndarray] = {}  # descriptions come back with every ticket

    def run(text: str) -> np.ndarray:
        if text not in cache:
            cache[text] = session.run(tokens.ids(text))
        return cache[text]

    return run


def checks_of(models: Engine | Fp32, data: Path) -> dict[str, Callable[[], Mapping[str, float]]]:
    """Every held-out check by its name, to be called for its figures."""
    labels, embed = categories(CATEGORIES), cache(models.embed)  # questions are asked twice
    carefully = partial(models.classify, careful=True)

    def sorted_rows(
        source: str = "",
        drawn: tuple[str, ...] = ("first",),
        classify: tasks.Classify = models.classify,
    ) -> dict[str, float]:
        rows = tasks.taxonomy_rows(data, tasks.TEST_PART, drawn)
        rows = [row for row in rows if source in row["source"]]
        return tasks.taxonomy(rows, classify, labels)

    return {
        "taxonomy, all sources": lambda: sorted_rows(),
        "taxonomy, internal IT": lambda: sorted_rows("it_tickets_47k"),
        "taxonomy, internal IT, enlarged": lambda: sorted_rows(
            "it_tickets_47k", ("first", "random")
        ),
        "taxonomy, internal IT, picked as hard": lambda: sorted_rows(drawn=("picked",)),
        "taxonomy, internal IT, new desk": lambda: sorted_rows(
            "it_tickets_47k", classify=carefully
        ),
        "taxonomy, demo desk, new": lambda: tasks.taxonomy(tasks.demo_rows(), carefully, labels),
        "taxonomy, demo desk, no caution": lambda: tasks.taxonomy(
            tasks.demo_rows(), models.classify, labels
        ),
        "two readers, internal IT": lambda: tasks.readers(data),
        "SST-2 dev": lambda: tasks.sst2(data, models.read_sentiment),
        "moods": lambda: tasks.moods(data, models.read_sentiment),
        "tones": lambda: tasks.tones(models.read_sentiment),
        "STS-B test": lambda: tasks.similarity(data, embed),
        "support articles": lambda: tasks.articles(data, embed),
        "linked titles": lambda: tasks.linked_titles(data, embed),
        "linked titles with votes": lambda: tasks.linked_titles_with_votes(data, embed),
        "BANKING77, 10 labels a class": lambda: few_labels.banking(data, embed),
        "CLINC150, 50 labels a class": lambda: few_labels.clinc(data, embed),
    }


def speed(engine: Engine) -> dict[str, float]:
    """Milliseconds for one ticket of 60 tokens through all three."""
    labels, times = categories(CATEGORIES), []
    words = "the scanner in the archive shows error four after the update and stops "
    for number in range(60):
        text = f"ticket {number} " + words * 4
        text = " ".join(text.split()[:57])
        started = time.perf_counter()
        engine.classify(text, labels)
        engine.read_sentiment(text)
        engine.embed(text)
        times.append(1000 * (time.perf_counter() - started))
    return {
        "median ms": float(np.median(times[5:])),
        "p99 ms": float(np.percentile(times[5:], 99)),
    }


def resident_megabytes() -> float:
    """This process's resident memory now (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def unseen_words(unseen: dict) -> dict[str, str]:
    """The by-source check that build.py made, as a sentence."""
    scores = ", ".join(f"{k} {shown(v)}" for k, v in unseen.items() if k != "source")
    return {
        "unseen": f"A head on frozen gte-small that never saw `{unseen['source']}`, mixed with "
        f"similarity, says about those tickets: {scores}. In-source figures "
        "flatter; a new kind of desk is nearer this."
    }


def measure(args: argparse.Namespace, engine: Engine, kept: Kept, of: Mapping[str, str]) -> None:
    """Keep every row of int8, and of fp32 where its exports are at hand."""
    kinds: dict[str, Engine | Fp32] = {"int8": engine}
    if args.fp32:
        kinds["fp32"] = Fp32(args.fp32, args.models)
    for kind, models in kinds.items():
        checks = checks_of(models, args.data)
        for role in (args.bundle,) if args.bundle else ROLES:
            for check in ROLE_CHECKS[role]:
                if not (args.resume and kept.has(kind, check, of[role])):
                    kept.put(kind, check, of[role], checks[check]())
                    print(f"{kind}: {check}", file=sys.stderr, flush=True)


def main() -> None:
    """Print, and write docs/models.md and the scores on the cards."""
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
        int8 = {f.name: extra_figures(f, args.corpus, engine, labels) for f in args.extra}
        fp32: Figures = {}
    else:
        kept = Kept(None if args.no_write else args.figures)
        of = fingerprints({role: find_active(args.models, role) for role in ROLES})
        measure(args, engine, kept, of)
        kept.put("int8", SPEED, SPEED, speed(engine))
        kept.put("int8", MEMORY, MEMORY, {"MB added by loading all three": added})
        int8, fp32 = kept.figures("int8", of), kept.figures("fp32", of)
    said = json.dumps({"int8": int8, "fp32": fp32}, indent=1) if args.json else table(int8, fp32)
    print(said)
    if not (args.no_write or args.extra):
        write_cards(args.models, int8, fp32)
        write_page(args.models, args.figures.parent, int8, fp32)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--models", type=Path, default=ROOT / "models")
    parser.add_argument("--bundle", choices=ROLES, help="score only this role")
    parser.add_argument("--fp32", type=Path, help="folder with *.fp32.onnx of the same build")
    parser.add_argument(
        "--figures", type=Path, default=FIGURES, help="JSON file that keeps rows between runs"
    )
    parser.add_argument("--resume", action="store_true", help="leave rows alone that are kept")
    parser.add_argument("--extra", type=Path, nargs="+", help="JSON lines: text, label; or query")
    parser.add_argument("--corpus", type=Path, help="JSON lines: id, text; for queries")
    parser.add_argument("--json", action="store_true", help="print JSON in place of the table")
    parser.add_argument("--no-write", action="store_true", help="only print")
    return parser.parse_args()


def write_page(models: Path, beside: Path, int8: Figures, fp32: Figures) -> None:
    """docs/models.md; urgency.json, int8.md, speed.md and caution.md ``beside`` the figures are
    quoted where they exist."""
    unseen = find_active(models, "classifier").settings["unseen_source"]
    said = PAGE.format(
        table=table(int8, fp32),
        urgency=urgency_rows(beside / "urgency.json"),
        int8=quoted(beside / "int8.md"),
        speed=quoted(beside / "speed.md"),
        caution=quoted(beside / "caution.md"),
        **unseen_words(unseen),
    )
    (ROOT / "docs" / "models.md").write_text(said, encoding="utf-8")


def quoted(path: Path) -> str:
    """What a command printed, or that it has not been run."""
    return path.read_text(encoding="utf-8").strip() if path.exists() else "Not measured."


def urgency_rows(path: Path) -> str:
    """The lines of the urgency table from what urgency.py printed."""
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
