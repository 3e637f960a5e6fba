#!/usr/bin/env python3
"""Build the three bundles: train, export, quantize, calibrate, write.

A finished checkpoint in --work is used instead of training again. Equal inputs give equal digests,
except for the noise of training.
"""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import torch
import train_classifier
import train_embedder
import train_sentiment
import unseen_source
from bundles import activate, write_bundle, write_settings
from calibrate import HeldOut, calibrate, figures
from data import CATEGORIES, SENTIMENTS, categories, manifest, part_of, phrase_rows
from export import OPSET, check_parity, export_fp32, quantize
from pairs import FILES as PAIR_FILES
from sentiment_data import FILES as SENTIMENT_FILES
from sklearn.linear_model import LogisticRegression
from tasks import CALIBRATION_PART, TEST_PART, labelled_tickets
from unseen_source import TextFunction
from weights import Source, load_trunk

from appliance.inference.bundle import find_active
from appliance.inference.classify import nearness, pieces
from appliance.inference.session import TextTokenizer, open_session

ROOT = Path(__file__).resolve().parents[2]
MAX_TOKENS = {"classifier": 256, "sentiment": 256, "encoder": 512}
UNSEEN = "it_tickets_47k"  # internal IT, the main use; left out to measure an unseen source


def main() -> None:
    """Build the bundle of --only, or all three.

    The encoder comes first, because the classifier is calibrated with it.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the training data")
    parser.add_argument(
        "--weights", type=Path, required=True, help="folder filled by fetch_weights.py"
    )
    parser.add_argument("--work", type=Path, required=True, help="checkpoints and fp32 exports")
    parser.add_argument(
        "--models", type=Path, default=ROOT / "models", help="folder of the bundles"
    )
    parser.add_argument("--version", default="1", help="version of the new bundles")
    parser.add_argument(
        "--only",
        choices=["encoder", "sentiment", "classifier", "calibration"],
        help="build only this",
    )
    parser.add_argument("--teacher-epochs", type=int, default=2, help="of the sentiment teacher")
    parser.add_argument("--student-epochs", type=int, default=3, help="of the sentiment model")
    parser.add_argument(
        "--student-start", type=Path, help="checkpoint of an earlier student to continue from"
    )
    parser.add_argument("--encoder-weights", default="minilm", help="folder below --weights")
    parser.add_argument("--encoder-epochs", type=int, default=2, help="epochs of the encoder")
    args = parser.parse_args()
    torch.set_num_threads(2)
    args.work.mkdir(parents=True, exist_ok=True)
    if args.only == "calibration":
        print(f"calibrated again: {recalibrate(args)}")
        choose_cold_start(args)
        return
    for role, build in (
        ("encoder", build_encoder),
        ("sentiment", build_sentiment),
        ("classifier", build_classifier),
    ):
        if args.only in (None, role):
            name = build(args)
            activate(args.models, role, f"{name}/{args.version}")
            print(f"{role}: models/{name}/{args.version}", flush=True)
    if args.only in (None, "classifier"):
        choose_cold_start(args)


def build_encoder(args: argparse.Namespace) -> str:
    """Build the encoder bundle: MiniLM, fine-tuned on pairs of related texts."""
    name, version = "encoder", args.version
    weights = args.weights / args.encoder_weights
    fp32, int8 = args.work / "encoder.fp32.onnx", args.work / "encoder.int8.onnx"
    model = train_embedder.train(
        weights, args.data, args.work / "encoder.safetensors", epochs=args.encoder_epochs
    )
    source = load_trunk(weights)[1]
    export_fp32(model.trunk, "feature-extraction", source.tokenizer, fp32)
    settings = {
        **common("encoder", name, version, source, check_parity(fp32, model)),
        "architecture": f"BertModel, {model.trunk.config.num_hidden_layers} layers (Sentence-BERT)",
        "dims": model.trunk.config.hidden_size,
        "pooling": "mean, unit length",
        "labels": [],
        "space": f"{name}/{version}",
        "calibration": {},
        "data": manifest(args.data, list(PAIR_FILES)),
    }
    quantize(fp32, int8)
    write_bundle(args.models / name / version, int8, source.tokenizer, settings, {}, 0.02)
    return name


def build_sentiment(args: argparse.Namespace) -> str:
    """Build the sentiment bundle: DistilBERT with three classes."""
    name = "sentiment"
    fp32, int8 = args.work / f"{name}.fp32.onnx", args.work / f"{name}.int8.onnx"
    weights = args.weights / "minilm"
    model = train_sentiment.train(
        weights,
        args.weights / "gte-small",
        args.data,
        args.work / f"{name}.safetensors",
        epochs=args.student_epochs,
        teacher_epochs=args.teacher_epochs,
        start=args.student_start,
    )
    source, teacher = (load_trunk(path)[1] for path in (weights, args.weights / "gte-small"))
    export_fp32(model, "text-classification", source.tokenizer, fp32)
    parity = check_parity(fp32, lambda ids, mask: model(ids, mask).logits)
    settings = {
        **common("sentiment", name, args.version, source, parity),
        "architecture": "DistilBertForSequenceClassification, 6 layers",
        "dims": len(SENTIMENTS),
        "pooling": "first token",
        "teacher": {"weights": teacher.name, "sha256": teacher.sha256},
        "labels": list(SENTIMENTS),
        "calibration": {"temperature": 1.0},
        "data": manifest(args.data, list(SENTIMENT_FILES)),
    }
    quantize(fp32, int8)
    labels = {label: label for label in SENTIMENTS}
    write_bundle(args.models / name / args.version, int8, source.tokenizer, settings, labels, 0.15)
    return name


def build_classifier(args: argparse.Namespace) -> str:
    """Build the classifier bundle and calibrate it on held-out rows; needs the active encoder."""
    name, labels = "classifier", categories(CATEGORIES)
    source = load_trunk(args.weights / "gte-small")[1]
    held_out_parts = {TEST_PART, CALIBRATION_PART}
    int8, parity = _classifier_onnx(args, "classifier", held_out_parts)
    read_head = _runner(int8, source.tokenizer, "classifier")
    numbers, unseen = _calibrated(args, read_head, labels)
    settings = {
        **common("classifier", name, args.version, source, parity),
        "architecture": "BertModel, 12 layers, linear head",
        "dims": len(labels),
        "pooling": "mean",
        "labels": list(labels),
        "calibration": numbers,
        "unseen_source": {"source": UNSEEN, **unseen},
        "data": manifest(args.data, ["labelled_tickets", "it_tickets_47k"]),
    }
    write_bundle(args.models / name / args.version, int8, source.tokenizer, settings, labels, 0.15)
    return name


def recalibrate(args: argparse.Namespace) -> str:
    """Choose the calibration of the active classifier again; nothing is trained."""
    bundle = find_active(args.models, "classifier")
    labels = categories(CATEGORIES)
    onnx_file, tokenizer = (bundle.folder / name for name in ("model.onnx", "tokenizer.json"))
    numbers, unseen = _calibrated(args, _runner(onnx_file, tokenizer, "classifier"), labels)
    settings = json.loads((bundle.folder / "bundle.json").read_text(encoding="utf-8"))
    settings |= {"calibration": numbers, "unseen_source": {"source": UNSEEN, **unseen}}
    write_settings(bundle.folder, settings)
    return bundle.ref.name


def choose_cold_start(args: argparse.Namespace) -> None:
    """Choose the cold-start numbers of the classifier; needs the active encoder."""
    figures_by_set = unseen_source.measure(
        args.models, args.data, args.weights, args.work, choose_numbers=True
    )
    print(unseen_source.table(figures_by_set))


def _classifier_onnx(args: argparse.Namespace, run: str, leave_out: set) -> tuple[Path, float]:
    """Train (or load), export and quantize; return the int8 file and its parity with torch."""
    checkpoint, fp32 = args.work / f"{run}.safetensors", args.work / f"{run}.fp32.onnx"
    weights = args.weights / "gte-small"
    model = train_classifier.train(weights, args.data, checkpoint, leave_out)
    tokenizer = weights / "tokenizer.json"
    export_fp32(model.trunk, "feature-extraction", tokenizer, fp32, model.head)
    quantize(fp32, args.work / f"{run}.int8.onnx")
    return args.work / f"{run}.int8.onnx", check_parity(fp32, model)


def _calibrated(
    args: argparse.Namespace, read_head: TextFunction, labels: dict[str, str]
) -> tuple[dict, dict[str, float]]:
    """Return the calibration of a head and the figures of the unseen source with it.

    Fine-tuning the model without that source is a hundred times the work. A regression on frozen
    gte-small, trained without its tickets, replaces it and is more pessimistic.
    """
    embed = unseen_source.runner(find_active(args.models, "encoder").folder, "encoder")
    slugs, rows = list(labels), labelled_tickets(args.data, None)
    familiar = [row for row in rows if part_of(row["text"]) == CALIBRATION_PART]
    rows = [row for row in rows if part_of(row["text"]) != TEST_PART]
    frozen = unseen_source.frozen_encoder(args.weights, args.work)
    known = [
        (row["text"][:800], slugs.index(row["category"])) for row in rows if row["source"] != UNSEEN
    ]
    phrases = phrase_rows(CATEGORIES, slugs)  # the only examples of "people"
    known += [(row.text, int(np.argmax(row.target))) for row in phrases]
    substitute = LogisticRegression(C=30, max_iter=1000, class_weight="balanced").fit(
        np.array([frozen(text) for text, _ in known]), [number for _, number in known]
    )

    def substitute_logits(text: str) -> np.ndarray:
        return substitute.decision_function(frozen(text)[None])[0]

    unseen = _held_out(
        embed, substitute_logits, labels, [row for row in rows if row["source"] == UNSEEN]
    )
    numbers = calibrate(_held_out(embed, read_head, labels, familiar), unseen, slugs)
    return numbers, figures(unseen, numbers, slugs)


def _held_out(
    embed: TextFunction, read_head: TextFunction, labels: dict[str, str], rows: list[dict]
) -> HeldOut:
    """Return outputs of head and encoder on rows, and their labels."""
    described = [np.stack([embed(p) for p in pieces(text)]) for text in labels.values()]

    def similarities(text: str) -> np.ndarray:
        vector = embed(text)
        return np.array([nearness(vector, rows) for rows in described])

    logits = np.array([read_head(row["text"]) for row in rows])
    return unseen_source.held_out(rows, logits, similarities, list(labels))


def _runner(onnx_file: Path, tokenizer: Path, role: str) -> TextFunction:
    tokens = TextTokenizer(tokenizer, MAX_TOKENS[role])
    session = open_session(onnx_file, 2, onnx_file.name)
    return lambda text: session.run(tokens.ids(text))


def common(role: str, name: str, version: str, source: Source, parity: float) -> dict:
    """Return the part of bundle.json that all bundles share."""
    return {
        "format": 1,
        "role": role,
        "name": name,
        "version": version,
        "licence": "MIT; started from " + source.licence,
        "max_tokens": MAX_TOKENS[role],
        "opset": OPSET,
        "quantization": "dynamic int8, signed weights, per channel",
        "parity_with_torch": round(parity, 7),
        "built_from": {"weights": source.name, "sha256": source.sha256},
    }


if __name__ == "__main__":
    main()
