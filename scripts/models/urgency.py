#!/usr/bin/env python3
"""Would a head on the shared vectors suggest a priority? Low, normal or high, against always
saying the commonest one. Trained without parts 0 and 1 of the hand-labelled tickets, scored on
part 0 and, for a source never seen, on internal tickets after training on all others."""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
from data import part_of, read
from measure import area_under_curve, macro_f1

from appliance.inference.engine import Engine
from appliance.inference.learn import learn

ROOT = Path(__file__).resolve().parents[2]
UNSEEN = "it_tickets_47k"


def figures(vectors: np.ndarray, rows: list[dict], known: np.ndarray, test: np.ndarray) -> dict:
    """Accuracy and macro-F1 of a head learnt from ``known`` on ``test``; both (rows,) masks."""
    levels = np.array([row["urgency"] for row in rows])
    head = learn(vectors[known], list(levels[known]))
    said = np.array(head.labels)[head.shares(vectors[test]).argmax(1)]
    names, counts = np.unique(levels[known], return_counts=True)
    always = np.full(test.sum(), names[counts.argmax()])
    truth = levels[test]
    found = {"rows": int(test.sum()), "high ones": int((truth == "high").sum())}
    for name, answer in (("head", said), ("commonest", always)):
        found[f"{name}: accuracy"] = float((answer == truth).mean())
        found[f"{name}: macro-F1"] = macro_f1(list(truth), list(answer))
    urgent = head.shares(vectors[test])[:, head.labels.index("high")]
    found["high: AUROC"] = area_under_curve(urgent[truth != "high"], urgent[truth == "high"])
    found["high found"] = float((said[truth == "high"] == "high").mean())
    return found


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--models", type=Path, default=ROOT / "models")
    args = parser.parse_args()
    engine = Engine(args.models, threads=1)
    rows = list(read(args.data, "labelled_tickets"))
    vectors = np.stack([engine.embed(row["text"]) for row in rows])
    parts = np.array([part_of(row["text"]) for row in rows])
    internal = np.array([row["source"] == UNSEEN for row in rows])
    found = {
        "all sources": figures(vectors, rows, parts > 1, parts == 0),
        "internal IT, seen": figures(vectors, rows, parts > 1, (parts == 0) & internal),
        "internal IT, never seen": figures(vectors, rows, ~internal, internal),
    }
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
