#!/usr/bin/env python3
"""Score the few-shot head on public data: BANKING77 with ten labels a class, and CLINC150 with
out-of-scope questions. The vectors come from the active encoder."""

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
from data import read
from measure import area_under_curve

from appliance.inference.engine import Engine
from appliance.inference.linear_head import fit_head

Embed = Callable[[str], np.ndarray]
ROOT = Path(__file__).resolve().parents[2]
SEEDS = range(5)
IN_SCOPE_SHARE = 0.95  # of the validation questions lie above the out-of-scope threshold


def banking(data: Path, embed: Embed, each: int = 10) -> dict[str, float]:
    """Return the test accuracy, mean of five draws of ``each`` training texts a class."""
    train, test = (list(read(data, f"banking77_{part}")) for part in ("train", "test"))
    test_vectors, truth = _vectors(embed, test), [row["label"] for row in test]
    accuracy, seconds = [], []
    for seed in SEEDS:
        drawn = _draw(train, each, seed)
        vectors = _vectors(embed, drawn)
        started = time.perf_counter()
        head = fit_head(vectors, [row["label"] for row in drawn])
        seconds.append(time.perf_counter() - started)
        best = head.probabilities(test_vectors).argmax(1)
        accuracy.append(np.mean([head.labels[b] == t for b, t in zip(best, truth, strict=True)]))
    return {
        "rows": len(test),
        "accuracy, mean of 5 seeds": float(np.mean(accuracy)),
        "accuracy, standard deviation": float(np.std(accuracy)),
        "seconds to fit": float(np.median(seconds)),
    }


def clinc(data: Path, embed: Embed, each: int = 50) -> dict[str, float]:
    """Return the accuracy of 150 intents with ``each`` texts a class, and out-of-scope detection.

    The threshold is chosen on validation questions in scope, so no out-of-scope question is needed.
    """
    rows = list(read(data, "clinc150"))
    drawn = _draw([row for row in rows if row["split"] == "train"], each, 0)
    head = fit_head(_vectors(embed, drawn), [row["label"] for row in drawn])
    vectors = {
        split: _vectors(embed, [row for row in rows if row["split"] == split])
        for split in ("val", "test", "oos_test")
    }
    familiarity = {
        split: head.familiarity(split_vectors) for split, split_vectors in vectors.items()
    }
    threshold = np.quantile(familiarity["val"], 1 - IN_SCOPE_SHARE)
    truth = np.array([row["label"] for row in rows if row["split"] == "test"])
    right = np.array(head.labels)[head.probabilities(vectors["test"]).argmax(1)] == truth
    return {
        "rows in scope": len(truth),
        "rows out of scope": len(familiarity["oos_test"]),
        "in scope: accuracy": float(right.mean()),
        "in scope: accuracy with the threshold": float(
            (right & (familiarity["test"] >= threshold)).mean()
        ),
        "out of scope: recall": float((familiarity["oos_test"] < threshold).mean()),
        "out of scope: AUROC": area_under_curve(familiarity["oos_test"], familiarity["test"]),
    }


def _draw(rows: list[dict], each: int, seed: int) -> list[dict]:
    """Draw ``each`` rows of every label; the draw depends on the seed only."""
    rng = np.random.default_rng(seed)
    drawn = []
    for label in sorted({row["label"] for row in rows}):
        own = [row for row in rows if row["label"] == label]
        drawn += [own[at] for at in rng.choice(len(own), min(each, len(own)), replace=False)]
    return drawn


def _vectors(embed: Embed, rows: list[dict]) -> np.ndarray:
    """Return vectors (rows, dims); each text is embedded alone."""
    return np.stack([embed(row["text"]) for row in rows])


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument(
        "--models", type=Path, default=ROOT / "models", help="folder of the bundles"
    )
    args = parser.parse_args()
    engine = Engine(args.models, threads=2)
    figures = {
        "BANKING77, 10 labels a class": banking(args.data, engine.embed),
        "CLINC150, 50 labels a class": clinc(args.data, engine.embed),
    }
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
