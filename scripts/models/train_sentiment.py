#!/usr/bin/env python3
"""Distil the twelve-layer teacher into MiniLM-L6 in the DistilBERT architecture.

The student is trained on the annotated labels, on the probabilities of the teacher, and on its
hidden states: the mean vector after layers 2, 4 and 6 of the student, through a linear map that is
discarded afterwards, is drawn towards that after layers 4, 8 and 12 of the teacher.
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
from safetensors.torch import load_file
from sentiment_data import training_rows
from torch import nn
from weights import load_distilbert, load_trunk

LONGEST = train_teacher.LONGEST
STUDENT_LAYERS, TEACHER_LAYERS = (2, 4, 6), (4, 8, 12)
TEACHER_SHARE = 0.6  # of the soft label; the annotated label has the rest
HIDDEN_WEIGHT = 0.3


class Student(nn.Module):
    """The DistilBERT classifier and the linear maps of its hidden states to the teacher's."""

    def __init__(self, model: nn.Module, width: int) -> None:
        super().__init__()
        self.model = model
        own = model.config.dim
        self.to_teacher_head = nn.ModuleList(nn.Linear(own, width) for _ in STUDENT_LAYERS)


def pooled(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Return the mean over the real tokens: (rows, tokens, dims) → (rows, dims)."""
    weights = mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * weights).sum(1) / weights.sum(1)


def teacher_outputs(
    teacher: nn.Module, rows: list[Row], tokenizer
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the teacher's probabilities (rows, 3) and hidden states (rows, 3 layers, dims)."""
    probabilities = torch.zeros(len(rows), len(rows[0].target))
    width = teacher.trunk.config.hidden_size
    states = torch.zeros(len(rows), len(TEACHER_LAYERS), width, dtype=torch.bfloat16)
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        for ids, mask, _, _, which in batches(rows, tokenizer, 64, seeded(0)):
            output = teacher.trunk(ids, attention_mask=mask, output_hidden_states=True)
            layers = [pooled(output.hidden_states[at], mask) for at in TEACHER_LAYERS]
            states[which] = torch.stack(layers, 1).to(torch.bfloat16)
            probabilities[which] = teacher.head(layers[-1]).float().softmax(-1)
    return probabilities, states


def mixed_labels(rows: list[Row], probabilities: torch.Tensor) -> list[Row]:
    """Return rows whose soft labels are mixed with the teacher's probabilities."""
    return [
        replace(
            row,
            target=tuple(
                TEACHER_SHARE * teacher + (1 - TEACHER_SHARE) * annotated
                for teacher, annotated in zip(predicted, row.target, strict=True)
            ),
        )
        for row, predicted in zip(rows, probabilities.tolist(), strict=True)
    ]


def distil_loss(states: torch.Tensor):
    """Return a loss: cross-entropy with the mixed labels plus the distance of hidden states.

    The distance is one minus the cosine; ``states`` comes from ``teacher_outputs``.
    """

    def loss_of(student: Student, batch: Batch) -> torch.Tensor:
        ids, mask, target, weight, which = batch
        output = student.model(ids, attention_mask=mask, output_hidden_states=True)
        distances = [
            1
            - nn.functional.cosine_similarity(
                into(pooled(output.hidden_states[at], mask)).float(), states[which, number].float()
            ).mean()
            for number, (at, into) in enumerate(
                zip(STUDENT_LAYERS, student.to_teacher_head, strict=True)
            )
        ]
        return cross_entropy(output.logits.float(), target, weight) + HIDDEN_WEIGHT * sum(distances)

    return loss_of


def student_state(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the classifier weights of a checkpoint of the classifier or of a ``Student``."""
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
    """Return a trained DistilBertForSequenceClassification: negative, neutral, positive.

    The checkpoint of the teacher is beside that of the student; finished ones are loaded. ``start``
    is the checkpoint of an earlier student to continue from.
    """
    rows = training_rows(data, seed)
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
        probabilities, states = teacher_outputs(
            teacher, rows, plain_tokenizer(teacher_source.tokenizer, LONGEST)
        )
        rows = mixed_labels(rows, probabilities)
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
    """Train teacher and student; sentiment_data.py leaves out the held-out rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, required=True, help="local BERT or DistilBERT")
    parser.add_argument("--teacher", type=Path, required=True, help="local twelve-layer BERT")
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--checkpoint", type=Path, required=True, help="….safetensors to write")
    parser.add_argument("--epochs", type=int, default=3, help="epochs of the student in all")
    parser.add_argument(
        "--teacher-epochs", type=int, default=2, help="epochs of the teacher in all"
    )
    parser.add_argument(
        "--start", type=Path, help="checkpoint of an earlier student to continue from"
    )
    parser.add_argument("--threads", type=int, default=2, help="threads of torch")
    parser.add_argument("--seed", type=int, default=7, help="seed of torch and of the row order")
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
