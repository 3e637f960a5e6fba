#!/usr/bin/env python3
"""The on-desk recipe on public questions: BANKING77 at ten labels a class, CLINC150 with the
questions that belong to none of its intents. Vectors are those of the shipped encoder."""

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
from appliance.inference.learn import learn

Embed = Callable[[str], np.ndarray]
ROOT = Path(__file__).resolve().parents[2]
SEEDS = range(5)
KEPT_IN_SCOPE = 0.95  # of validation questions: where the out-of-scope threshold is put


def banking(data: Path, embed: Embed, each: int = 10) -> dict[str, float]:
    """Test accuracy, mean of five draws of ``each`` training texts a class."""
    train, test = (list(read(data, f"banking77_{part}")) for part in ("train", "test"))
    asked, truth = _vectors(embed, test), [row["label"] for row in test]
    accuracy, seconds = [], []
    for seed in SEEDS:
        drawn = _draw(train, each, seed)
        vectors = _vectors(embed, drawn)
        started = time.perf_counter()
        head = learn(vectors, [row["label"] for row in drawn])
        seconds.append(time.perf_counter() - started)
        best = head.shares(asked).argmax(1)
        accuracy.append(np.mean([head.labels[b] == t for b, t in zip(best, truth, strict=True)]))
    return {
        "rows": len(test),
        "accuracy, mean of 5 seeds": float(np.mean(accuracy)),
        "accuracy, standard deviation": float(np.std(accuracy)),
        "seconds to fit": float(np.median(seconds)),
    }


def clinc(data: Path, embed: Embed, each: int = 50) -> dict[str, float]:
    """150 intents from ``each`` texts; the threshold for "out of scope" is put on validation
    questions in scope, so that no out-of-scope question is needed to choose it."""
    rows = list(read(data, "clinc150"))
    drawn = _draw([row for row in rows if row["split"] == "train"], each, 0)
    head = learn(_vectors(embed, drawn), [row["label"] for row in drawn])
    vectors = {
        split: _vectors(embed, [row for row in rows if row["split"] == split])
        for split in ("val", "test", "oos_test")
    }
    inside = {split: head.familiarity(found) for split, found in vectors.items()}
    threshold = np.quantile(inside["val"], 1 - KEPT_IN_SCOPE)
    truth = np.array([row["label"] for row in rows if row["split"] == "test"])
    right = np.array(head.labels)[head.shares(vectors["test"]).argmax(1)] == truth
    return {
        "rows in scope": len(truth),
        "rows out of scope": len(inside["oos_test"]),
        "in scope: accuracy": float(right.mean()),
        "in scope: accuracy with the threshold": float(
            (right & (inside["test"] >= threshold)).mean()
        ),
        "out of scope: recall": float((inside["oos_test"] < threshold).mean()),
        "out of scope: AUROC": area_under_curve(inside["oos_test"], inside["test"]),
    }


def _draw(rows: list[dict], each: int, seed: int) -> list[dict]:
    """``each`` rows of every label, drawn without looking at anything but the seed."""
    chance = np.random.default_rng(seed)
    drawn = []
    for label in sorted({row["label"] for row in rows}):
        own = [row for row in rows if row["label"] == label]
        drawn += [own[at] for at in chance.choice(len(own), min(each, len(own)), replace=False)]
    return drawn


def _vectors(embed: Embed, rows: list[dict]) -> np.ndarray:
    """(rows, dims), each text read alone."""
    return np.stack([embed(row["text"]) for row in rows])


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--models", type=Path, default=ROOT / "models")
    args = parser.parse_args()
    engine = Engine(args.models, threads=2)
    found = {
        "BANKING77, 10 labels a class": banking(args.data, engine.embed),
        "CLINC150, 50 labels a class": clinc(args.data, engine.embed),
    }
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
