"""The training loop of all models: soft targets, batches by length, checkpoints."""

import random
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from data import Row, seeded
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import nn


def plain_tokenizer(path: Path, longest: int) -> Tokenizer:
    """Return the tokenizer without padding and with truncation to ``longest`` tokens."""
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_padding()
    tokenizer.enable_truncation(longest)
    return tokenizer


def batches(
    rows: list[Row], tokenizer: Tokenizer, size: int, rng: random.Random
) -> Iterator[tuple[torch.Tensor, ...]]:
    """Yield batches of rows of similar length: ids, mask, targets, weights, row numbers."""
    ids = [item.ids for item in tokenizer.encode_batch([row.text for row in rows])]
    order = sorted(range(len(rows)), key=lambda i: len(ids[i]) * rng.uniform(0.9, 1.1))
    groups = [order[at : at + size] for at in range(0, len(order), size)]
    rng.shuffle(groups)
    for group in groups:
        longest = max(len(ids[i]) for i in group)
        padded = torch.tensor([ids[i] + [0] * (longest - len(ids[i])) for i in group])
        mask = torch.tensor([[1] * len(ids[i]) + [0] * (longest - len(ids[i])) for i in group])
        yield (
            padded,
            mask,
            torch.tensor([rows[i].target for i in group]),
            torch.tensor([rows[i].weight for i in group]),
            torch.tensor(group),
        )


Batch = tuple[torch.Tensor, ...]
Loss = Callable[[nn.Module, Batch], torch.Tensor]


def soft_loss(model: nn.Module, batch: Batch) -> torch.Tensor:
    """Return the weighted cross-entropy with soft labels."""
    ids, mask, target, weight, _ = batch
    logits = logits_of(model, ids, mask)
    return cross_entropy(logits, target, weight)


def cross_entropy(logits: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Return the mean over the rows; logits and target are (rows, labels), weight (rows,)."""
    return -((target * logits.log_softmax(-1)).sum(-1) * weight).mean()


def logits_of(model: nn.Module, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Return logits in float32 of a module, or of a transformers classifier."""
    output = model(input_ids=ids, attention_mask=mask)
    return (output if isinstance(output, torch.Tensor) else output.logits).float()


class Average:
    """An exponential moving average of the weights; ``decay`` is the share of the old average."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.state = {name: value.detach().clone() for name, value in model.state_dict().items()}

    def update(self, model: nn.Module, step: int) -> None:
        """Update the average with the weights of the model, faster in the first steps."""
        decay = min(self.decay, (1 + step) / (10 + step))
        with torch.no_grad():
            for name, value in model.state_dict().items():
                if value.is_floating_point():
                    self.state[name].lerp_(value, 1 - decay)


def optimiser_for(
    model: nn.Module, rate: float, head_rate: float, layer_decay: float
) -> torch.optim.Optimizer:
    """Return AdamW with a rate for the head and rates that fall by ``layer_decay`` per layer."""
    named = list(model.named_parameters())
    depth = 1 + max((_layer(name) for name, _ in named), default=0)
    groups: dict[float, list[nn.Parameter]] = {}
    for name, value in named:
        above = depth - 1 - _layer(name)
        is_head = "head" in name or "classifier" in name
        learning_rate = head_rate if is_head else rate * layer_decay**above
        groups.setdefault(learning_rate, []).append(value)
    param_groups = [
        {"params": values, "lr": learning_rate} for learning_rate, values in groups.items()
    ]
    return torch.optim.AdamW(param_groups, weight_decay=0.01, fused=True)


def _layer(name: str) -> int:
    """Return the layer number in a parameter name, -1 for the embeddings."""
    match = re.search(r"layer\.(\d+)\.", name)
    return int(match[1]) if match else -1


def finetune(
    model: nn.Module,
    rows_of_epoch,
    tokenizer: Tokenizer,
    checkpoint: Path,
    *,
    epochs: int,
    rate: float,
    head_rate: float,
    seed: int,
    size: int = 32,
    layer_decay: float = 1.0,
    average: float = 0.0,
    loss_of: Loss = soft_loss,
    batches_of=batches,
) -> None:
    """Train in bfloat16; after every epoch the weights are written to ``checkpoint`` (safetensors).

    ``rows_of_epoch(number)`` returns the rows, so that augmentation may differ per epoch. A
    finished run is loaded; a stopped one resumes after its last complete epoch, with new optimiser
    moments. With ``average`` (a decay) the model ends with the moving average of its weights, which
    is stored beside the checkpoint as ``….mean``.
    """
    epochs_file = checkpoint.with_suffix(".done")  # holds the number of complete epochs
    average_file = checkpoint.with_suffix(".mean.safetensors")
    finished_epochs = int(epochs_file.read_text() or epochs) if epochs_file.exists() else 0
    if finished_epochs:
        model.load_state_dict(load_file(checkpoint))
    averaged = Average(model, average) if average else None
    if averaged and finished_epochs:
        averaged.state = load_file(average_file)
    torch.manual_seed(seed)
    rng = seeded(seed)
    optimiser = optimiser_for(model, rate, head_rate, layer_decay)
    per_epoch = len(rows_of_epoch(0)) // size + 1
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser,
        lambda at: _slope((at / per_epoch + finished_epochs) / epochs) * min(1, (at + 1) / 20),
    )
    for epoch in range(finished_epochs, epochs):
        stream = batches_of(rows_of_epoch(epoch), tokenizer, size, rng)
        _one_epoch(model, stream, loss_of, optimiser, schedule, averaged, f"epoch {epoch + 1}")
        save(model.state_dict(), checkpoint)
        if averaged:
            save(averaged.state, average_file)
        epochs_file.write_text(str(epoch + 1))
    if averaged:
        model.load_state_dict(averaged.state)
    model.eval()


def is_finished(checkpoint: Path, epochs: int) -> bool:
    """Return whether the checkpoint has completed ``epochs``, so that nothing is left to train."""
    epochs_file = checkpoint.with_suffix(".done")
    return epochs_file.exists() and int(epochs_file.read_text() or epochs) >= epochs


def _one_epoch(
    model: nn.Module,
    stream: Iterator[Batch],
    loss_of: Loss,
    optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    averaged: Average | None,
    label: str,
) -> None:
    """Train on every batch once; print the running loss every fifty steps."""
    started, total, count = time.monotonic(), 0.0, 0
    model.train()
    for batch in stream:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = loss_of(model, batch)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        if averaged:
            averaged.update(model, schedule.last_epoch)
        total, count = total + loss.item(), count + 1
        if count % 50 == 0:
            print(f"{label} step {count} loss {total / count:.4f}", flush=True)
    spent = time.monotonic() - started
    print(f"{label} done, loss {total / count:.4f}, {spent:.0f} s", flush=True)


def save(state: dict[str, torch.Tensor], path: Path) -> None:
    """Write weights as safetensors."""
    save_file({name: value.contiguous() for name, value in state.items()}, path)


def _slope(share: float) -> float:
    """Return the factor of the learning rate: rising for a tenth of the run, then down to 2 %."""
    return min(share / 0.1, max(0.02, (1 - share) / 0.9))
