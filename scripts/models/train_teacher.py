#!/usr/bin/env python3
"""Fine-tune the twelve layers of gte-small on the sentiment mix, as teacher for distillation."""

import argparse
from pathlib import Path

import torch
from data import SENTIMENTS, Row
from finetune import MeanPooledClassifier, finetune, plain_tokenizer
from sentiment_data import training_rows
from weights import load_trunk

LONGEST = 64  # tokens read in training


def train(
    weights: Path, rows: list[Row], checkpoint: Path, *, epochs: int = 2, seed: int = 7
) -> MeanPooledClassifier:
    """Return the trained teacher: mean pooling, three classes, layer-wise learning rates."""
    torch.manual_seed(seed)
    trunk, source = load_trunk(weights)
    trunk.config._attn_implementation = "sdpa"  # faster; the teacher is never exported
    model = MeanPooledClassifier(trunk, len(SENTIMENTS))
    finetune(
        model,
        lambda _: rows,
        plain_tokenizer(source.tokenizer, LONGEST),
        checkpoint,
        epochs=epochs,
        rate=1e-4,
        head_rate=1e-3,
        seed=seed,
        layer_decay=0.9,
        average=0.995,
    )
    return model.eval()


def main() -> None:
    """Train the teacher; a finished checkpoint is loaded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, required=True, help="folder of a local BERT")
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--checkpoint", type=Path, required=True, help="….safetensors to write")
    parser.add_argument("--epochs", type=int, default=2, help="epochs in all")
    parser.add_argument("--threads", type=int, default=2, help="threads of torch")
    parser.add_argument("--seed", type=int, default=7, help="seed of torch and of the row order")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    rows = training_rows(args.data, args.seed)
    print(f"{len(rows)} rows", flush=True)
    train(args.weights, rows, args.checkpoint, epochs=args.epochs, seed=args.seed)


if __name__ == "__main__":
    main()
