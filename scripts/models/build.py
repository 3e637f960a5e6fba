#!/usr/bin/env python3
"""Build the three bundles: train, export, quantize, calibrate, write.

A finished checkpoint in --work is taken instead of training again.

The same inputs give the same digests for everything but training noise.
"""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import torch
import train_classifier
import train_embedder
import train_sentiment
import unseen_desk
from bundles import activate, write_bundle, write_settings
from calibrate import HeldOut, calibrate, figures
from data import categories, category_target, manifest, part_of, phrase_rows
from export import OPSET, check_parity, export_fp32, quantize
from moods import USED as MOOD_FILES
from pairs import FILES as PAIR_FILES
from sklearn.linear_model import LogisticRegression
from tasks import CALIBRATION_PART, TEST_PART, taxonomy_rows
from weights import SENTIMENTS, Source, load_trunk

from appliance.inference.bundle import find_active
from appliance.inference.classify import nearness, pieces
from appliance.inference.session import open_session
from appliance.inference.tokens import TokenReader

ROOT = Path(__file__).resolve().parents[2]
MAX_TOKENS = {"classifier": 256, "sentiment": 256, "encoder": 512}
UNSEEN = "it_tickets_47k"  # internal tickets: the desk this is for, so the source to be blind to


def main() -> None:
    """Build what --only names, or all three in order: the classifier is calibrated with the
    encoder, so the encoder comes first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the training data")
    parser.add_argument("--weights", type=Path, required=True, help="what fetch_weights.py filled")
    parser.add_argument("--work", type=Path, required=True, help="checkpoints and fp32 exports")
    parser.add_argument("--models", type=Path, default=ROOT / "models")
    parser.add_argument("--version", default="1")
    parser.add_argument("--only", choices=["encoder", "sentiment", "classifier", "calibration"])
    parser.add_argument("--teacher-epochs", type=int, default=2)
    parser.add_argument("--student-epochs", type=int, default=3)
    parser.add_argument("--student-start", type=Path, help="an earlier student's checkpoint")
    parser.add_argument("--encoder-weights", default="minilm")
    parser.add_argument("--encoder-epochs", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(2)
    args.work.mkdir(parents=True, exist_ok=True)
    if args.only == "calibration":
        print(f"calibrated again: {recalibrate(args)}")
        choose_caution(args)
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
        choose_caution(args)


def build_encoder(args: argparse.Namespace) -> str:
    """MiniLM, taught what belongs together on a help desk."""
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
    """DistilBERT over three moods."""
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
        "data": manifest(args.data, list(MOOD_FILES)),
    }
    quantize(fp32, int8)
    labels = {label: label for label in SENTIMENTS}
    write_bundle(args.models / name / args.version, int8, source.tokenizer, settings, labels, 0.15)
    return name


def build_classifier(args: argparse.Namespace) -> str:
    """The fine-tuned classifier, calibrated on rows held out by opening and by source."""
    name, labels = "classifier", categories(train_classifier.CATEGORIES)
    source = load_trunk(args.weights / "gte-small")[1]
    kept = {TEST_PART, CALIBRATION_PART}
    int8, parity = _classifier_onnx(args, "classifier", kept)
    read_head = _runner(int8, source.tokenizer, "classifier")
    familiar = _held_out(args, read_head, labels, taxonomy_rows(args.data, CALIBRATION_PART))
    unseen = _unseen_source(args, labels)
    numbers = calibrate(familiar, unseen, list(labels))
    settings = {
        **common("classifier", name, args.version, source, parity),
        "architecture": "BertModel, 12 layers, linear head",
        "dims": len(labels),
        "pooling": "mean",
        "labels": list(labels),
        "calibration": numbers,
        "unseen_source": {"source": UNSEEN, **figures(unseen, numbers, list(labels))},
        "data": manifest(args.data, ["labelled_tickets", "it_tickets_47k"]),
    }
    write_bundle(args.models / name / args.version, int8, source.tokenizer, settings, labels, 0.15)
    return name


def recalibrate(args: argparse.Namespace) -> str:
    """Choose the classifier's numbers again, for the files that are shipped; nothing is trained."""
    bundle = find_active(args.models, "classifier")
    labels = categories(train_classifier.CATEGORIES)
    onnx_file, tokenizer = (bundle.folder / name for name in ("model.onnx", "tokenizer.json"))
    read_head = _runner(onnx_file, tokenizer, "classifier")
    rows = taxonomy_rows(args.data, CALIBRATION_PART)
    unseen = _unseen_source(args, labels)
    numbers = calibrate(_held_out(args, read_head, labels, rows), unseen, list(labels))
    settings = json.loads((bundle.folder / "bundle.json").read_text())
    settings |= {
        "calibration": numbers,
        "unseen_source": {"source": UNSEEN, **figures(unseen, numbers, list(labels))},
    }
    write_settings(bundle.folder, settings)
    return bundle.ref.name


def choose_caution(args: argparse.Namespace) -> None:
    """What a desk nobody trained on is asked for more; needs the active encoder."""
    found = unseen_desk.measure(args.models, args.data, args.weights, args.work, choosing=True)
    print(unseen_desk.table(found))


def _classifier_onnx(args: argparse.Namespace, run: str, leave_out: set) -> tuple[Path, float]:
    """Train (or load), export and quantize one run; the int8 file and its parity with torch."""
    checkpoint, fp32 = args.work / f"{run}.safetensors", args.work / f"{run}.fp32.onnx"
    weights = args.weights / "gte-small"
    model = train_classifier.train(weights, args.data, checkpoint, leave_out)
    tokenizer = weights / "tokenizer.json"
    export_fp32(model.trunk, "feature-extraction", tokenizer, fp32, model.head)
    quantize(fp32, args.work / f"{run}.int8.onnx")
    return args.work / f"{run}.int8.onnx", check_parity(fp32, model)


def _unseen_source(args: argparse.Namespace, labels: dict[str, str]) -> HeldOut:
    """Internal tickets through a head that never saw one: regression on frozen gte-small.

    It stands in for the fine-tuned model trained without them, at a hundredth of the time, and
    errs on the careful side.
    """
    rows = [r for r in taxonomy_rows(args.data, None) if part_of(r["text"]) != TEST_PART]
    others = [row for row in rows if row["source"] != UNSEEN]
    trunk, source = load_trunk(args.weights / "gte-small")
    fp32, int8 = args.work / "frozen.fp32.onnx", args.work / "frozen.int8.onnx"
    export_fp32(trunk, "feature-extraction", source.tokenizer, fp32)
    quantize(fp32, int8)
    embed, slugs = _runner(int8, source.tokenizer, "classifier"), list(labels)
    known = [(row["text"][:800], slugs.index(row["category"])) for row in others]
    phrases = phrase_rows(train_classifier.CATEGORIES, slugs)  # only they tell of "people"
    known += [(row.text, int(np.argmax(row.target))) for row in phrases]
    head = LogisticRegression(C=30, max_iter=1000, class_weight="balanced").fit(
        np.array([embed(text) for text, _ in known]), [number for _, number in known]
    )

    def logits(text: str) -> np.ndarray:
        return head.decision_function(embed(text)[None])[0]

    return _held_out(args, logits, labels, [row for row in rows if row["source"] == UNSEEN])


def _held_out(
    args: argparse.Namespace,
    read_head: Callable[[str], np.ndarray],
    labels: dict[str, str],
    rows: list[dict],
) -> HeldOut:
    """What the head and the int8 encoder say about rows, and what readers said."""
    embed = _runner(
        args.work / "encoder.int8.onnx",
        args.weights / args.encoder_weights / "tokenizer.json",
        "encoder",
    )
    described = [np.stack([embed(p) for p in pieces(text)]) for text in labels.values()]
    slugs = list(labels)
    return HeldOut(
        np.array([read_head(row["text"]) for row in rows]),
        np.array([[nearness(embed(r["text"]), d) for d in described] for r in rows]),
        np.array([category_target(row, slugs) for row in rows]),
        np.array([[s in (r["category"], r["second"]) for s in slugs] for r in rows]),
    )


def _runner(onnx_file: Path, tokenizer: Path, role: str):
    tokens = TokenReader(tokenizer, MAX_TOKENS[role])
    session = open_session(onnx_file, 2, onnx_file.name)
    return lambda text: session.run(tokens.ids(text))


def common(role: str, name: str, version: str, source: Source, parity: float) -> dict:
    """The part of bundle.json that is alike for all."""
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
