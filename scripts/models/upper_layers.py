"""Fine-tune the upper layers of a BERT trunk on cached outputs of its lower, frozen layers.

The lower layers run once over all texts. An epoch then costs a third (of four layers) to a half (of
six) of what a whole trunk costs, which is what makes several epochs, and a model for every source
left out, possible on a few cores.
"""

import copy
import random
import time
from collections.abc import Iterator, Sequence

import torch
from data import Row, seeded
from finetune import Average, cross_entropy
from tokenizers import Tokenizer
from torch import nn

BATCH_TOKENS = 2000


class UpperClassifier(nn.Module):
    """The layers of a trunk from ``first`` on, a pooling, and a head.

    With ``pooling`` "mean" the head is one linear layer; with "first" it is that of a
    DistilBertForSequenceClassification, on the first token.
    """

    def __init__(self, trunk: nn.Module, first: int, labels: int, pooling: str = "mean") -> None:
        super().__init__()
        width = trunk.config.hidden_size
        self.pooling = pooling
        self.layers = nn.ModuleList(copy.deepcopy(layer) for layer in trunk.encoder.layer[first:])
        self.pre_classifier = nn.Linear(width, width) if pooling == "first" else nn.Identity()
        self.drop = nn.Dropout(0.1)
        self.head = nn.Linear(width, labels)

    def forward(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return logits (rows, labels) from hidden states (rows, tokens, dims) and a mask."""
        blocked = (1.0 - mask[:, None, None, :].float()) * torch.finfo(torch.float32).min
        for layer in self.layers:
            hidden = layer(hidden, attention_mask=blocked)[0]
        if self.pooling == "first":
            pooled = nn.functional.relu(self.pre_classifier(hidden[:, 0]))
        else:
            weights = mask.unsqueeze(-1).float()
            pooled = (hidden * weights).sum(1) / weights.sum(1)
        return self.head(self.drop(pooled))

    def put_back(self, trunk: nn.Module, first: int) -> None:
        """Copy the trained layers into a trunk."""
        for target, layer in zip(trunk.encoder.layer[first:], self.layers, strict=True):
            target.load_state_dict(layer.state_dict())


def lower_states(
    trunk: nn.Module, first: int, texts: Sequence[str], tokenizer: Tokenizer
) -> list[torch.Tensor]:
    """Return for each text the output of layer ``first`` - 1: float16 (tokens, dims)."""
    ids = [item.ids for item in tokenizer.encode_batch([text.strip() for text in texts])]
    states: list[torch.Tensor] = [torch.empty(0)] * len(ids)
    with torch.no_grad():
        for group in _groups(ids, BATCH_TOKENS, None):
            batch, mask = _padded_ids([ids[i] for i in group])
            blocked = (1.0 - mask[:, None, None, :].float()) * torch.finfo(torch.float32).min
            hidden = trunk.embeddings(batch)
            for layer in trunk.encoder.layer[:first]:
                hidden = layer(hidden, attention_mask=blocked)[0]
            for i, row in zip(group, hidden, strict=True):
                states[i] = row[: len(ids[i])].half()
    return states


def _groups(
    rows: Sequence[Sequence], tokens: int, rng: random.Random | None
) -> Iterator[list[int]]:
    """Yield row numbers of similar length, ``tokens`` in all; shuffled with ``rng``."""
    jitter = (lambda: rng.uniform(0.9, 1.1)) if rng else (lambda: 1.0)
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]) * jitter())
    groups, group, longest = [], [], 0
    for i in order:
        longest = max(longest, len(rows[i]))
        if group and longest * (len(group) + 1) > tokens:
            groups.append(group)
            group, longest = [], len(rows[i])
        group.append(i)
    groups.append(group)
    if rng:
        rng.shuffle(groups)
    yield from (group for group in groups if group)


def _padded_ids(ids: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    longest = max(map(len, ids))
    return (
        torch.tensor([row + [0] * (longest - len(row)) for row in ids]),
        torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in ids]),
    )


def _padded_states(states: list[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    padded = nn.utils.rnn.pad_sequence([row.float() for row in states], batch_first=True)
    lengths = torch.tensor([len(row) for row in states])
    return padded, (torch.arange(padded.shape[1])[None, :] < lengths[:, None]).long()


def fit(
    model: UpperClassifier,
    states: Sequence[torch.Tensor],
    rows: Sequence[Row],
    *,
    epochs: int,
    rate: float,
    head_rate: float = 1e-3,
    seed: int = 7,
    average: float = 0.99,
    label: str = "",
) -> None:
    """Train in place with soft targets; ``states[i]`` belongs to ``rows[i]``.

    The result is the moving average of the weights.
    """
    torch.manual_seed(seed)
    rng = seeded(seed)
    head = [*model.head.parameters(), *model.pre_classifier.parameters()]
    layers = list(model.layers.parameters())
    optimiser = torch.optim.AdamW(
        [{"params": layers, "lr": rate}, {"params": head, "lr": head_rate}],
        weight_decay=0.01,
        fused=True,
    )
    rates = [group["lr"] for group in optimiser.param_groups]
    plan = [group for _ in range(epochs) for group in _groups(states, BATCH_TOKENS, rng)]
    mean, started, total = Average(model, average), time.monotonic(), 0.0
    model.train()
    for step, group in enumerate(plan, 1):
        slope = min(step / (0.08 * len(plan)), max(0.02, 1 - step / len(plan)))
        for param_group, base in zip(optimiser.param_groups, rates, strict=True):
            param_group["lr"] = base * slope
        hidden, mask = _padded_states([states[i] for i in group])
        target = torch.tensor([rows[i].target for i in group])
        weight = torch.tensor([rows[i].weight for i in group])
        loss = cross_entropy(model(hidden, mask), target, weight)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad()
        mean.update(model, step)
        total += loss.item()
        if step % 50 == 0:
            spent = time.monotonic() - started
            print(
                f"{label} step {step}/{len(plan)} loss {total / 50:.4f} {spent:.0f} s", flush=True
            )
            total = 0.0
    model.load_state_dict(mean.state)
    model.eval()


def predict(model: UpperClassifier, states: Sequence[torch.Tensor]) -> torch.Tensor:
    """Return logits (texts, labels)."""
    logits = torch.zeros(len(states), model.head.out_features)
    with torch.no_grad():
        for group in _groups(states, BATCH_TOKENS, None):
            logits[group] = model(*_padded_states([states[i] for i in group]))
    return logits
