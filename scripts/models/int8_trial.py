#!/usr/bin/env python3
"""Compare variants of int8: dynamic (shipped), static with calibrated scales, smoothing, fusion.

    python scripts/models/int8_trial.py --data DIR --work WORK --weights WEIGHTS --scratch DIR

For the classifier and the encoder of a finished build it measures the milliseconds for a ticket of
60 tokens, the similarity to fp32, and a score on validation rows: accuracy on the calibration part,
rank correlation on the STS-B dev split. It prints a Markdown table and writes the trial files to
--scratch.
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
from data import CATEGORIES, categories, part_of, read, seeded, ticket_rows
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
from processor import instruction_set
from tasks import CALIBRATION_PART, labelled_tickets

from appliance.inference.session import TextTokenizer, open_session

CALIBRATION_TEXTS, CALIBRATION_LENGTH = 150, 60
SMOOTHING = 0.5  # exponent: how much of an outlier moves from the activations into the weights
START = {"classifier": "e5-small", "encoder": "e5-small"}


class Texts(CalibrationDataReader):
    """Training tickets as model inputs, first at a time, all of first length for the histograms."""

    def __init__(self, tokens: TextTokenizer, texts: list[str], names: list[str]) -> None:
        token_ids = (tokens.ids(text)[:CALIBRATION_LENGTH] for text in texts)
        self._rows: Iterator[dict] = (
            inputs(ids, names) for ids in token_ids if len(ids) == CALIBRATION_LENGTH
        )

    def get_next(self) -> dict | None:
        """Return the inputs of the next text, or None at the end."""
        return next(self._rows, None)


def inputs(ids: list[int], names: list[str]) -> dict[str, np.ndarray]:
    """Return the named model inputs for one row of token ids."""
    row = np.array([ids], dtype=np.int64)
    known = {
        "input_ids": row,
        "attention_mask": np.ones_like(row),
        "token_type_ids": np.zeros_like(row),
    }
    return {name: known[name] for name in names}


def eight_bits(fp32: Path, int8: Path) -> None:
    """Quantize as shipped, but with weights of eight bits: exact only on processors with VNNI."""
    quantize_dynamic(fp32, int8, per_channel=True, weight_type=QuantType.QInt8)


def fused(fp32: Path, int8: Path) -> None:
    """Fuse attention, GELU and layer norms into one node each, then quantize as shipped."""
    model = optimizer.optimize_model(str(fp32), "bert", num_heads=12, hidden_size=384)
    fused_file = int8.with_suffix(".fused")
    model.save_model_to_file(str(fused_file))
    quantize(fused_file, int8)


def static(method: CalibrationMethod) -> Callable[[Path, Path, TextTokenizer, list[str]], None]:
    """Return a quantizer with static activation scales, calibrated on training tickets."""

    def run(fp32: Path, int8: Path, tokens: TextTokenizer, texts: list[str]) -> None:
        prepared = int8.with_suffix(".prepared")
        quant_pre_process(fp32, prepared, skip_symbolic_shape=True)
        model = onnx.load(prepared)
        unweighted = [
            n.name for n in model.graph.node if n.op_type == "MatMul" and not weight(model, n)
        ]
        quantize_static(
            prepared,
            int8,
            Texts(tokens, texts, [item.name for item in model.graph.input]),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["MatMul"],
            nodes_to_exclude=unweighted,
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=method,
        )

    return run


def smoothed(fp32: Path, int8: Path, tokens: TextTokenizer, texts: list[str]) -> None:
    """Move activation outliers into the weights, as SmoothQuant does, then quantize as shipped."""
    model = onnx.load(fp32)
    largest = largest_values(fp32, model, tokens, texts)
    users = defaultdict(list)
    for node in model.graph.node:
        if node.op_type == "MatMul" and weight(model, node):
            users[node.input[0]].append(node)
    for number, (name, nodes) in enumerate(users.items()):
        initializers = [weight(model, node) for node in nodes]
        arrays = [numpy_helper.to_array(item) for item in initializers]
        widest = np.max([np.abs(array).max(1) for array in arrays], axis=0)
        factor = largest[name] ** SMOOTHING / np.maximum(widest, 1e-5) ** (1 - SMOOTHING)
        factor = np.maximum(factor, 1e-3).astype(np.float32)
        for item, array in zip(initializers, arrays, strict=True):
            item.CopyFrom(numpy_helper.from_array(array * factor[:, None], item.name))
        model.graph.initializer.append(numpy_helper.from_array(1 / factor, f"smooth_{number}"))
        node = helper.make_node("Mul", [name, f"smooth_{number}"], [f"smoothed_{number}"])
        model.graph.node.insert(list(model.graph.node).index(nodes[0]), node)
        for user in nodes:
            user.input[0] = f"smoothed_{number}"
    smoothed_file = int8.with_suffix(".smooth")
    onnx.save(model, smoothed_file)
    quantize(smoothed_file, int8)


def weight(model: onnx.ModelProto, node: onnx.NodeProto) -> onnx.TensorProto | None:
    """Return the weight of a MatMul node, or None if both factors are activations."""
    return next((item for item in model.graph.initializer if item.name == node.input[1]), None)


def largest_values(
    fp32: Path, model: onnx.ModelProto, tokens: TextTokenizer, texts: list[str]
) -> dict[str, np.ndarray]:
    """Return MatMul input → largest absolute value of each channel over the texts."""
    instrumented = onnx.load(fp32)
    names = sorted({n.input[0] for n in model.graph.node if n.op_type == "MatMul"})
    instrumented.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    session = ort.InferenceSession(
        instrumented.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    input_names = [item.name for item in session.get_inputs()]
    largest: dict[str, np.ndarray] = {}
    for text in texts:
        for name, value in zip(
            names, session.run(names, inputs(tokens.ids(text), input_names)), strict=True
        ):
            channel_max = np.abs(value).reshape(-1, value.shape[-1]).max(0)
            known = largest.get(name)  # attention scores have no fixed width; never used
            fits = known is not None and known.shape == channel_max.shape
            largest[name] = np.maximum(known, channel_max) if fits else channel_max
    return largest


PLAIN = {"dynamic, 7-bit weights (shipped)": quantize, "dynamic, 8-bit weights": eight_bits}
PLAIN["dynamic, fused"] = fused
CALIBRATED = {
    "static QDQ, min-max": static(CalibrationMethod.MinMax),
    "static QDQ, percentile": static(CalibrationMethod.Percentile),
    "dynamic, smoothed": smoothed,
}


def checks(data: Path) -> dict[str, tuple[list[str], Callable[[np.ndarray], float]]]:
    """Return role → texts, and a function that scores their outputs."""
    slugs = list(categories(CATEGORIES))
    rows = labelled_tickets(data, CALIBRATION_PART)
    truth = np.array([slugs.index(row["category"]) for row in rows])
    pairs = [row for row in read(data, "stsb") if row["split"] == "dev"][:600]
    sides = [row[side] for side in "ab" for row in pairs]
    scores = [row["score"] for row in pairs]

    def rank_correlation(vectors: np.ndarray) -> float:
        cosines = (vectors[: len(pairs)] * vectors[len(pairs) :]).sum(1)
        return spearman(list(cosines), scores)

    return {
        "classifier": (
            [row["text"] for row in rows],
            lambda logits: float((logits.argmax(1) == truth).mean()),
        ),
        "encoder": (sides, rank_correlation),
    }


def milliseconds(paths: list[Path], rounds: int = 60) -> list[float]:
    """Measure 60 tokens on two threads; return the lower quartile of the rounds for each file.

    The files take turns, so that other load on the machine affects all of them.
    """
    sessions = [open_session(path, 2, path.name) for path in paths]
    ids = [101, *np.random.default_rng(60).integers(1000, 20000, 58).tolist(), 102]
    spent = np.zeros((rounds, len(paths)))
    for row in spent:
        for at, session in enumerate(sessions):
            started = time.perf_counter()
            session.run(ids)
            row[at] = 1000 * (time.perf_counter() - started)
    return np.quantile(spent, 0.25, axis=0).tolist()


def outputs(path: Path, tokens: TextTokenizer, texts: list[str]) -> np.ndarray:
    """Return outputs (texts, dims); each text is processed alone."""
    session = open_session(path, 2, path.name)
    return np.stack([session.run(tokens.ids(text)) for text in texts])


def cosine(first: np.ndarray, second: np.ndarray) -> float:
    """Return the mean cosine of corresponding rows."""
    lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    return float(((first * second).sum(1) / lengths).mean())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--work", type=Path, required=True, help="folder with *.fp32.onnx")
    parser.add_argument("--weights", type=Path, required=True, help="for the tokenizers")
    parser.add_argument("--scratch", type=Path, required=True, help="folder for the trials")
    args = parser.parse_args()
    args.scratch.mkdir(parents=True, exist_ok=True)
    training_texts = [
        r["text"] for r in ticket_rows(args.data) if part_of(r["text"]) > CALIBRATION_PART
    ]
    seeded(7).shuffle(training_texts)
    print(
        f"| bundle | variant | MB | ms, 60 tokens, {instruction_set()} | cosine with fp32 | score |"
    )
    print("|---|---|---|---|---|---|")
    for role, (texts, score) in checks(args.data).items():
        fp32 = args.work / f"{role}.fp32.onnx"
        tokens = TextTokenizer(args.weights / START[role] / "tokenizer.json", 256)
        exports = {"fp32": fp32} | {
            variant: args.scratch / f"{role}-{number}.onnx"
            for number, variant in enumerate([*PLAIN, *CALIBRATED])
        }
        for variant, path in exports.items():
            if variant in PLAIN:
                PLAIN[variant](fp32, path)
            elif variant in CALIBRATED:
                CALIBRATED[variant](fp32, path, tokens, training_texts[:CALIBRATION_TEXTS])
        expected = outputs(fp32, tokens, texts)
        times = milliseconds(list(exports.values()))
        for (variant, path), spent in zip(exports.items(), times, strict=True):
            output = outputs(path, tokens, texts)
            print(
                f"| {role} | {variant} | {path.stat().st_size / 1e6:.0f} | {spent:.1f} "
                f"| {cosine(output, expected):.4f} | {score(output):.3f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
