#!/usr/bin/env python3
"""Compare a head that predicts urgency (low, normal, high) with the most frequent class.

The head uses the encoder's vectors. It is trained without parts 0 and 1 of the hand-labelled
tickets and scored on part 0; for an unseen source it is trained without internal tickets and scored
on them.
"""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
from data import part_of, read
from measure import area_under_curve, macro_f1

from appliance.inference.engine import Engine
from appliance.inference.linear_head import fit_head

ROOT = Path(__file__).resolve().parents[2]
UNSEEN_SOURCE = "it_tickets_47k"


def figures(vectors: np.ndarray, rows: list[dict], known: np.ndarray, test: np.ndarray) -> dict:
    """Return accuracy and macro-F1 on ``test`` of a head trained on ``known``.

    Both are masks (rows,).
    """
    levels = np.array([row["urgency"] for row in rows])
    head = fit_head(vectors[known], list(levels[known]))
    predictions = np.array(head.labels)[head.probabilities(vectors[test]).argmax(1)]
    names, counts = np.unique(levels[known], return_counts=True)
    always = np.full(test.sum(), names[counts.argmax()])
    truth = levels[test]
    measured = {"rows": int(test.sum()), "high ones": int((truth == "high").sum())}
    for name, answer in (("head", predictions), ("commonest", always)):
        measured[f"{name}: accuracy"] = float((answer == truth).mean())
        measured[f"{name}: macro-F1"] = macro_f1(list(truth), list(answer))
    urgent = head.probabilities(vectors[test])[:, head.labels.index("high")]
    measured["high: AUROC"] = area_under_curve(urgent[truth != "high"], urgent[truth == "high"])
    measured["high found"] = float((predictions[truth == "high"] == "high").mean())
    return measured


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument(
        "--models", type=Path, default=ROOT / "models", help="folder of the bundles"
    )
    args = parser.parse_args()
    engine = Engine(args.models, threads=1)
    rows = list(read(args.data, "labelled_tickets"))
    vectors = np.stack([engine.embed(row["text"]) for row in rows])
    parts = np.array([part_of(row["text"]) for row in rows])
    internal = np.array([row["source"] == UNSEEN_SOURCE for row in rows])
    measured = {
        "all sources": figures(vectors, rows, parts > 1, parts == 0),
        "internal IT, seen": figures(vectors, rows, parts > 1, (parts == 0) & internal),
        "internal IT, never seen": figures(vectors, rows, ~internal, internal),
    }
    print(json.dumps(measured, indent=1))


if __name__ == "__main__":
    main()
