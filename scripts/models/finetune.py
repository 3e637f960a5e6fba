"""One training loop for both classifiers: soft targets, batches by length, checkpoints."""

import random
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from data import Row, seeded
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import nn


class MeanPooledClassifier(nn.Module):
    """BERT trunk, mean over the real tokens, one linear layer."""

    def __init__(self, trunk: nn.Module, labels: int) -> None:
        super().__init__()
        self.trunk = trunk
        self.drop = nn.Dropout(0.1)
        self.head = nn.Linear(trunk.config.hidden_size, labels)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """(rows, tokens) → logits (rows, labels)."""
        hidden = self.trunk(input_ids, attention_mask=attention_mask).last_hidden_state
        mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
        return self.head(self.drop((hidden * mask).sum(1) / mask.sum(1)))


def plain_tokenizer(path: Path, longest: int) -> Tokenizer:
    """The tokenizer with truncation and padding set by us, whatever the file carries."""
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_padding()
    tokenizer.enable_truncation(longest)
    return tokenizer


def batches(
    rows: list[Row], tokenizer: Tokenizer, size: int, chance: random.Random
) -> Iterator[tuple[torch.Tensor, ...]]:
    """Shuffled batches of rows of like length: ids, mask, targets, weights."""
    ids = [item.ids for item in tokenizer.encode_batch([row.text for row in rows])]
    order = sorted(range(len(rows)), key=lambda i: len(ids[i]) * chance.uniform(0.9, 1.1))
    groups = [order[at : at + size] for at in range(0, len(order), size)]
    chance.shuffle(groups)
    for group in groups:
        longest = max(len(ids[i]) for i in group)
        padded = torch.tensor([ids[i] + [0] * (longest - len(ids[i])) for i in group])
        mask = torch.tensor([[1] * len(ids[i]) + [0] * (longest - len(ids[i])) for i in group])
        yield (padded, mask, torch.tensor([rows[i].target for i in group]),
               torch.tensor([rows[i].weight for i in group]))


def logits_of(model: nn.Module, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Logits in float32, whichever kind of model this is."""
    answer = model(input_ids=ids, attention_mask=mask)
    return (answer if isinstance(answer, torch.Tensor) else answer.logits).float()


def finetune(
    model: nn.Module, rows_of_epoch, tokenizer: Tokenizer, checkpoint: Path, *,
    epochs: int, rate: float, head_rate: float, seed: int, size: int = 32,
) -> None:
    """Train in bfloat16; after every epoch the weights go to ``checkpoint`` (safetensors).

    ``rows_of_epoch(number)`` gives the rows, so that augmentation may differ each time.
    What a checkpoint holds is not trained again: a finished run is loaded, a stopped one goes on
    after its last whole epoch (with fresh moments in the optimiser).
    """
    done = checkpoint.with_suffix(".done")  # holds the number of whole epochs
    first = int(done.read_text() or epochs) if done.exists() else 0
    if first:
        model.load_state_dict(load_file(checkpoint))
    if first >= epochs:
        model.eval()
        return
    torch.manual_seed(seed)
    chance = seeded(seed)
    head = [p for n, p in model.named_parameters() if "head" in n or "classifier" in n]
    body = [p for n, p in model.named_parameters() if not ("head" in n or "classifier" in n)]
    optimiser = torch.optim.AdamW(
        [{"params": body, "lr": rate}, {"params": head, "lr": head_rate}], weight_decay=0.01
    )
    steps = epochs * (len(rows_of_epoch(0)) // size + 1)
    skipped = first * (len(rows_of_epoch(0)) // size + 1)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda at: _slope((at + skipped) / steps) * min(1, (at + 1) / 20)
    )
    for epoch in range(first, epochs):
        started, total, count = time.monotonic(), 0.0, 0
        model.train()
        for ids, mask, target, weight in batches(rows_of_epoch(epoch), tokenizer, size, chance):
            with torch.autocast("cpu", dtype=torch.bfloat16):
                logits = logits_of(model, ids, mask)
            loss = -((target * logits.log_softmax(-1)).sum(-1) * weight).mean()
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            total, count = total + loss.item(), count + 1
            if count % 50 == 0:
                print(f"epoch {epoch + 1} step {count} loss {total / count:.4f}", flush=True)
        save_file({k: v.contiguous() for k, v in model.state_dict().items()}, checkpoint)
        done.write_text(str(epoch + 1))
        spent = time.monotonic() - started
        print(f"epoch {epoch + 1} done, loss {total / count:.4f}, {spent:.0f} s", flush=True)
    model.eval()


def _slope(share: float) -> float:
    """The learning rate's factor: up over the first tenth of the run, then down to 2 %."""
    return min(share / 0.1, max(0.02, (1 - share) / 0.9))
