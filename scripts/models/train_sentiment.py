#!/usr/bin/env python3
"""Fine-tune MiniLM-L6, in the DistilBERT architecture, on three moods."""

import argparse
from pathlib import Path

import torch
from data import mood_rows, report_rows
from finetune import finetune, plain_tokenizer
from weights import load_distilbert


def train(
    weights: Path, data: Path, checkpoint: Path, *, epochs: int = 2, seed: int = 7,
    longest: int = 80,
):
    """DistilBertForSequenceClassification over negative, neutral, positive."""
    torch.manual_seed(seed)
    model, source = load_distilbert(weights)
    rows = mood_rows(data, seed)
    reports = report_rows(data, rows, seed)
    print(f"{len(rows)} rows, then {len(reports)}", flush=True)
    tokenizer = plain_tokenizer(source.tokenizer, longest)
    finetune(model, lambda epoch: reports if epoch else rows, tokenizer, checkpoint,
             epochs=epochs, rate=1e-4, head_rate=1e-3, seed=seed)
    return model.eval()


def main() -> None:
    """Train once; held-out rows are left out by data.py."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, required=True, help="local BERT or DistilBERT")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, required=True, help="….safetensors to write")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    torch.set_num_threads(2)
    train(args.weights, args.data, args.checkpoint, epochs=args.epochs, seed=args.seed)


if __name__ == "__main__":
    main()
