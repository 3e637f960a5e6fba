#!/usr/bin/env python3
"""Distil the twelve-layer teacher into MiniLM-L6 in the DistilBERT architecture.

The student learns from the readers' labels, from the teacher's probabilities, and from the
teacher's hidden states: the mean vector after every second of its own layers is drawn, through a
linear map that is thrown away afterwards, towards the teacher's after every fourth.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import torch
import train_teacher
from data import Row
from finetune import (
    Batch,
    batches,
    cross_entropy,
    finetune,
    is_finished,
    plain_tokenizer,
    seeded,
)
from moods import mood_rows
from safetensors.torch import load_file
from torch import nn
from weights import load_distilbert, load_trunk

LONGEST = train_teacher.LONGEST
STUDENT_LAYERS, TEACHER_LAYERS = (2, 4, 6), (4, 8, 12)
TEACHER_SHARE = 0.6  # of the soft label; the readers' label has the rest
HIDDEN_WEIGHT = 0.3


class Student(nn.Module):
    """The DistilBERT classifier and the maps from its hidden states to the teacher's."""

    def __init__(self, model: nn.Module, width: int) -> None:
        super().__init__()
        self.model = model
        own = model.config.dim
        self.to_teacher_head = nn.ModuleList(nn.Linear(own, width) for _ in STUDENT_LAYERS)


def pooled(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """(rows, tokens, dims) → mean over the real tokens (rows, dims)."""
    kept = mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * kept).sum(1) / kept.sum(1)


def lessons(teacher: nn.Module, rows: list[Row], tokenizer) -> tuple[torch.Tensor, torch.Tensor]:
    """What the teacher says: probabilities (rows, 3), states (rows, 3 layers, dims)."""
    said = torch.zeros(len(rows), len(rows[0].target))
    width = teacher.trunk.config.hidden_size
    states = torch.zeros(len(rows), len(TEACHER_LAYERS), width, dtype=torch.bfloat16)
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        for ids, mask, _, _, which in batches(rows, tokenizer, 64, seeded(0)):
            found = teacher.trunk(ids, attention_mask=mask, output_hidden_states=True)
            layers = [pooled(found.hidden_states[at], mask) for at in TEACHER_LAYERS]
            states[which] = torch.stack(layers, 1).to(torch.bfloat16)
            said[which] = teacher.head(layers[-1]).float().softmax(-1)
    return said, states


def taught_rows(rows: list[Row], said: torch.Tensor) -> list[Row]:
    """Rows whose label is partly the teacher's opinion."""
    return [
        replace(
            row,
            target=tuple(
                TEACHER_SHARE * theirs + (1 - TEACHER_SHARE) * ours
                for theirs, ours in zip(opinion, row.target, strict=True)
            ),
        )
        for row, opinion in zip(rows, said.tolist(), strict=True)
    ]


def distil_loss(states: torch.Tensor):
    """Cross-entropy against the mixed labels, and one minus the cosine of the hidden states."""

    def loss_of(student: Student, batch: Batch) -> torch.Tensor:
        ids, mask, target, weight, which = batch
        found = student.model(ids, attention_mask=mask, output_hidden_states=True)
        apart = [
            1
            - nn.functional.cosine_similarity(
                into(pooled(found.hidden_states[at], mask)).float(), states[which, number].float()
            ).mean()
            for number, (at, into) in enumerate(
                zip(STUDENT_LAYERS, student.to_teacher_head, strict=True)
            )
        ]
        return cross_entropy(found.logits.float(), target, weight) + HIDDEN_WEIGHT * sum(apart)

    return loss_of


def student_state(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The classifier's own weights from a checkpoint of it or of a whole Student."""
    own = {k.removeprefix("model."): v for k, v in state.items() if k.startswith("model.")}
    return own or state


def train(
    weights: Path,
    teacher_weights: Path,
    data: Path,
    checkpoint: Path,
    *,
    epochs: int = 3,
    teacher_epochs: int = 2,
    start: Path | None = None,
    seed: int = 7,
) -> nn.Module:
    """DistilBertForSequenceClassification over negative, neutral, positive.

    The teacher's checkpoint lies beside the student's; finished ones are loaded. ``start`` names
    a checkpoint of an earlier student to go on from.
    """
    rows = mood_rows(data, seed)
    print(f"{len(rows)} rows", flush=True)
    torch.manual_seed(seed)
    model, source = load_distilbert(weights)
    if start:
        model.load_state_dict(student_state(load_file(start)))
    tokenizer = plain_tokenizer(source.tokenizer, LONGEST)
    trunk, teacher_source = load_trunk(teacher_weights)
    student = Student(model, trunk.config.hidden_size)
    states = torch.empty(0)
    if not is_finished(checkpoint, epochs):
        teacher = train_teacher.train(
            teacher_weights,
            rows,
            checkpoint.with_name("teacher.safetensors"),
            epochs=teacher_epochs,
            seed=seed,
        )
        said, states = lessons(teacher, rows, plain_tokenizer(teacher_source.tokenizer, LONGEST))
        rows = taught_rows(rows, said)
    finetune(
        student,
        lambda _: rows,
        tokenizer,
        checkpoint,
        epochs=epochs,
        rate=1.5e-4,
        head_rate=1e-3,
        seed=seed,
        average=0.995,
        loss_of=distil_loss(states),
    )
    return student.model.eval()


def main() -> None:
    """Train teacher and student; held-out rows are left out by moods.py."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, required=True, help="local BERT or DistilBERT")
    parser.add_argument("--teacher", type=Path, required=True, help="local twelve-layer BERT")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, required=True, help="….safetensors to write")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--teacher-epochs", type=int, default=2)
    parser.add_argument("--start", type=Path, help="an earlier student to go on from")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    train(
        args.weights,
        args.teacher,
        args.data,
        args.checkpoint,
        epochs=args.epochs,
        teacher_epochs=args.teacher_epochs,
        start=args.start,
        seed=args.seed,
    )


if __name__ == "__main__":
    main()
