#!/usr/bin/env python3
"""Fine-tune gte-small's twelve layers on the hand-labelled tickets (mean pooling, linear head)."""

import argparse
import random
from pathlib import Path

import torch
from data import Row, categories, category_rows, phrase_rows, seeded, terse
from finetune import MeanPooledClassifier, finetune, plain_tokenizer
from weights import load_trunk

CATEGORIES = Path(__file__).resolve().parents[2] / "appliance/tickets/default_categories.json"
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
    """The trained classifier; ``leave_out`` names parts (int) or sources (str) not to see."""
    torch.manual_seed(seed)
    slugs = list(categories(CATEGORIES))
    trunk, source = load_trunk(weights)
    trunk.config._attn_implementation = "sdpa"  # half the time; the export goes back to eager
    model = MeanPooledClassifier(trunk, len(slugs))
    rows = category_rows(data, slugs, leave_out)
    phrases = phrase_rows(CATEGORIES, slugs)
    scarce = _scarce(rows, slugs)

    def rows_of_epoch(epoch: int) -> list[Row]:
        chance = seeded(seed * 100 + epoch)
        seen = [_vary(row, chance) for row in rows]
        return seen + phrases + [_vary(row, chance) for row in scarce]

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
    """Rows of categories with fewer than 150 tickets: they are shown twice, varied."""
    firsts = [row.target.index(max(row.target)) for row in rows]
    rare = {number for number in range(len(slugs)) if firsts.count(number) < 150}
    return [row for row, first in zip(rows, firsts, strict=True) if first in rare]


def _vary(row: Row, chance: random.Random) -> Row:
    """Half of the time the way a hurried colleague would type it."""
    if chance.random() < 0.5:
        return row
    return Row(terse(row.text, chance) or row.text, row.target, row.weight)


def main() -> None:
    """Train once, without the test part and whatever else --leave-out names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, required=True, help="folder of a local BERT")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, required=True, help="….safetensors to write")
    parser.add_argument("--leave-out", nargs="*", default=["0", "1"], help="parts or source names")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    leave_out = {int(item) if item.isdigit() else item for item in args.leave_out}
    train(args.weights, args.data, args.checkpoint, leave_out, epochs=args.epochs, seed=args.seed)


if __name__ == "__main__":
    main()
