#!/usr/bin/env python3
"""The public yardstick: the classifier's recipe on BANKING77's full training set.

Nothing is chosen by looking at the test: recipe, epochs and seed are fixed beforehand, and the
test is scored once, by ``--test``, on the int8 export beside fp32.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch
from data import Row, read
from finetune import MeanPooledClassifier, finetune, plain_tokenizer
from weights import load_trunk

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


def main() -> None:
    """Train; a finished checkpoint is loaded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, required=True, help="folder of a local BERT")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, required=True, help="….safetensors to write")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    train(args.weights, args.data, args.checkpoint, epochs=args.epochs, seed=args.seed)


if __name__ == "__main__":
    main()
