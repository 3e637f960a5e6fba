#!/usr/bin/env python3
"""Build the three bundles: train, export, quantize, calibrate, write.

A finished checkpoint in --work is used instead of training again. Equal inputs give equal digests,
except for the noise of training.
"""

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import torch
import train_classifier
import train_embedder
import train_multilingual
import train_sentiment
from bundles import activate, write_bundle
from calibrate import HeldOut, calibrate, figures
from data import CATEGORIES, LANGUAGES, SENTIMENTS, categories, manifest
from export import OPSET, check_parity, export_fp32, quantize
from pairs import FILES as PAIR_FILES
from sentiment_data import FILES as SENTIMENT_FILES
from sentiment_data import MULTILINGUAL_FILES
from weights import Source, load_trunk

from appliance.inference.bundle import (
    ENGLISH_MODEL,
    ENGLISH_TOKENIZER,
    FROZEN_HEAD,
    find_active,
)
from appliance.inference.classify import nearness, pieces
from appliance.inference.linear_head import LinearHead, fit_head
from appliance.inference.session import LoadedBundle

ROOT = Path(__file__).resolve().parents[2]
MAX_TOKENS = {"classifier": 256, "sentiment": 256, "encoder": 512}
TRUNK = "e5-small"  # folder below --weights
TextFunction = Callable[[str], np.ndarray]


def main() -> None:
    """Build the bundle of --only, or all three, the encoder first.

    "teacher" builds the English encoder that the multilingual one is taught by; it is not shipped.
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
    parser.add_argument("--only", choices=["teacher", *BUILDERS], help="build only this")
    parser.add_argument("--minutes", type=float, default=120, help="longest time of the encoder")
    args = parser.parse_args()
    torch.set_num_threads(2)
    args.work.mkdir(parents=True, exist_ok=True)
    if args.only in (None, "teacher"):
        build_teacher(args)
    for role, build in BUILDERS.items():
        if args.only in (None, role):
            build(args)
            activate(args.models, role, f"{role}/{args.version}")
            print(f"{role}: models/{role}/{args.version}", flush=True)


def build_teacher(args: argparse.Namespace) -> None:
    """Build the English encoder in --work: MiniLM, fine-tuned on pairs of related texts."""
    folder = args.work / "teacher"
    if (folder / "active.json").exists():
        return
    fp32, int8 = args.work / "teacher.fp32.onnx", args.work / "teacher.int8.onnx"
    weights = args.weights / "minilm"
    model = train_embedder.train(weights, args.data, args.work / "teacher.safetensors")
    source = load_trunk(weights)[1]
    export_fp32(model.trunk, "feature-extraction", source.tokenizer, fp32)
    settings = {
        **common("encoder", "1", source, check_parity(fp32, model)),
        "architecture": f"BertModel, {model.trunk.config.num_hidden_layers} layers (Sentence-BERT)",
        "dims": model.trunk.config.hidden_size,
        "labels": [],
        "space": "teacher/1",
        "calibration": {},
    }
    quantize(fp32, int8)
    write_bundle(folder / "encoder" / "1", int8, source.tokenizer, settings, {}, 0.02)
    activate(folder, "encoder", "encoder/1")


def build_encoder(args: argparse.Namespace) -> None:
    """Build the encoder bundle: the English encoder, and multilingual-e5-small taught by it."""
    fp32, int8 = args.work / "encoder.fp32.onnx", args.work / "encoder.int8.onnx"
    weights, teacher = args.weights / TRUNK, args.work / "teacher"
    model = train_encoder(weights, args.data, teacher, args.work, args.minutes)
    source = load_trunk(weights)[1]
    export_fp32(model.trunk, "feature-extraction", source.tokenizer, fp32, projection=model.map)
    english = find_active(teacher, "encoder")
    settings = {
        **common("encoder", args.version, source, check_parity(fp32, model)),
        "licence": "MIT; started from MIT and Apache-2.0 (english.onnx)",
        "architecture": (
            "Sentence-BERT: BertModel, 12 layers, linear map; for English BertModel, 6 layers"
        ),
        "dims": model.trunk.config.hidden_size,
        "pooling": "mean, linear map, unit length; for English mean, unit length",
        "teacher": {"sha256": english.ref.digest},
        "labels": [],
        "space": f"encoder/{args.version}",
        "calibration": {},
        "data": manifest(args.data, [*PAIR_FILES, *train_multilingual.FILES]),
    }
    quantize(fp32, int8)
    folder = args.models / "encoder" / args.version
    extra = {
        ENGLISH_MODEL: (english.folder / "model.onnx").read_bytes(),
        ENGLISH_TOKENIZER: (english.folder / "tokenizer.json").read_bytes(),
    }
    write_bundle(folder, int8, source.tokenizer, settings, {}, 0.05, extra)


def train_encoder(
    weights: Path, data: Path, teacher: Path, work: Path, minutes: float
) -> train_multilingual.ProjectedEncoder:
    """Return the encoder after both stages of train_multilingual.py, each within ``minutes``."""
    first = work / "encoder-all.safetensors"
    train_multilingual.train(weights, data, teacher, first, minutes=minutes)
    return train_multilingual.train(
        weights,
        data,
        teacher,
        work / "encoder.safetensors",
        seed=21,
        minutes=minutes,
        stage="other",
        start=first,
    )


def build_sentiment(args: argparse.Namespace) -> None:
    """Build the sentiment bundle: DistilBERT with three classes."""
    fp32, int8 = args.work / "sentiment.fp32.onnx", args.work / "sentiment.int8.onnx"
    weights = args.weights / TRUNK
    model = train_sentiment.train(weights, args.data, args.work / "sentiment.safetensors")
    source = load_trunk(weights)[1]
    export_fp32(model, "text-classification", source.tokenizer, fp32)
    parity = check_parity(fp32, lambda ids, mask: model(ids, mask).logits)
    settings = {
        **common("sentiment", args.version, source, parity),
        "architecture": "DistilBertForSequenceClassification, 12 layers",
        "dims": len(SENTIMENTS),
        "pooling": "first token",
        "labels": list(SENTIMENTS),
        "calibration": {"temperature": 1.0},
        "data": manifest(args.data, [*SENTIMENT_FILES, *MULTILINGUAL_FILES]),
    }
    quantize(fp32, int8)
    labels = {label: label for label in SENTIMENTS}
    folder = args.models / "sentiment" / args.version
    write_bundle(folder, int8, source.tokenizer, settings, labels, 0.2)


def build_classifier(args: argparse.Namespace) -> None:
    """Build the classifier bundle and calibrate it; needs the active encoder."""
    labels = categories(CATEGORIES)
    weights, work = args.weights / TRUNK, args.work
    checkpoint = work / "encoder.safetensors"
    encoder = checkpoint if checkpoint.exists() else find_active(args.models, "encoder").folder
    model, left_out = train_classifier.train(
        weights, encoder, args.data, work / "classifier.safetensors"
    )
    source = load_trunk(weights)[1]
    fp32, int8 = work / "classifier.fp32.onnx", work / "classifier.int8.onnx"
    export_fp32(model.trunk, "feature-extraction", source.tokenizer, fp32, model.head)
    quantize(fp32, int8)
    embed = LoadedBundle(find_active(args.models, "encoder"), 2).run
    tickets = train_classifier.labelled_rows(args.data)
    vectors = {row["text"]: embed(row["text"]) for row in tickets}
    folds = {
        name: held_out(name, rows, logits, tickets, vectors, labels, embed)
        for name, (rows, logits) in left_out.items()
    }
    numbers = calibrate(folds, list(labels))
    frozen = frozen_head(tickets, vectors, numbers.pop("frozen_temperature"))
    settings = {
        **common("classifier", args.version, source, check_parity(fp32, model)),
        "architecture": "BertModel, 12 layers, linear head",
        "dims": len(labels),
        "pooling": "mean",
        "labels": list(labels),
        "frozen_space": find_active(args.models, "encoder").ref.space,
        "calibration": numbers,
        "left_out": {
            name: figures(rows, {**numbers, "frozen_temperature": 1.0}, list(labels))
            for name, rows in folds.items()
        },
        "data": manifest(args.data, ["labelled_tickets", "it_tickets_47k"]),
    }
    folder = args.models / "classifier" / args.version
    extra = {FROZEN_HEAD: frozen.to_bytes()}
    write_bundle(folder, int8, source.tokenizer, settings, labels, 0.2, extra)


def frozen_head(
    tickets: list[dict], vectors: Mapping[str, np.ndarray], temperature: float
) -> LinearHead:
    """Return the regression on the encoder's vectors, its temperature already applied."""
    head = fit_head(
        np.stack([vectors[row["text"]] for row in tickets]), [row["category"] for row in tickets]
    )
    return LinearHead(head.labels, head.centre, (head.weights / temperature).astype(np.float32))


def held_out(
    fold: str,
    rows: list[dict],
    logits: np.ndarray,
    tickets: list[dict],
    vectors: Mapping[str, np.ndarray],
    labels: Mapping[str, str],
    embed: TextFunction,
) -> HeldOut:
    """Return the outputs for the rows of organisations that were left out, and their labels."""
    slugs = list(labels)
    left_out = train_classifier.FOLDS[fold]
    known = [row for row in tickets if train_classifier.organisation(row) not in left_out]
    head = frozen_head(known, vectors, 1.0)
    shares = head.probabilities(np.stack([vectors[row["text"]] for row in rows]))
    columns = [head.labels.index(slug) for slug in slugs]
    described = [np.stack([embed(piece) for piece in pieces(text)]) for text in labels.values()]
    return HeldOut(
        head=logits,
        frozen=np.log(shares[:, columns] + 1e-12),
        similarities=np.array(
            [[nearness(vectors[row["text"]], part) for part in described] for row in rows]
        ),
        first=np.array([[float(slug == row["category"]) for slug in slugs] for row in rows]),
        either=np.array(
            [[slug in (row["category"], row["second"]) for slug in slugs] for row in rows]
        ),
        is_clear=np.array([row["confidence"] == "high" for row in rows]),
        weight=np.full(len(rows), 1 / len(rows)),
    )


def common(role: str, version: str, source: Source, parity: float) -> dict:
    """Return the part of bundle.json that all bundles share."""
    return {
        "format": 1,
        "role": role,
        "name": role,
        "version": version,
        "licence": "MIT; started from " + source.licence,
        "languages": list(LANGUAGES),
        "max_tokens": MAX_TOKENS[role],
        "opset": OPSET,
        "quantization": "dynamic int8, signed weights, per channel; words in 4 bits",
        "parity_with_torch": round(parity, 7),
        "built_from": {"weights": source.name, "sha256": source.sha256},
    }


BUILDERS = {
    "encoder": build_encoder,
    "sentiment": build_sentiment,
    "classifier": build_classifier,
}

if __name__ == "__main__":
    main()
