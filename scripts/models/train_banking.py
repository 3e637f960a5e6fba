#!/usr/bin/env python3
"""The public yardstick: the classifier's recipe on BANKING77's full training set.

Nothing is chosen by looking at the test: recipe, epochs and seed are fixed beforehand. With
--work the finished model is exported, quantized and scored on the test, int8 beside fp32; with
--figures the figures are kept for evaluate.py's table.
"""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch
from data import Row, read
from export import check_parity, export_fp32, quantize
from finetune import MeanPooledClassifier, finetune, plain_tokenizer
from goals import BANKING, Figures
from kept import Kept
from weights import load_trunk

from appliance.inference.session import open_session
from appliance.inference.tokens import TokenReader

EPOCHS = 5
SMOOTHING = 0.05


def labels_of(data: Path) -> list[str]:
    """The 77 intents, in alphabetical order."""
    return sorted({row["label"] for row in read(data, "banking77_train")})


def banking_rows(data: Path) -> list[Row]:
    """The training set with smoothed labels, and the names of the intents as 77 more texts."""
    labels = labels_of(data)
    rest = SMOOTHING / len(labels)
    targets = {
        label: tuple(rest + (1 - SMOOTHING) * (label == name) for name in labels)
        for label in labels
    }
    rows = [Row(row["text"], targets[row["label"]]) for row in read(data, "banking77_train")]
    return rows + [Row(label.replace("_", " "), targets[label]) for label in labels]


def train(
    weights: Path, data: Path, checkpoint: Path, *, epochs: int = EPOCHS, seed: int = 7
) -> MeanPooledClassifier:
    """gte-small, mean pooling; rates fall with depth; the moving average of the weights is kept."""
    torch.manual_seed(seed)
    trunk, source = load_trunk(weights)
    rows = banking_rows(data)
    trunk.config._attn_implementation = "sdpa"  # half the time; the export goes back to eager
    model = MeanPooledClassifier(trunk, len(labels_of(data)))
    finetune(
        model,
        lambda _: rows,
        plain_tokenizer(source.tokenizer, 96),
        checkpoint,
        epochs=epochs,
        rate=1.2e-4,
        head_rate=2e-3,
        seed=seed,
        layer_decay=0.95,
        average=0.99,
    )
    return model.eval()


def score(
    model: MeanPooledClassifier, tokenizer: Path, data: Path, work: Path
) -> dict[str, Figures]:
    """Accuracy on the test's 3,080 questions, each read alone, for both exports."""
    fp32, int8 = work / "banking.fp32.onnx", work / "banking.int8.onnx"
    model.trunk.config._attn_implementation = "eager"
    export_fp32(model.trunk, "feature-extraction", tokenizer, fp32, model.head)
    check_parity(fp32, model)
    quantize(fp32, int8)
    tokens, labels = TokenReader(tokenizer, 256), labels_of(data)
    rows = list(read(data, "banking77_test"))
    figures = {}
    for kind, path in (("int8", int8), ("fp32", fp32)):
        session = open_session(path, 2, path.name)
        said = [labels[int(session.run(tokens.ids(row["text"])).argmax())] for row in rows]
        right = sum(label == row["label"] for label, row in zip(said, rows, strict=True))
        found = {"rows": len(rows), "accuracy": right / len(rows)}
        figures[kind] = {BANKING: found}
    return figures


def main() -> None:
    """Train, or load a finished checkpoint; then score where --work says so."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, required=True, help="folder of a local BERT")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, required=True, help="….safetensors to write")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--work", type=Path, help="export and score here")
    parser.add_argument("--figures", type=Path, help="JSON file that keeps figures")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    model = train(args.weights, args.data, args.checkpoint, epochs=args.epochs, seed=args.seed)
    if args.work:
        tokenizer = load_trunk(args.weights)[1].tokenizer
        figures, kept = score(model, tokenizer, args.data, args.work), Kept(args.figures)
        for kind, found in figures.items():
            kept.put(kind, BANKING, BANKING, found[BANKING])
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
