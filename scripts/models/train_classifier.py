#!/usr/bin/env python3
"""Fine-tune gte-small's twelve layers on the hand-labelled tickets (mean pooling, linear head).

Twice: the first model and a linear head on the encoder's vectors then say what they think of
internal tickets that nobody labelled, and the second, shipped one learns from these too.
"""

import argparse
import random
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import torch
from data import (
    Row,
    categories,
    category_rows,
    part_of,
    phrase_rows,
    read,
    seeded,
    terse,
    ticket_rows,
)
from finetune import (
    MeanPooledClassifier,
    batches,
    finetune,
    is_finished,
    logits_of,
    plain_tokenizer,
)
from weights import load_trunk

from appliance.inference.learn import learn
from appliance.inference.session import open_session
from appliance.inference.tokens import TokenReader

CATEGORIES = Path(__file__).resolve().parents[2] / "appliance/tickets/default_categories.json"
UNLABELLED = 5000  # tickets nobody read, at most three that open with the same words
OPINION_WEIGHT = 0.5  # of such a ticket, beside a read one
MODEL_SHARE = 0.65  # of an opinion; the head on the encoder's vectors has the rest
LONGEST = 160  # tokens read in training


def train(
    weights: Path,
    data: Path,
    checkpoint: Path,
    leave_out: set,
    *,
    taught: list[Row] | None = None,
    epochs: int = 5,
    seed: int = 7,
) -> MeanPooledClassifier:
    """The trained classifier; ``leave_out`` names parts (int) or sources (str) not to see.

    ``taught`` are further rows with soft labels.
    """
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
        seen = [_vary(row, chance) for row in rows + (taught or [])]
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


def taught_rows(
    model: MeanPooledClassifier, tokenizer: Path, encoder: Path, data: Path, leave_out: set
) -> list[Row]:
    """Unlabelled internal tickets with what the first model and a head on ``encoder`` say."""
    texts = unlabelled(data, leave_out)
    said = opinions(model, tokenizer, texts)
    other = vector_opinions(encoder, tokenizer, data, leave_out, texts)
    mixed = MODEL_SHARE * said + (1 - MODEL_SHARE) * other
    return [
        Row(text, tuple(shares), OPINION_WEIGHT)
        for text, shares in zip(texts, mixed.tolist(), strict=True)
    ]


def unlabelled(data: Path, leave_out: set, seed: int = 7) -> list[str]:
    """Internal tickets outside the held-out parts that no reader has labelled; none where the
    source itself is held out."""
    if "it_tickets_47k" in leave_out:
        return []
    read_ones = {row["text"] for row in ticket_rows(data)}
    texts = [row["text"] for row in read(data, "it_tickets_47k")]
    seeded(seed).shuffle(texts)
    seen: Counter[str] = Counter()
    found = []
    for text in texts:
        opening = " ".join(text.split()[:3])
        seen[opening] += 1
        if seen[opening] <= 3 and part_of(text) not in leave_out and text not in read_ones:
            found.append(text)
    return [text for text in found if len(text.split()) > 3][:UNLABELLED]


def opinions(model: MeanPooledClassifier, tokenizer: Path, texts: list[str]) -> np.ndarray:
    """(texts, labels) probabilities of a trained classifier."""
    rows = [Row(text, (0.0,)) for text in texts]
    said = torch.zeros(len(texts), model.head.out_features)
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        for ids, mask, _, _, which in batches(
            rows, plain_tokenizer(tokenizer, LONGEST), 64, seeded(0)
        ):
            said[which] = logits_of(model, ids, mask).softmax(-1)
    return said.numpy()


def vector_opinions(
    encoder: Path, tokenizer: Path, data: Path, leave_out: set, texts: list[str]
) -> np.ndarray:
    """(texts, labels) probabilities of the on-desk recipe on the encoder's vectors."""
    slugs = list(categories(CATEGORIES))
    rows = category_rows(data, slugs, leave_out) + phrase_rows(CATEGORIES, slugs)
    tokens, session = TokenReader(tokenizer, LONGEST), open_session(encoder, 2, encoder.name)

    def vectors(found: list[str]) -> np.ndarray:
        return np.stack([session.run(tokens.ids(text)) for text in found])

    firsts = [slugs[int(np.argmax(row.target))] for row in rows]
    head = learn(vectors([row.text for row in rows]), firsts)
    columns = [head.labels.index(slug) for slug in slugs]
    return head.shares(vectors(texts))[:, columns]


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
    """Train both, without the test part and whatever else --leave-out names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, required=True, help="folder of a local BERT")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, required=True, help="….safetensors to write")
    parser.add_argument("--encoder", type=Path, help="the encoder's ONNX file; else only the first")
    parser.add_argument("--leave-out", nargs="*", default=["0", "1"], help="parts or source names")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    leave_out = {int(item) if item.isdigit() else item for item in args.leave_out}
    train_twice(args.weights, args.data, args.checkpoint, leave_out, args.encoder, args.epochs)


def train_twice(
    weights: Path,
    data: Path,
    checkpoint: Path,
    leave_out: set,
    encoder: Path | None,
    epochs: int = 5,
) -> MeanPooledClassifier:
    """The second model, in one epoch less; the first one's checkpoint lies beside it."""
    if is_finished(checkpoint, epochs - 1):
        return train(weights, data, checkpoint, leave_out, epochs=epochs - 1)
    first = checkpoint.with_name(f"{checkpoint.stem}-first.safetensors")
    model = train(weights, data, first, leave_out, epochs=epochs)
    if encoder is None:
        return model
    tokenizer = weights / "tokenizer.json"
    taught = taught_rows(model, tokenizer, encoder, data, leave_out)
    return train(weights, data, checkpoint, leave_out, taught=taught, epochs=epochs - 1)


if __name__ == "__main__":
    main()
