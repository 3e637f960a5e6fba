#!/usr/bin/env python3
"""Fine-tune the upper layers of the multilingual trunk on labelled tickets, in nine languages.

The lower layers stay those of the encoder of the same build; their outputs are computed once. For
the calibration the model is trained again without some organisations (``FOLDS``), because a split
of the same ones would be too optimistic about an organisation that nobody here has seen.
"""

import argparse
import random
import sys
import unicodedata
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import torch
from data import (
    CATEGORIES,
    SOURCE_WEIGHTS,
    Row,
    categories,
    category_target,
    part_of,
    phrase_rows,
    seeded,
    terse,
    ticket_rows,
    written_rows,
)
from finetune import plain_tokenizer, save
from safetensors.torch import load_file
from torch import nn
from upper_layers import UpperClassifier, fit, lower_states, predict
from weights import ProjectedEncoder, load_shipped_encoder, load_trunk

LONGEST = 80  # tokens read in training
FIRST_LAYER = 8  # of those that are trained
EPOCHS, FOLD_EPOCHS, RATE = 3, 2, 1.5e-4
HELD_OUT_PARTS = {0, 1}  # of the English tickets: test and calibration
VARIED = 0.3  # share of rows that are typed tersely, or without accents
FOLDS = {  # organisations that are left out together
    "internal IT": {"it_tickets_47k"},
    "end users": {"thunderbird", "firefox"},
    "hospitals, schools": {"hospital", "school"},
    "factories, energy": {"factory", "energy"},
    "insurers, shops": {"insurance", "retail"},
    "cities, logistics": {"city", "city administration", "logistics"},
}


def labelled_rows(data: Path) -> list[dict]:
    """Return every ticket that may be trained on: labelled ones and written ones."""
    rows = [row for row in ticket_rows(data) if part_of(row["text"]) not in HELD_OUT_PARTS]
    return rows + written_rows("tickets")


def organisation(row: dict) -> str:
    """Return where a ticket is from: the kind of site of a written one, else its source."""
    return row.get("site") or row["source"]


def training_row(row: dict, slugs: list[str], rng: random.Random) -> Row:
    """Return a ticket as a training row, its text varied now and then."""
    weight = SOURCE_WEIGHTS.get(row["source"], 1.0) * (0.6 if row["confidence"] == "low" else 1.0)
    text = row["text"]
    if rng.random() < VARIED:
        text = terse(text, rng) if row.get("lang", "en") == "en" else without_accents(text)
    return Row(text or row["text"], category_target(row, slugs), weight)


def without_accents(text: str) -> str:
    """Return the text as it is typed on a keyboard without accents, in lower case."""
    parts = unicodedata.normalize("NFKD", text.lower().replace("ß", "ss").replace("ł", "l"))
    return "".join(part for part in parts if not unicodedata.combining(part))


class Trainer:
    """The rows with the outputs of the lower layers, trained with or without some sources."""

    def __init__(self, encoder: ProjectedEncoder, tokenizer_path: Path, data: Path) -> None:
        self.slugs = list(categories(CATEGORIES))
        self.trunk = encoder.trunk
        self.tokenizer = plain_tokenizer(tokenizer_path, LONGEST)
        self.tickets = labelled_rows(data)
        rng = seeded(11)
        phrases = phrase_rows(CATEGORIES, self.slugs)
        self.rows = [training_row(row, self.slugs, rng) for row in self.tickets] + phrases * 2
        self.organisations = [organisation(row) for row in self.tickets]
        self.organisations += ["phrases"] * len(phrases) * 2
        self.states = self.lower([row.text for row in self.rows])

    def lower(self, texts: list[str]) -> list[torch.Tensor]:
        """Return the outputs of the frozen layers."""
        return lower_states(self.trunk, FIRST_LAYER, texts, self.tokenizer)

    def train(self, leave_out: set[str], epochs: int = EPOCHS, label: str = "") -> UpperClassifier:
        """Return a classifier that saw no ticket of these organisations."""
        torch.manual_seed(7)
        model = UpperClassifier(self.trunk, FIRST_LAYER, len(self.slugs))
        known = [i for i, name in enumerate(self.organisations) if name not in leave_out]
        fit(
            model,
            [self.states[i] for i in known],
            [self.rows[i] for i in known],
            epochs=epochs,
            rate=RATE,
            label=label,
        )
        return model

    def left_out_logits(self, checkpoint: Path) -> dict[str, tuple[list[dict], np.ndarray]]:
        """Return fold → its tickets, and logits (tickets, labels) of a model that saw none."""
        outputs = {}
        for name, left_out in FOLDS.items():
            stem = name.replace(",", "").replace(" ", "-")
            path = checkpoint.with_name(f"{checkpoint.stem}-without-{stem}.npz")
            own = [i for i, row in enumerate(self.tickets) if organisation(row) in left_out]
            if not path.exists():
                model = self.train(left_out, epochs=FOLD_EPOCHS, label=f"without {name}")
                states = self.lower([self.tickets[i]["text"] for i in own])
                np.savez(path, logits=predict(model, states).numpy())
            with np.load(path) as stored:
                outputs[name] = [self.tickets[i] for i in own], stored["logits"]
        return outputs


class Classifier(nn.Module):
    """The whole classifier: trunk, mean of the real tokens, linear head."""

    def __init__(self, trunk: nn.Module, labels: int) -> None:
        super().__init__()
        self.trunk, self.head = trunk, nn.Linear(trunk.config.hidden_size, labels)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return logits (rows, labels) from ids and mask (rows, tokens)."""
        hidden = self.trunk(ids, attention_mask=mask).last_hidden_state
        weights = mask.unsqueeze(-1).float()
        return self.head((hidden * weights).sum(1) / weights.sum(1))


def load_encoder(weights: Path, checkpoint: Path) -> tuple[ProjectedEncoder, Path]:
    """Return the trained encoder and the path of its tokenizer.

    ``checkpoint``: a ``.safetensors`` file, or the folder of a bundle.
    """
    trunk, source = load_trunk(weights)
    if checkpoint.is_dir():
        return load_shipped_encoder(weights, checkpoint), source.tokenizer
    encoder = ProjectedEncoder(trunk)
    encoder.load_state_dict(load_file(checkpoint))
    return encoder.eval(), source.tokenizer


def full_model(
    encoder: ProjectedEncoder, upper: UpperClassifier, first_layer: int = FIRST_LAYER
) -> Classifier:
    """Return a classifier of the encoder's lower layers and trained upper ones."""
    model = Classifier(encoder.trunk, upper.head.out_features)
    upper.put_back(model.trunk, first_layer)
    model.head.load_state_dict(upper.head.state_dict())
    return model.eval()


def train(
    weights: Path, encoder_checkpoint: Path, data: Path, checkpoint: Path
) -> tuple[Classifier, dict[str, tuple[list[dict], np.ndarray]]]:
    """Return the classifier and the outputs for tickets left out; finished parts are loaded."""
    encoder, tokenizer = load_encoder(weights, encoder_checkpoint)
    trainer = Trainer(encoder, tokenizer, data)
    print(f"{len(trainer.rows)} rows", flush=True)
    upper = UpperClassifier(trainer.trunk, FIRST_LAYER, len(trainer.slugs))
    if checkpoint.exists():
        upper.load_state_dict(load_file(checkpoint))
    else:
        upper = trainer.train(set(), label="all")
        save(upper.state_dict(), checkpoint)
    outputs = trainer.left_out_logits(checkpoint)
    return full_model(encoder, upper), outputs


def main() -> None:
    """Train the classifier and one for each fold of FOLDS."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, required=True, help="multilingual-e5-small, cut")
    parser.add_argument("--encoder", type=Path, required=True, help="….safetensors or bundle")
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--checkpoint", type=Path, required=True, help="….safetensors to write")
    parser.add_argument("--threads", type=int, default=2, help="threads of torch")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    train(args.weights, args.encoder, args.data, args.checkpoint)


if __name__ == "__main__":
    main()
