#!/usr/bin/env python3
"""Fine-tune the twelve layers of gte-small on the labelled tickets (mean pooling, linear head)."""

import argparse
import random
from pathlib import Path

import torch
from data import CATEGORIES, Row, categories, category_rows, phrase_rows, seeded, terse
from finetune import MeanPooledClassifier, finetune, plain_tokenizer
from weights import load_trunk

LONGEST = 112  # tokens read in training


def train(
    weights: Path,
    data: Path,
    checkpoint: Path,
    leave_out: set,
    *,
    epochs: int = 4,
    seed: int = 7,
) -> MeanPooledClassifier:
    """Return the trained classifier; ``leave_out`` holds parts (int) and sources (str) to skip."""
    torch.manual_seed(seed)
    slugs = list(categories(CATEGORIES))
    trunk, source = load_trunk(weights)
    trunk.config._attn_implementation = "sdpa"  # half the time; the export goes back to eager
    model = MeanPooledClassifier(trunk, len(slugs))
    rows = category_rows(data, slugs, leave_out)
    phrases = phrase_rows(CATEGORIES, slugs)
    scarce = _scarce(rows, slugs)

    def rows_of_epoch(epoch: int) -> list[Row]:
        rng = seeded(seed * 100 + epoch)
        varied = [_vary(row, rng) for row in rows]
        return varied + phrases + [_vary(row, rng) for row in scarce]

    finetune(
        model,
        rows_of_epoch,
        plain_tokenizer(source.tokenizer, LONGEST),
        checkpoint,
        epochs=epochs,
        rate=1.2e-4,
        head_rate=2e-3,
        seed=seed,
        layer_decay=0.95,
        average=0.99,
    )
    trunk.config._attn_implementation = "eager"
    return model.eval()


def _scarce(rows: list[Row], slugs: list[str]) -> list[Row]:
    """Return the rows of categories with fewer than 150 tickets; training uses them twice."""
    firsts = [row.target.index(max(row.target)) for row in rows]
    rare = {number for number in range(len(slugs)) if firsts.count(number) < 150}
    return [row for row, first in zip(rows, firsts, strict=True) if first in rare]


def _vary(row: Row, rng: random.Random) -> Row:
    """Return the row, half of the time with a tersely typed text."""
    if rng.random() < 0.5:
        return row
    return Row(terse(row.text, rng) or row.text, row.target, row.weight)


def main() -> None:
    """Train the classifier without the parts and sources of --leave-out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, required=True, help="folder of a local BERT")
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--checkpoint", type=Path, required=True, help="….safetensors to write")
    parser.add_argument("--leave-out", nargs="*", default=["0", "1"], help="parts or source names")
    parser.add_argument("--epochs", type=int, default=4, help="epochs in all")
    parser.add_argument("--threads", type=int, default=2, help="threads of torch")
    parser.add_argument("--seed", type=int, default=7, help="seed of torch and of the row order")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    leave_out = {int(item) if item.isdigit() else item for item in args.leave_out}
    train(args.weights, args.data, args.checkpoint, leave_out, epochs=args.epochs, seed=args.seed)


if __name__ == "__main__":
    main()
