#!/usr/bin/env python3
"""Fine-tune the upper layers of multilingual-e5-small on sentiment, as a DistilBERT.

The lower four layers are those of multilingual-e5-small; their outputs are computed once. The
result is a DistilBertForSequenceClassification with twelve layers, which reads the first token.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch
from data import SENTIMENTS
from finetune import plain_tokenizer, save
from safetensors.torch import load_file
from sentiment_data import STAGES, training_rows
from torch import nn
from upper_layers import UpperClassifier, fit, lower_states
from weights import distilbert_state, empty_distilbert, load_trunk

LONGEST = 64  # tokens read in training
FIRST_LAYER = 4  # of those that are trained


def train(weights: Path, data: Path, checkpoint: Path, *, seed: int = 7) -> nn.Module:
    """Return a DistilBertForSequenceClassification: negative, neutral, positive.

    A finished checkpoint is loaded; sentiment_data.py leaves out the held-out rows.
    """
    trunk, source = load_trunk(weights)
    upper = UpperClassifier(trunk, FIRST_LAYER, len(SENTIMENTS), pooling="first")
    if checkpoint.exists():
        upper.load_state_dict(load_file(checkpoint))
    else:
        tokenizer = plain_tokenizer(source.tokenizer, LONGEST)
        for stage, (english, epochs, rate) in enumerate(STAGES):
            rows = training_rows(data, seed + stage, english)
            print(f"{len(rows)} rows", flush=True)
            states = lower_states(trunk, FIRST_LAYER, [row.text for row in rows], tokenizer)
            fit(upper, states, rows, epochs=epochs, rate=rate, seed=seed + stage, label="sentiment")
        save(upper.state_dict(), checkpoint)
    return full_model(trunk, upper)


def full_model(trunk: nn.Module, upper: UpperClassifier) -> nn.Module:
    """Return the DistilBERT of the trunk's lower layers and the trained upper ones."""
    upper.put_back(trunk, FIRST_LAYER)
    model = empty_distilbert(trunk.config, SENTIMENTS)
    model.distilbert.load_state_dict(distilbert_state(trunk.state_dict()), strict=False)
    model.pre_classifier.load_state_dict(upper.pre_classifier.state_dict())
    model.classifier.load_state_dict(upper.head.state_dict())
    return model.eval()


def main() -> None:
    """Train the sentiment model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, required=True, help="multilingual-e5-small, cut")
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--checkpoint", type=Path, required=True, help="….safetensors to write")
    parser.add_argument("--threads", type=int, default=2, help="threads of torch")
    parser.add_argument("--seed", type=int, default=7, help="seed of torch and of the row order")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    train(args.weights, args.data, args.checkpoint, seed=args.seed)


if __name__ == "__main__":
    main()
