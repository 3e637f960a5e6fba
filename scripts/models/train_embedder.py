#!/usr/bin/env python3
"""Train MiniLM on pairs of related help desk texts with in-batch negatives.

All pairs of a batch are of one kind, and each text must find its partner among the others. The
result is the weighted mean of trained and starting weights, which forgets less.
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
# Share of the starting weights in the result. Of 0, 0.3 and 0.5, on questions of late 2024: 0.3 has
# hit@3 one point higher, 0.5 keeps unrelated texts further away.
START_SHARE = 0.5


def pair_batches(
    pairs: list[Pair], tokenizer: Tokenizer, size: int, rng: random.Random
) -> Iterator[Batch]:
    """Yield shuffled batches of pairs of one kind and similar length.

    A batch is ids and mask of the first texts, ids and mask of the second ones (pairs, tokens),
    and a mask (pairs, pairs) of pairs that share a key.
    """
    kinds: dict[str, list[int]] = defaultdict(list)
    for number, pair in enumerate(pairs):
        kinds[pair.kind].append(number)
    sides = [
        [item.ids for item in tokenizer.encode_batch([getattr(pair, side) for pair in pairs])]
        for side in ("first", "second")
    ]
    groups = []
    for numbers in kinds.values():
        length = {i: (len(sides[0][i]) + len(sides[1][i])) * rng.uniform(0.7, 1.4) for i in numbers}
        order = sorted(numbers, key=length.__getitem__)
        groups += [order[at : at + size] for at in range(0, len(order), size)]
    rng.shuffle(groups)
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
    """Return the mean cross-entropy of finding the partner, in both directions."""
    ids, mask, second_ids, second_mask, shared = batch
    first, second = model(ids, mask).float(), model(second_ids, second_mask).float()
    scores = (SCALE * first @ second.T).masked_fill(shared, -1e4)
    partners = torch.arange(len(scores))
    return (
        nn.functional.cross_entropy(scores, partners)
        + nn.functional.cross_entropy(scores.T, partners)
    ) / 2


def blended(start: dict, trained: dict, start_share: float) -> dict:
    """Return the weighted mean of two sets of weights; ``start_share`` belongs to ``start``."""
    return {
        name: torch.lerp(trained[name], value, start_share) if value.is_floating_point() else value
        for name, value in start.items()
    }


def train(
    weights: Path,
    data: Path,
    checkpoint: Path,
    *,
    epochs: int = 2,
    start_share: float = START_SHARE,
    until: str = LEARN_UNTIL,
    seed: int = 7,
) -> Encoder:
    """Return the trained encoder; questions from the day ``until`` on are left out."""
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
    model.load_state_dict(blended(start, model.state_dict(), start_share))
    return model.eval()


def main() -> None:
    """Train the encoder; a finished checkpoint is loaded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, required=True, help="folder of a local BERT")
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--checkpoint", type=Path, required=True, help="….safetensors to write")
    parser.add_argument("--epochs", type=int, default=2, help="epochs in all")
    parser.add_argument("--until", default=LEARN_UNTIL, help="use questions before this day")
    parser.add_argument("--threads", type=int, default=2, help="threads of torch")
    parser.add_argument("--seed", type=int, default=7, help="seed of torch and of the row order")
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
