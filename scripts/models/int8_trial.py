#!/usr/bin/env python3
"""Ways to int8, side by side: dynamic (shipped), static with calibrated scales, smoothing, fusion.

    python scripts/models/int8_trial.py --data DIR --work WORK --weights WEIGHTS

For the classifier and the encoder of a finished build: milliseconds for a ticket of 60 tokens,
closeness to fp32, and a score on rows that are no test: first choices on the calibration part,
rank correlation on STS-B's dev split. Prints a Markdown table; what it tries goes to --scratch.
"""

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import onnx
import onnxruntime as ort
from data import categories, part_of, read, seeded, ticket_rows
from export import quantize
from measure import spearman
from onnx import helper, numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process
from onnxruntime.transformers import optimizer
from tasks import CALIBRATION_PART, taxonomy_rows
from train_classifier import CATEGORIES

from appliance.inference.session import open_session
from appliance.inference.tokens import TokenReader

CALIBRATION_TEXTS, CALIBRATION_LENGTH = 150, 60
SMOOTHING = 0.5  # how much of an outlier moves from the values into the weights
START = {"classifier": "gte-small", "encoder": "minilm"}


class Texts(CalibrationDataReader):
    """Training tickets as model inputs, one at a time, of one length: histograms ask for that."""

    def __init__(self, tokens: TokenReader, texts: list[str], names: list[str]) -> None:
        found = (tokens.ids(text)[:CALIBRATION_LENGTH] for text in texts)
        self._rows: Iterator[dict] = (
            inputs(ids, names) for ids in found if len(ids) == CALIBRATION_LENGTH
        )

    def get_next(self) -> dict | None:
        """The next text, or None at the end."""
        return next(self._rows, None)


def inputs(ids: list[int], names: list[str]) -> dict[str, np.ndarray]:
    """One row of ids, its mask and its types, those of them that the model asks for."""
    row = np.array([ids], dtype=np.int64)
    known = {
        "input_ids": row,
        "attention_mask": np.ones_like(row),
        "token_type_ids": np.zeros_like(row),
    }
    return {name: known[name] for name in names}


def eight_bits(fp32: Path, int8: Path) -> None:
    """As shipped but for weights of eight bits: right only where the processor has VNNI."""
    quantize_dynamic(fp32, int8, per_channel=True, weight_type=QuantType.QInt8)


def fused(fp32: Path, int8: Path) -> None:
    """Attention, GELU and layer norms as one node each, then as shipped."""
    model = optimizer.optimize_model(str(fp32), "bert", num_heads=12, hidden_size=384)
    joined = int8.with_suffix(".fused")
    model.save_model_to_file(str(joined))
    quantize(joined, int8)


def static(method: CalibrationMethod) -> Callable[[Path, Path, TokenReader, list[str]], None]:
    """Scales of the values fixed beforehand on training tickets, for products with weights."""

    def run(fp32: Path, int8: Path, tokens: TokenReader, texts: list[str]) -> None:
        prepared = int8.with_suffix(".prepared")
        quant_pre_process(fp32, prepared, skip_symbolic_shape=True)
        model = onnx.load(prepared)
        bare = [n.name for n in model.graph.node if n.op_type == "MatMul" and not weight(model, n)]
        quantize_static(
            prepared,
            int8,
            Texts(tokens, texts, [item.name for item in model.graph.input]),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["MatMul"],
            nodes_to_exclude=bare,
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=method,
        )

    return run


def smoothed(fp32: Path, int8: Path, tokens: TokenReader, texts: list[str]) -> None:
    """Outliers of the values are divided away before each product and multiplied into its
    weights, as SmoothQuant does; then as shipped."""
    model = onnx.load(fp32)
    largest = largest_values(fp32, model, tokens, texts)
    users = defaultdict(list)
    for node in model.graph.node:
        if node.op_type == "MatMul" and weight(model, node):
            users[node.input[0]].append(node)
    for number, (name, nodes) in enumerate(users.items()):
        held = [weight(model, node) for node in nodes]
        arrays = [numpy_helper.to_array(item) for item in held]
        widest = np.max([np.abs(array).max(1) for array in arrays], axis=0)
        factor = largest[name] ** SMOOTHING / np.maximum(widest, 1e-5) ** (1 - SMOOTHING)
        factor = np.maximum(factor, 1e-3).astype(np.float32)
        for item, array in zip(held, arrays, strict=True):
            item.CopyFrom(numpy_helper.from_array(array * factor[:, None], item.name))
        model.graph.initializer.append(numpy_helper.from_array(1 / factor, f"smooth_{number}"))
        node = helper.make_node("Mul", [name, f"smooth_{number}"], [f"smoothed_{number}"])
        model.graph.node.insert(list(model.graph.node).index(nodes[0]), node)
        for user in nodes:
            user.input[0] = f"smoothed_{number}"
    moved = int8.with_suffix(".smooth")
    onnx.save(model, moved)
    quantize(moved, int8)


def weight(model: onnx.ModelProto, node: onnx.NodeProto) -> onnx.TensorProto | None:
    """The initializer a product multiplies with, if it is one."""
    return next((item for item in model.graph.initializer if item.name == node.input[1]), None)


def largest_values(
    fp32: Path, model: onnx.ModelProto, tokens: TokenReader, texts: list[str]
) -> dict[str, np.ndarray]:
    """Input of a product → largest size of each of its channels over the texts."""
    watched = onnx.load(fp32)
    names = sorted({n.input[0] for n in model.graph.node if n.op_type == "MatMul"})
    watched.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    session = ort.InferenceSession(watched.SerializeToString(), providers=["CPUExecutionProvider"])
    asked = [item.name for item in session.get_inputs()]
    largest: dict[str, np.ndarray] = {}
    for text in texts:
        for name, value in zip(
            names, session.run(names, inputs(tokens.ids(text), asked)), strict=True
        ):
            most = np.abs(value).reshape(-1, value.shape[-1]).max(0)
            seen = largest.get(name)  # scores between tokens have no fixed width; never used
            fits = seen is not None and seen.shape == most.shape
            largest[name] = np.maximum(seen, most) if fits else most
    return largest


PLAIN = {"dynamic, 7-bit weights (shipped)": quantize, "dynamic, 8-bit weights": eight_bits}
PLAIN["dynamic, fused"] = fused
CALIBRATED = {
    "static QDQ, min-max": static(CalibrationMethod.MinMax),
    "static QDQ, percentile": static(CalibrationMethod.Percentile),
    "dynamic, smoothed": smoothed,
}


def checks(data: Path) -> dict[str, tuple[list[str], Callable[[np.ndarray], float]]]:
    """Role → texts to read, and the score of what was read."""
    slugs = list(categories(CATEGORIES))
    rows = taxonomy_rows(data, CALIBRATION_PART)
    truth = np.array([slugs.index(row["category"]) for row in rows])
    pairs = [row for row in read(data, "stsb") if row["split"] == "dev"][:600]
    sides = [row[side] for side in "ab" for row in pairs]
    scores = [row["score"] for row in pairs]

    def alike(vectors: np.ndarray) -> float:
        near = (vectors[: len(pairs)] * vectors[len(pairs) :]).sum(1)
        return spearman(list(near), scores)

    return {
        "classifier": (
            [row["text"] for row in rows],
            lambda logits: float((logits.argmax(1) == truth).mean()),
        ),
        "encoder": (sides, alike),
    }


def milliseconds(paths: list[Path], rounds: int = 60) -> list[float]:
    """For 60 tokens on two threads, in turns, so that a busy moment strikes all; the lower
    quartile of the rounds."""
    sessions = [open_session(path, 2, path.name) for path in paths]
    ids = [101, *np.random.default_rng(60).integers(1000, 20000, 58).tolist(), 102]
    spent = np.zeros((rounds, len(paths)))
    for row in spent:
        for at, session in enumerate(sessions):
            started = time.perf_counter()
            session.run(ids)
            row[at] = 1000 * (time.perf_counter() - started)
    return np.quantile(spent, 0.25, axis=0).tolist()


def outputs(path: Path, tokens: TokenReader, texts: list[str]) -> np.ndarray:
    """(texts, dims), each read alone."""
    session = open_session(path, 2, path.name)
    return np.stack([session.run(tokens.ids(text)) for text in texts])


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    """Mean cosine of the rows."""
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return float(((one * other).sum(1) / lengths).mean())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="folder with *.fp32.onnx")
    parser.add_argument("--weights", type=Path, required=True, help="for the tokenizers")
    parser.add_argument("--scratch", type=Path, required=True, help="folder for the trials")
    args = parser.parse_args()
    args.scratch.mkdir(parents=True, exist_ok=True)
    found = [r["text"] for r in ticket_rows(args.data) if part_of(r["text"]) > CALIBRATION_PART]
    seeded(7).shuffle(found)
    print("| bundle | way | MB | ms, 60 tokens | cosine with fp32 | score |")
    print("|---|---|---|---|---|---|")
    for role, (texts, score) in checks(args.data).items():
        fp32 = args.work / f"{role}.fp32.onnx"
        tokens = TokenReader(args.weights / START[role] / "tokenizer.json", 256)
        made = {"fp32": fp32} | {
            way: args.scratch / f"{role}-{number}.onnx"
            for number, way in enumerate([*PLAIN, *CALIBRATED])
        }
        for way, path in made.items():
            if way in PLAIN:
                PLAIN[way](fp32, path)
            elif way in CALIBRATED:
                CALIBRATED[way](fp32, path, tokens, found[:CALIBRATION_TEXTS])
        expected = outputs(fp32, tokens, texts)
        times = milliseconds(list(made.values()))
        for (way, path), spent in zip(made.items(), times, strict=True):
            said = outputs(path, tokens, texts)
            print(
                f"| {role} | {way} | {path.stat().st_size / 1e6:.0f} | {spent:.1f} "
                f"| {cosine(said, expected):.4f} | {score(said):.3f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
