#!/usr/bin/env python3
"""Score the active bundles on held-out rows, print the table, write docs/models.md and the cards.

With --fp32 DIR (the --work folder of build.py) the unquantized exports are scored as well. The
figures of each check are stored in --figures FILE, with the fingerprint of their bundles, as soon
as they are measured: --resume continues a stopped run, --bundle ROLE scores that bundle only, and
--check NAME the checks with NAME in their name; the rest of the table is filled with stored figures
of the same bundles. With --extra FILE your own sets are scored instead, and nothing is written but
the --picture; docs/models.md says what the figures mean. No training library is needed.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from functools import cache, partial
from itertools import cycle
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import few_labels
import language_tasks
import numpy as np
import tasks
from cards import write_cards
from curves import curves_of, drawing
from data import CATEGORIES, categories
from extra import extra_figures, risk_table
from figures_store import FiguresStore, fingerprints
from goals import (
    MEMORY,
    OUT_OF_SCOPE,
    PICTURED,
    QUESTIONS,
    ROLE_CHECKS,
    SIMILARITY,
    SPEED,
    WRITTEN_SENTENCES,
    WRITTEN_TICKETS,
    Figures,
    left_out_table,
    missed,
    table,
)
from processor import instruction_set

from appliance.inference import languages
from appliance.inference.bundle import ENGLISH_TOKENIZER, FROZEN_HEAD, ROLES, Bundle, find_active
from appliance.inference.classify import classify, classify_sentiment, nearness, pieces
from appliance.inference.engine import Engine
from appliance.inference.linear_head import LinearHead
from appliance.inference.predictions import CategoryPrediction, SentimentPrediction
from appliance.inference.session import LoadedBundle, TextTokenizer, open_session

ROOT = Path(__file__).resolve().parents[2]
FIGURES = ROOT / "scripts/models/figures/figures.json"
TEMPLATE = ROOT / "scripts/models/models_page.md"
PICTURE = ROOT / "docs/images/risk.svg"
ALL_BUNDLES = "all bundles"  # whose fingerprint speed and memory are stored with
TICKET_TOKENS = 60


class Fp32:
    """The unquantized exports of a folder, with the interface of ``Engine``.

    A bundle without an export runs as shipped; ``exported`` names the roles that have one.
    """

    def __init__(self, folder: Path, models: Path) -> None:
        self._bundles = {role: find_active(models, role) for role in ROLES}
        self.exported = [role for role in ROLES if (folder / f"{role}.fp32.onnx").exists()]
        self._runs = {role: self._run_of(role, folder) for role in ROLES}
        classifier, encoder = self._bundles["classifier"], self._bundles["encoder"]
        self._knows_words = LoadedBundle(classifier, threads=1).knows_words
        self._frozen_head = None
        if classifier.settings.get("frozen_space") == encoder.ref.space:
            content = (classifier.folder / FROZEN_HEAD).read_bytes()
            self._frozen_head = LinearHead.from_bytes(content)

    def classify(
        self, text: str, labels: dict[str, str], *, cold_start: bool = False
    ) -> CategoryPrediction:
        """Predict as ``Engine.classify``."""
        bundle = self._bundles["classifier"]
        if not languages.is_supported(text, bundle.languages) or not self._knows_words(text):
            return CategoryPrediction(None, 0.0, (), bundle.ref)
        vector = self.embed(text)
        similarities = {
            label: nearness(vector, np.stack([self.embed(piece) for piece in pieces(description)]))
            for label, description in labels.items()
        }
        logits = self._runs["classifier"](text)
        frozen = self._frozen_probabilities(vector)
        return classify(
            bundle, logits, similarities, list(labels), frozen=frozen, cold_start=cold_start
        )

    def _run_of(self, role: str, folder: Path) -> Callable[[str], np.ndarray]:
        bundle = self._bundles[role]
        if role not in self.exported:
            return cache(LoadedBundle(bundle, threads=2).run)
        run = _runner(folder / f"{role}.fp32.onnx", bundle, "tokenizer.json")
        if not bundle.has_english_model:
            return run
        english = _runner(folder / "teacher.fp32.onnx", bundle, ENGLISH_TOKENIZER)
        return lambda text: english(text) if languages.is_english(text) else run(text)

    def _frozen_probabilities(self, vector: np.ndarray) -> dict[str, float] | None:
        head = self._frozen_head
        if head is None:
            return None
        return dict(zip(head.labels, head.probabilities(vector[None])[0].tolist(), strict=True))

    def classify_sentiment(self, text: str) -> SentimentPrediction:
        """Predict as ``Engine.classify_sentiment``."""
        bundle = self._bundles["sentiment"]
        if not languages.is_supported(text, bundle.languages):
            return SentimentPrediction(None, 0.0, 0.0, bundle.ref)
        return classify_sentiment(bundle, self._runs["sentiment"](text))

    def embed(self, text: str) -> np.ndarray:
        """Return a unit vector (dims,), as ``Engine.embed``."""
        return self._runs["encoder"](text)


def _runner(path: Path, bundle: Bundle, tokenizer: str) -> Callable[[str], np.ndarray]:
    """Return text → output, cached: descriptions are embedded for every ticket."""
    tokens = TextTokenizer(bundle.folder / tokenizer, bundle.max_tokens)
    session = open_session(path, 2, path.name)
    return cache(lambda text: session.run(tokens.ids(text)))


def checks_of(
    models: Engine | Fp32, data: Path, limit: int | None
) -> dict[str, Callable[[], Mapping[str, float]]]:
    """Return check → function that measures its figures, of the first ``limit`` rows if given."""
    labels, embed = categories(CATEGORIES), cache(models.embed)  # two checks embed the questions
    cold_start = partial(models.classify, cold_start=True)

    def category_figures(
        source: str = "",
        drawn: tuple[str, ...] = ("first",),
        classify: tasks.Classify = models.classify,
    ) -> dict[str, float]:
        rows = tasks.labelled_tickets(data, tasks.TEST_PART, drawn)
        rows = [row for row in rows if source in row["source"]]
        return tasks.category_scores(rows[:limit], classify, labels)

    def of_data(check: Callable) -> Callable[[], Mapping[str, float]]:
        return partial(check, data, embed, limit)

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
            tasks.demo_tickets()[:limit], cold_start, labels
        ),
        "categories, demo data, without cold start": lambda: tasks.category_scores(
            tasks.demo_tickets()[:limit], models.classify, labels
        ),
        "annotator agreement, internal IT": lambda: tasks.annotator_agreement(data),
        WRITTEN_TICKETS: lambda: language_tasks.written_tickets(models.classify, labels, limit),
        OUT_OF_SCOPE: lambda: language_tasks.out_of_scope(models.classify, labels),
        "SST-2 dev": lambda: tasks.sst2(data, models.classify_sentiment),
        "sentiment, test splits": lambda: tasks.sentiment_test_splits(
            data, models.classify_sentiment
        ),
        "sentiment, probe sentences": lambda: tasks.probe_sentences(models.classify_sentiment),
        WRITTEN_SENTENCES: lambda: language_tasks.written_sentences(
            models.classify_sentiment, limit
        ),
        QUESTIONS: of_data(language_tasks.questions_in_other_languages),
        SIMILARITY: of_data(language_tasks.similarity_in_languages),
        "STS-B test": lambda: tasks.similarity(data, embed),
        "support articles": lambda: tasks.articles(data, embed),
        "linked titles": lambda: tasks.linked_titles(data, embed),
        "linked titles with votes": lambda: tasks.linked_titles_with_votes(data, embed),
        "BANKING77, 10 labels a class": lambda: few_labels.banking(data, embed),
        "CLINC150, 50 labels a class": lambda: few_labels.clinc(data, embed),
    }


def speed(models: Path, tickets: int = 60) -> dict[str, float]:
    """Measure the processor time of one ticket through all three bundles, on one thread.

    Processor time too rises on a busy machine, whose cores share their caches and arithmetic units;
    the quickest tenth is closest to an idle one.
    """
    engine, labels, times = Engine(models, threads=1), categories(CATEGORIES), []
    engine.load()
    bundle = engine.bundle("classifier")
    tokens = TextTokenizer(bundle.folder / "tokenizer.json", bundle.max_tokens)
    for number in range(tickets):
        text = text_of(tokens, number)
        started = time.process_time()
        engine.classify(text, labels)
        engine.classify_sentiment(text)
        engine.embed(text)
        times.append(1000 * (time.process_time() - started))
    name = f"CPU-ms, one thread, {instruction_set()}"
    warm = times[tickets // 12 :]  # the first ones also embed the descriptions of the categories
    return {name: float(np.median(warm)), f"{name}, quickest tenth": float(np.percentile(warm, 10))}


def text_of(tokens: TextTokenizer, number: int) -> str:
    """Return a ticket of 60 tokens; another number gives another ticket."""
    text = f"ticket {number}"
    for word in cycle(
        [
            "the",
            "scanner",
            "in",
            "the",
            "archive",
            "shows",
            "error",
            "four",
            "after",
            "the",
            "update",
        ]
    ):
        if len(tokens.ids(text)) >= TICKET_TOKENS:
            return text
        text += f" {word}"
    raise AssertionError("cycle ends only with an empty sentence")


def file_megabytes(models: Path) -> float:
    """Return the size of the files of the three active bundles."""
    folders = [find_active(models, role).folder for role in ROLES]
    return sum(path.stat().st_size for folder in folders for path in folder.iterdir()) / 1e6


def resident_megabytes() -> float:
    """Return the resident memory of this process (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


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
        checks = checks_of(models, args.data, args.limit)
        roles = ROLES if isinstance(models, Engine) else models.exported
        for role in {args.bundle} & set(roles) if args.bundle else roles:
            for check in ROLE_CHECKS[role]:
                is_chosen = not args.check or any(name in check for name in args.check)
                if is_chosen and not (args.resume and store.has(kind, check, of[role])):
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
    int8, fp32 = extra(args, engine) if args.extra else own_checks(args, engine, added)
    print_figures(args, int8, fp32)
    if args.picture:
        args.picture.write_text(drawing(curves_of(int8)), encoding="utf-8")
    if not (args.no_write or args.extra):
        write_cards(args.models, int8, fp32)
        write_page(args.models, args.figures.parent, int8, fp32)


def extra(args: argparse.Namespace, engine: Engine) -> tuple[Figures, Figures]:
    """Return the figures of int8 on the files of --extra, and none of fp32."""
    labels = categories(CATEGORIES)
    try:
        int8 = {
            file.name: extra_figures(file, args.corpus, engine, labels, args.limit)
            for file in args.extra
        }
    except (OSError, ValueError) as error:
        sys.exit(str(error))
    return int8, {}


def own_checks(args: argparse.Namespace, engine: Engine, added: float) -> tuple[Figures, Figures]:
    """Measure, and return the figures of int8 and fp32; ``added``: MB added by the bundles."""
    store = FiguresStore(None if args.no_write else args.figures)
    of = fingerprints({role: find_active(args.models, role) for role in ROLES})
    measure(args, engine, store, of)
    store.add("int8", SPEED, of[ALL_BUNDLES], speed(args.models))
    sizes = {
        "MB added by loading all three": added,
        "MB of the files of all three": file_megabytes(args.models),
    }
    store.put("int8", MEMORY, of[ALL_BUNDLES], sizes)
    return store.figures("int8", of), store.figures("fp32", of)


def print_figures(args: argparse.Namespace, int8: Figures, fp32: Figures) -> None:
    """Print the table and the missed goals, or JSON with --json."""
    if args.json:
        print(json.dumps({"int8": int8, "fp32": fp32}, indent=1))
        return
    print(table(int8, fp32))
    if args.extra:
        for name, figures in int8.items():
            print(risk_table(name, figures))
    else:
        print(f"\nGoals missed: {'; '.join(missed(int8)) or 'none'}", file=sys.stderr)


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of the data sets, unless --extra")
    parser.add_argument("--models", type=Path, default=ROOT / "models", help="folder of bundles")
    parser.add_argument("--bundle", choices=ROLES, help="score only this role")
    parser.add_argument("--check", nargs="+", help="score only checks with this in their name")
    parser.add_argument(
        "--limit", type=int, help="score only the first rows of tickets and nine languages"
    )
    parser.add_argument("--fp32", type=Path, help="folder with *.fp32.onnx of the same build")
    parser.add_argument(
        "--figures", type=Path, default=FIGURES, help="JSON file that stores figures between runs"
    )
    parser.add_argument(
        "--resume", action="store_true", help="skip checks whose figures are stored"
    )
    parser.add_argument("--extra", type=Path, nargs="+", help="JSON lines: text, label; or query")
    parser.add_argument("--corpus", type=Path, help="JSON lines: id, text; for queries")
    parser.add_argument("--picture", type=Path, help="SVG file to draw risk by coverage into")
    parser.add_argument("--json", action="store_true", help="print JSON in place of the table")
    parser.add_argument("--no-write", action="store_true", help="only print")
    args = parser.parse_args()
    if not (args.data or args.extra):
        parser.error("name the data sets: --data FOLDER, or --extra FILE")
    args.no_write = args.no_write or args.limit is not None
    return args


def write_page(models: Path, folder: Path, int8: Figures, fp32: Figures) -> None:
    """Write docs/models.md from models_page.md, and its picture.

    ``folder`` may hold the output of other commands: urgency.json, int8.md and speed.md.
    """
    classifier = find_active(models, "classifier")
    text = TEMPLATE.read_text(encoding="utf-8").format(
        table=table(int8, fp32),
        urgency=urgency_rows(folder / "urgency.json"),
        int8=quoted(folder / "int8.md"),
        speed=quoted(folder / "speed.md"),
        left_out=left_out_table(classifier.settings["left_out"]),
    )
    (ROOT / "docs" / "models.md").write_text(text, encoding="utf-8")
    pictured = {check: int8[check] for check in PICTURED if check in int8}
    PICTURE.write_text(drawing(curves_of(pictured)), encoding="utf-8")


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
