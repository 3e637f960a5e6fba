#!/usr/bin/env python3
"""Score the active bundles on held-out rows; prints the table, writes docs/models.md and cards.

With --fp32 DIR (the --work folder of build.py) the unquantized exports are scored beside them.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import tasks
from cards import write_cards
from data import categories
from train_classifier import CATEGORIES

from appliance.inference.bundle import ROLES, Bundle, find_active
from appliance.inference.classify import classify, nearness, pieces
from appliance.inference.engine import Engine
from appliance.inference.sentiment import sentiment_answer
from appliance.inference.session import open_session
from appliance.inference.tokens import TokenReader

ROOT = Path(__file__).resolve().parents[2]
Figures = dict[str, dict[str, float]]


class Fp32:
    """The three unquantized exports, behind the same three functions as the engine."""

    def __init__(self, folder: Path, models: Path) -> None:
        self._bundles = {role: find_active(models, role) for role in ROLES}
        self._runs = {
            role: _runner(folder / f"{role}.fp32.onnx", self._bundles[role]) for role in ROLES
        }

    def classify(self, text: str, labels: dict[str, str]):
        """As Engine.classify."""
        vector = self.embed(text)
        near = {
            label: nearness(vector, np.stack([self.embed(piece) for piece in pieces(said)]))
            for label, said in labels.items()
        }
        logits = self._runs["classifier"](text)
        return classify(self._bundles["classifier"], logits, near, list(labels))

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


def score(models: Engine | Fp32, data: Path) -> Figures:
    """Every held-out check."""
    labels = categories(CATEGORIES)
    test = tasks.taxonomy_rows(data, tasks.TEST_PART)
    internal = [row for row in test if row["source"] == "it_tickets_47k"]
    return {
        "taxonomy, all sources": tasks.taxonomy(test, models.classify, labels),
        "taxonomy, internal IT": tasks.taxonomy(internal, models.classify, labels),
        "SST-2 dev": tasks.sst2(data, models.read_sentiment),
        "moods": tasks.moods(data, models.read_sentiment),
        "STS-B test": tasks.similarity(data, models.embed),
        "support articles": tasks.articles(data, models.embed),
        "linked titles": tasks.linked_titles(data, models.embed),
    }


def speed(engine: Engine) -> Figures:
    """Milliseconds for one ticket of 60 tokens through all three, and megabytes they add."""
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
        "one ticket of 60 tokens": {
            "median ms": float(np.median(times[5:])),
            "p99 ms": float(np.percentile(times[5:], 99)),
        }
    }


def resident_megabytes() -> float:
    """This process's resident memory now (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def table(int8: Figures, fp32: Figures | None) -> str:
    """A Markdown table: check, measure, int8, fp32."""
    lines = ["| check | measure | int8, as shipped | fp32 |", "|---|---|---|---|"]
    for check, figures in int8.items():
        for measure, value in figures.items():
            beside = (fp32 or {}).get(check, {}).get(measure)
            lines.append(f"| {check} | {measure} | {shown(value)} | {shown(beside)} |")
    return "\n".join(lines)


def shown(value: float | None) -> str:
    """Counts as they are, shares with three digits."""
    if value is None:
        return ""
    return str(value) if isinstance(value, int) else f"{value:.3f}" if value < 2 else f"{value:.1f}"


def unseen_words(unseen: dict) -> dict[str, str]:
    """The by-source check that build.py made, as a sentence."""
    scores = ", ".join(f"{k} {shown(v)}" for k, v in unseen.items() if k != "source")
    return {
        "unseen": f"A head on frozen gte-small that never saw `{unseen['source']}`, mixed with "
        f"similarity, says about those tickets: {scores}. In-source figures "
        "flatter; a new kind of desk is nearer this."
    }


def main() -> None:
    """Print, and write docs/models.md and the scores on the cards."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--models", type=Path, default=ROOT / "models")
    parser.add_argument("--fp32", type=Path, help="folder with *.fp32.onnx of the same build")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    parser.add_argument("--no-write", action="store_true", help="only print")
    args = parser.parse_args()
    before = resident_megabytes()
    engine = Engine(args.models, threads=2)
    engine.load()
    for status in engine.statuses():
        if status.state != "ready":
            sys.exit(status.reason)
    added = resident_megabytes() - before
    int8 = {**score(engine, args.data), **speed(engine)}
    int8["memory"] = {"MB added by loading all three": added}
    fp32 = score(Fp32(args.fp32, args.models), args.data) if args.fp32 else None
    print(table(int8, fp32))
    if args.json:
        args.json.write_text(json.dumps({"int8": int8, "fp32": fp32}, indent=1))
    if not args.no_write:
        write_cards(args.models, int8, fp32)
        page = ROOT / "docs" / "models.md"
        page.parent.mkdir(exist_ok=True)
        unseen = find_active(args.models, "classifier").settings["unseen_source"]
        page.write_text(
            PAGE.format(table=table(int8, fp32), **unseen_words(unseen)), encoding="utf-8"
        )


PAGE = """# The three models

Written by `python scripts/models/evaluate.py --data DIR --fp32 WORK`; do not edit by hand.
What each bundle is, learnt from and fails at stands on its card in `models/<name>/<version>/`.

{table}

How to read it:

- **Held out.** The hand-labelled tickets are cut into six parts by their first three words, so
  that a template never stands on both sides. Part 0 is the test shown here; part 1 chose the
  classifier's calibration; the classifier was trained on neither, the sentiment model not on
  part 0. The labels are one reader's; many tickets are ambiguous, hence "first or second" (the
  second is what a colleague could also choose).
- **Moods** leave out Microsoft articles and every row whose text or title stands in the training
  mix from another file. Targets not reached: SST-2 (92 %), and 0.75 on tickets.
- **Looked at while building.** The test's calibration error led to fitting the temperature to
  first choices (on part 1), and the moods were scored once between the two epochs.
- **Not measured.** The 320 separately labelled internal tickets, the FAQ paraphrases and the
  company and product reviews that the goals name are not in the data this command reads.
  BANKING77 belongs to the next version of the classifier.
- **SST-2** is scored without its neutral class: the sign of P(positive) - P(negative).
- **Support articles**: the query is an article's title or symptoms, the corpus 1,000 resolutions.
  **Linked titles**: the query is a real question, the corpus 422 article titles.
- **Speed and memory** are of the machine that ran the command (two shared cores), not a promise.
- **A source never seen.** {unseen}
"""


if __name__ == "__main__":
    main()
