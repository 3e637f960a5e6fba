#!/usr/bin/env python3
"""Teach MiniLM what belongs together on a help desk, and keep what it could do before.

In-batch negatives: of the texts in a batch, all of one kind, each must find its own partner. What
comes out is a mean of trained and starting weights (--keep of the latter), which forgets less.
"""

import argparse
import random
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import torch
from finetune import Batch, finetune, plain_tokenizer
from pairs import LEARN_UNTIL, Pair, pairs_of
from tokenizers import Tokenizer
from torch import nn
from weights import Encoder, load_trunk

LONGEST = 96  # tokens read in training
SCALE = 20.0  # of cosines before the softmax
# Of the starting weights. Of 0, 0.3 and 0.5, on questions of late 2024: 0.3 puts one point more of
# the right articles among three, 0.5 leaves texts about nothing on the desk further away.
KEEP = 0.5


def pair_batches(
    pairs: list[Pair], tokenizer: Tokenizer, size: int, chance: random.Random
) -> Iterator[Batch]:
    """Shuffled batches of one kind and like length: ids and mask of both sides, and which pairs
    share a key."""
    kinds: dict[str, list[int]] = defaultdict(list)
    for number, pair in enumerate(pairs):
        kinds[pair.kind].append(number)
    sides = [
        [item.ids for item in tokenizer.encode_batch([getattr(pair, side) for pair in pairs])]
        for side in ("one", "other")
    ]
    groups = []
    for numbers in kinds.values():
        length = {
            i: (len(sides[0][i]) + len(sides[1][i])) * chance.uniform(0.7, 1.4) for i in numbers
        }
        order = sorted(numbers, key=length.__getitem__)
        groups += [order[at : at + size] for at in range(0, len(order), size)]
    chance.shuffle(groups)
    for group in groups:
        shared = [[bool(pairs[i].keys & pairs[j].keys) and i != j for j in group] for i in group]
        yield (
            *_padded([sides[0][i] for i in group]),
            *_padded([sides[1][i] for i in group]),
            torch.tensor(shared),
        )


def _padded(ids: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    longest = max(map(len, ids))
    return (
        torch.tensor([row + [0] * (longest - len(row)) for row in ids]),
        torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in ids]),
    )


def pair_loss(model: nn.Module, batch: Batch) -> torch.Tensor:
    """Each text must find its partner among the others', in both directions."""
    ids, mask, other_ids, other_mask, shared = batch
    one, other = model(ids, mask).float(), model(other_ids, other_mask).float()
    scores = (SCALE * one @ other.T).masked_fill(shared, -1e4)
    own = torch.arange(len(scores))
    return (
        nn.functional.cross_entropy(scores, own) + nn.functional.cross_entropy(scores.T, own)
    ) / 2


def blended(start: dict, trained: dict, keep: float) -> dict:
    """A mean of two sets of weights; ``keep`` is the share of the first."""
    return {
        name: torch.lerp(trained[name], value, keep) if value.is_floating_point() else value
        for name, value in start.items()
    }


def train(
    weights: Path,
    data: Path,
    checkpoint: Path,
    *,
    epochs: int = 2,
    keep: float = KEEP,
    until: str = LEARN_UNTIL,
    seed: int = 7,
) -> Encoder:
    """The encoder; nothing asked from ``until`` on is learnt from."""
    torch.manual_seed(seed)
    trunk, source = load_trunk(weights)
    model = Encoder(trunk)
    start = {name: value.clone() for name, value in model.state_dict().items()}
    trunk.config._attn_implementation = "sdpa"  # half the time; the export goes back to eager
    finetune(
        model,
        lambda epoch: pairs_of(data, seed * 100 + epoch, until),
        plain_tokenizer(source.tokenizer, LONGEST),
        checkpoint,
        epochs=epochs,
        rate=5e-5,
        head_rate=5e-5,
        seed=seed,
        size=64,
        average=0.99,
        loss_of=pair_loss,
        batches_of=pair_batches,
    )
    trunk.config._attn_implementation = "eager"
    model.load_state_dict(blended(start, model.state_dict(), keep))
    return model.eval()


def main() -> None:
    """Train once; a finished checkpoint is loaded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, required=True, help="folder of a local BERT")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, required=True, help="….safetensors to write")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--until", default=LEARN_UNTIL, help="learn from questions before this day")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    train(
        args.weights,
        args.data,
        args.checkpoint,
        epochs=args.epochs,
        until=args.until,
        seed=args.seed,
    )


if __name__ == "__main__":
    main()
