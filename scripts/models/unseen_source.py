#!/usr/bin/env python3
"""Measure the classifier on sources it was not trained on, and choose the cold-start numbers.

Each source of labelled tickets is left out in turn. A head that never saw it, a regression on
frozen gte-small, replaces the fine-tuned model. The cold-start numbers are chosen on these sources
only; the demo data are scored with them.
"""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
from bundles import write_settings
from calibrate import HeldOut, temperature
from data import categories, category_target, part_of, phrase_rows
from export import export_fp32, quantize
from sklearn.linear_model import LogisticRegression
from tasks import CALIBRATION_PART, TEST_PART, demo_tickets, labelled_tickets
from train_classifier import CATEGORIES
from weights import load_trunk

from appliance.inference.bundle import find_active
from appliance.inference.classify import nearness, pieces
from appliance.inference.session import TextTokenizer, open_session

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = ("it_tickets_47k", "thunderbird", "firefox", "ms_support", "multidogo")
# Mean accuracy of decided tickets on the left-out sources: two annotators agree as often.
MIN_ACCURACY = 0.85
TextFunction = Callable[[str], np.ndarray]


def left_out_outputs(
    data: Path, features: TextFunction, similarities: TextFunction, labels: dict[str, str]
) -> dict:
    """Return source → outputs of a head that never saw it on its tickets, without the test part."""
    rows = labelled_tickets(data, None, ("first", "random", "picked"))
    rows = [row for row in rows if part_of(row["text"]) != TEST_PART]
    vectors = {row["text"]: features(row["text"][:800]) for row in rows}
    phrases = phrase_rows(CATEGORIES, list(labels))  # the only examples of "people"
    known = [(features(row.text), int(np.argmax(row.target))) for row in phrases]
    return {
        source: _substitute_outputs(source, rows, vectors, known, similarities, list(labels))
        for source in LEFT_OUT
    }


def _substitute_outputs(
    source: str,
    rows: list[dict],
    vectors: dict[str, np.ndarray],
    known: list[tuple[np.ndarray, int]],
    similarities: TextFunction,
    slugs: list[str],
) -> HeldOut:
    """Return outputs of a head trained on the other sources.

    Its temperature is fitted on their calibration part and already applied to the logits.
    """
    others = [row for row in rows if row["source"] != source]
    part = {row["text"]: part_of(row["text"]) for row in rows}
    training = [row for row in others if part[row["text"]] != CALIBRATION_PART]
    known = known + [(vectors[row["text"]], slugs.index(row["category"])) for row in training]
    head = LogisticRegression(C=30, max_iter=400, class_weight="balanced").fit(
        np.array([vector for vector, _ in known]), [number for _, number in known]
    )

    def logits(tickets: list[dict]) -> np.ndarray:
        return head.decision_function(np.array([vectors[row["text"]] for row in tickets]))

    fitting = [r for r in others if part[r["text"]] == CALIBRATION_PART and r["drawn"] != "picked"]
    fitted = temperature(logits(fitting), _targets(fitting, slugs))
    own = [row for row in rows if row["source"] == source and row["drawn"] != "picked"]
    return held_out(own, logits(own) / fitted, similarities, slugs)


def held_out(
    rows: list[dict], logits: np.ndarray, similarities: TextFunction, slugs: list[str]
) -> HeldOut:
    """Return model outputs and labels of rows."""
    return HeldOut(
        logits,
        np.array([similarities(row["text"]) for row in rows]),
        _targets(rows, slugs),
        np.array([[slug in (row["category"], row["second"]) for slug in slugs] for row in rows]),
    )


def _targets(rows: list[dict], slugs: list[str]) -> np.ndarray:
    return np.array([category_target(row, slugs) for row in rows])


def choose(unseen: dict[str, HeldOut], familiar: HeldOut, numbers: dict, labels: list[str]) -> dict:
    """Return the cold-start numbers (weight of the head, floor) with the highest mean coverage.

    The mean accuracy of decided tickets on the ``unseen`` sources must reach MIN_ACCURACY.
    """
    best, max_coverage = {"head_weight": 0.2, "floor": 0.95}, 0.0
    for weight in (0.2, 0.3, 0.4, 0.5, 0.6):
        for floor in np.arange(0.5, 0.96, 0.01):
            cold_start = {"head_weight": weight, "floor": round(float(floor), 2)}
            figures = [
                cold_start_figures(rows, numbers, cold_start, labels) for rows in unseen.values()
            ]
            accuracy = np.mean([item["accuracy of decided"] for item in figures])
            figures.append(
                cold_start_figures(familiar, numbers, cold_start, labels, is_calibrated=False)
            )
            coverage = np.mean([item["coverage"] for item in figures])
            if accuracy >= MIN_ACCURACY and coverage > max_coverage:
                best, max_coverage = cold_start, coverage
    return best


def cold_start_figures(
    rows: HeldOut, numbers: dict, cold_start: dict, labels: list[str], *, is_calibrated: bool = True
) -> dict[str, float]:
    """Return coverage and accuracy with the cold-start numbers, and of withheld predictions.

    ``is_calibrated``: the temperature is already applied to the logits.
    """
    if is_calibrated:
        numbers = numbers | {"head_temperature": 1.0}
    shares, every = rows.mixed(numbers), np.arange(len(rows.logits))
    best = shares.argmax(-1)
    least = np.array([numbers["thresholds"][label] for label in labels])
    trusted = shares.max(-1) >= least[best]
    weighed = rows.mixed(numbers | {"head_weight": cold_start["head_weight"], "sharpness": 1.0})
    sure = trusted & (weighed[every, best] >= cold_start["floor"])
    first = best == rows.targets.argmax(-1)
    withheld = trusted & ~sure
    return {
        "rows": len(best),
        "coverage": float(sure.mean()),
        "accuracy of decided": _share(first[sure]),
        "withheld": float(withheld.mean()),
        "withheld: accuracy": _share(first[withheld]),
        "without cold start: coverage": float(trusted.mean()),
        "without cold start: accuracy": _share(first[trusted]),
    }


def _share(right: np.ndarray) -> float:
    return float(right.mean()) if len(right) else 0.0


def shipped_models(models: Path, labels: dict[str, str]) -> tuple[TextFunction, TextFunction]:
    """Return functions of a text: logits of the active head, similarity to each category."""
    head, embed = (runner(find_active(models, r).folder, r) for r in ("classifier", "encoder"))
    described = [np.stack([embed(p) for p in pieces(text)]) for text in labels.values()]

    def similarities(text: str) -> np.ndarray:
        vector = embed(text)
        return np.array([nearness(vector, rows) for rows in described])

    return head, similarities


def runner(folder: Path, role: str) -> TextFunction:
    """Return a function that runs a bundle on a text."""
    tokens = TextTokenizer(folder / "tokenizer.json", {"classifier": 256, "encoder": 512}[role])
    session = open_session(folder / "model.onnx", 1, role)
    return lambda text: session.run(tokens.ids(text))


def frozen_encoder(weights: Path, work: Path) -> TextFunction:
    """Return a function that embeds a text with the original gte-small, quantized like bundles."""
    trunk, source = load_trunk(weights / "gte-small")
    work.mkdir(parents=True, exist_ok=True)
    fp32, int8 = work / "frozen.fp32.onnx", work / "frozen.int8.onnx"
    if not int8.exists():
        export_fp32(trunk, "feature-extraction", source.tokenizer, fp32)
        quantize(fp32, int8)
    tokens, session = TextTokenizer(source.tokenizer, 256), open_session(int8, 1, int8.name)
    return lambda text: session.run(tokens.ids(text))


def table(figures: dict[str, dict[str, float]]) -> str:
    """Return the figures as a Markdown table."""
    lines = [
        "| tickets | rows | decided | of them right | withheld | of them right "
        "| without cold start: decided | of them right |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, item in figures.items():
        rows, *shares = item.values()
        lines.append(f"| {name} | {rows} | " + " | ".join(f"{s:.3f}" for s in shares) + " |")
    return "\n".join(lines)


def measure(
    models: Path, data: Path, weights: Path, work: Path, *, choose_numbers: bool = False
) -> dict[str, dict[str, float]]:
    """Return set → figures. ``choose_numbers``: write new cold-start numbers into the bundle."""
    labels, bundle = categories(CATEGORIES), find_active(models, "classifier")
    slugs, numbers = list(labels), dict(bundle.calibration)
    head, similarities = shipped_models(models, labels)
    unseen = left_out_outputs(data, frozen_encoder(weights, work), similarities, labels)

    def outputs(rows: list[dict]) -> HeldOut:
        return held_out(rows, np.array([head(row["text"]) for row in rows]), similarities, slugs)

    familiar = outputs(labelled_tickets(data, CALIBRATION_PART))
    if choose_numbers:
        numbers["new_desk"] = choose(unseen, familiar, numbers, slugs)
        settings = json.loads((bundle.folder / "bundle.json").read_text(encoding="utf-8"))
        write_settings(bundle.folder, settings | {"calibration": numbers})
    cold_start = numbers["new_desk"]
    figures = {
        f"{n}, left out": cold_start_figures(r, numbers, cold_start, slugs)
        for n, r in unseen.items()
    }
    tests = labelled_tickets(data, TEST_PART, ("first",))
    for name, rows in (
        ("known sources, part 1", familiar),
        ("internal IT, part 0", outputs([r for r in tests if r["source"] == "it_tickets_47k"])),
        ("demo data", outputs(demo_tickets())),
    ):
        figures[name] = cold_start_figures(rows, numbers, cold_start, slugs, is_calibrated=False)
    return figures


def main() -> None:
    """Print a table: left-out sources, known sources, demo data."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--weights", type=Path, required=True, help="what fetch_weights.py filled")
    parser.add_argument(
        "--work", type=Path, required=True, help="folder for the export of gte-small"
    )
    parser.add_argument(
        "--models", type=Path, default=ROOT / "models", help="folder of the bundles"
    )
    parser.add_argument(
        "--choose", action="store_true", help="write the chosen numbers into the bundle"
    )
    args = parser.parse_args()
    print(
        table(measure(args.models, args.data, args.weights, args.work, choose_numbers=args.choose))
    )


if __name__ == "__main__":
    main()
