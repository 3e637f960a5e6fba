#!/usr/bin/env python3
"""Apply the training recipe of the classifier to the BANKING77 benchmark (full training set).

Nothing is chosen on the test set: recipe, epochs and layers are fixed beforehand. With --work the
finished model is exported, quantized and scored on the test set as int8 and fp32; with --figures
the figures are stored for the table of evaluate.py.
"""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch
from data import Row, read
from export import check_parity, export_fp32, quantize
from figures_store import FiguresStore
from finetune import plain_tokenizer, save
from goals import BANKING, Figures
from safetensors.torch import load_file
from train_classifier import FIRST_LAYER, RATE, Classifier, full_model, load_encoder
from upper_layers import UpperClassifier, fit, lower_states
from weights import load_trunk

from appliance.inference.session import TextTokenizer, open_session

EPOCHS = 5
SMOOTHING = 0.05


def labels_of(data: Path) -> list[str]:
    """Return the 77 intents in alphabetical order."""
    return sorted({row["label"] for row in read(data, "banking77_train")})


def banking_rows(data: Path) -> list[Row]:
    """Return the training set with smoothed labels, and the names of the intents as 77 texts."""
    labels = labels_of(data)
    rest = SMOOTHING / len(labels)
    targets = {
        label: tuple(rest + (1 - SMOOTHING) * (label == name) for name in labels)
        for label in labels
    }
    rows = [Row(row["text"], targets[row["label"]]) for row in read(data, "banking77_train")]
    return rows + [Row(label.replace("_", " "), targets[label]) for label in labels]


def train(
    weights: Path,
    encoder_checkpoint: Path,
    data: Path,
    checkpoint: Path,
    *,
    epochs: int = EPOCHS,
    first_layer: int = FIRST_LAYER,
) -> Classifier:
    """Fine-tune the encoder's upper layers as ``train_classifier`` does."""
    encoder, tokenizer = load_encoder(weights, encoder_checkpoint)
    rows, labels = banking_rows(data), labels_of(data)
    upper = UpperClassifier(encoder.trunk, first_layer, len(labels))
    if checkpoint.exists():
        upper.load_state_dict(load_file(checkpoint))
    else:
        texts = [row.text for row in rows]
        states = lower_states(encoder.trunk, first_layer, texts, plain_tokenizer(tokenizer, 96))
        fit(upper, states, rows, epochs=epochs, rate=RATE, label="banking")
        save(upper.state_dict(), checkpoint)
    return full_model(encoder, upper, first_layer)


def score(model: Classifier, tokenizer: Path, data: Path, work: Path) -> dict[str, Figures]:
    """Return the accuracy on the 3,080 test questions, each processed alone, for both exports."""
    fp32, int8 = work / "banking.fp32.onnx", work / "banking.int8.onnx"
    export_fp32(model.trunk, "feature-extraction", tokenizer, fp32, model.head)
    check_parity(fp32, model)
    quantize(fp32, int8)
    tokens, labels = TextTokenizer(tokenizer, 256), labels_of(data)
    rows = list(read(data, "banking77_test"))
    figures = {}
    for kind, path in (("int8", int8), ("fp32", fp32)):
        session = open_session(path, 2, path.name)
        predictions = [labels[int(session.run(tokens.ids(row["text"])).argmax())] for row in rows]
        right = sum(label == row["label"] for label, row in zip(predictions, rows, strict=True))
        scores = {"rows": len(rows), "accuracy": right / len(rows)}
        figures[kind] = {BANKING: scores}
    return figures


def main() -> None:
    """Train, or load a finished checkpoint; score it with --work."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, required=True, help="multilingual-e5-small, cut")
    parser.add_argument("--encoder", type=Path, required=True, help="….safetensors of the encoder")
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--checkpoint", type=Path, required=True, help="….safetensors to write")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="epochs in all")
    parser.add_argument("--threads", type=int, default=2, help="threads of torch")
    parser.add_argument("--work", type=Path, help="export and score here")
    parser.add_argument("--figures", type=Path, help="JSON file that stores figures")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    model = train(args.weights, args.encoder, args.data, args.checkpoint, epochs=args.epochs)
    if args.work:
        tokenizer = load_trunk(args.weights)[1].tokenizer
        figures, store = score(model, tokenizer, args.data, args.work), FiguresStore(args.figures)
        for kind, scores in figures.items():
            store.put(kind, BANKING, BANKING, scores[BANKING])
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
