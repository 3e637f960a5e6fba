#!/usr/bin/env python3
"""How fast the three bundles read, beside the same architectures in PyTorch fp32 and the encoder
in sentence-transformers, in one run.

    python scripts/bench/inference.py --weights WEIGHTS

Prints tables: milliseconds by length and threads, callers at once, memory, and the share of the
int8 matrix peak measured on the same machine. Without torch (extra ``models``) or --weights the
columns beside are empty; sentence-transformers also cuts the text into tokens. Run it on a quiet
machine; on a busy one only the ratios mean something.
"""

import argparse
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "models"))

import numpy as np

from appliance.inference.bundle import ROLES, find_active
from appliance.inference.session import Session, open_session

ROOT = Path(__file__).resolve().parents[2]
LENGTHS = (16, 60, 128, 256)
CALLERS = (1, 2, 4, 8)
STARTS = {"classifier": "gte-small", "sentiment": "minilm", "encoder": "minilm"}
LAYERS = {"classifier": 12, "sentiment": 6, "encoder": 6}
WIDTH, PEAK_SIDE = 384, 1024


def token_ids(length: int) -> list[int]:
    """Any words will do, between the two marks every text carries."""
    inner = np.random.default_rng(length).integers(1000, 20000, length - 2)
    return [101, *(int(number) for number in inner), 102]


def milliseconds(run: Callable[[], object], times: int) -> tuple[float, float]:
    """Median and 99th percentile, after two runs to warm up."""
    run(), run()
    spent = []
    for _ in range(times):
        started = time.perf_counter()
        run()
        spent.append(1000 * (time.perf_counter() - started))
    return float(np.median(spent)), float(np.percentile(spent, 99))


def sessions(models: Path, threads: int) -> dict[str, Session]:
    """The active bundles, opened as the appliance opens them."""
    found = {role: find_active(models, role) for role in ROLES}
    return {
        role: open_session(bundle.folder / "model.onnx", threads, role)
        for role, bundle in found.items()
    }


def torch_models(weights: Path | None) -> dict[str, Callable[[list[int]], object]]:
    """The same architectures in fp32; the values of the weights do not change the time."""
    if weights is None:
        return {}
    try:
        import torch
        from weights import load_distilbert, load_trunk
    except ImportError as error:
        print(f"PyTorch is left out: {error}")
        return {}

    def runner(model) -> Callable[[list[int]], object]:
        def run(ids: list[int]) -> object:
            with torch.inference_mode():
                row = torch.tensor([ids])
                return model(input_ids=row, attention_mask=torch.ones_like(row))

        return run

    loaded = {}
    for role in ROLES:
        load = load_distilbert if role == "sentiment" else load_trunk
        loaded[role] = runner(load(weights / STARTS[role])[0])
    return loaded


def sentence_transformer(weights: Path | None) -> Callable[[int], object] | None:
    """Embeds a text of so many tokens, as a program on sentence-transformers would; fp32."""
    if weights is None:
        return None
    try:
        from sentence_transformers import SentenceTransformer, models
    except ImportError as error:
        print(f"sentence-transformers is left out: {error}")
        return None
    body = models.Transformer(str(weights / STARTS["encoder"]), max_seq_length=512)
    parts = [body, models.Pooling(body.get_embedding_dimension()), models.Normalize()]
    model = SentenceTransformer(modules=parts, device="cpu")
    return lambda tokens: model.encode("printer " * (tokens - 2), show_progress_bar=False)


def set_torch_threads(threads: int) -> None:
    """Only where torch is loaded already."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)


def operations(role: str, tokens: int) -> float:
    """Multiplications and additions of one text through the layers' matrices."""
    per_token = 2 * 12 * WIDTH**2 + 4 * tokens * WIDTH
    return float(LAYERS[role] * per_token * tokens)


def peak(threads: int) -> float | None:
    """Operations per second of a 1,024-wide int8 product in onnxruntime; needs onnx."""
    try:
        import onnx
        import onnxruntime as ort
        from onnx import TensorProto, helper
    except ImportError:
        return None
    side = [PEAK_SIDE, PEAK_SIDE]
    weight = np.random.default_rng(1).integers(-64, 64, side, dtype=np.int8)
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["a", "b"], ["c"])],
        "peak",
        [helper.make_tensor_value_info("a", TensorProto.UINT8, side)],
        [helper.make_tensor_value_info("c", TensorProto.INT32, side)],
        [onnx.numpy_helper.from_array(weight, "b")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    session = ort.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    given = {"a": np.full(side, 7, np.uint8)}
    median, _ = milliseconds(lambda: session.run(None, given), 30)
    return 2 * PEAK_SIDE**3 / (median / 1000)


def latency_table(models: Path, weights: Path | None, times: int) -> list[str]:
    """One row for each bundle, number of threads and length; sums at 60 tokens; the peak."""
    lines = [
        "| bundle | threads | tokens | median ms | p99 ms | PyTorch fp32 ms | ratio "
        "| sentence-transformers ms | of peak |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    others, embedder = torch_models(weights), sentence_transformer(weights)
    for threads in (1, 2):
        top = peak(threads)
        set_torch_threads(threads)
        opened = sessions(models, threads)
        sums = {"own": 0.0, "torch": 0.0}
        for role in ROLES:
            for length in LENGTHS:
                ids = token_ids(length)
                median, slow = milliseconds(lambda s=opened[role], i=ids: s.run(i), times)
                torch_ms = library_ms = None
                if role in others:
                    torch_ms, _ = milliseconds(lambda r=others[role], i=ids: r(i), times)
                if role == "encoder" and embedder:
                    library_ms, _ = milliseconds(lambda n=length: embedder(n), times)
                share = f"{operations(role, length) / (median / 1000) / top:.0%}" if top else ""
                lines.append(
                    f"| {role} | {threads} | {length} | {median:.1f} | {slow:.1f} "
                    f"| {beside(median, torch_ms)} | {shown(library_ms)} | {share} |"
                )
                if length == 60:
                    sums["own"] += median
                    sums["torch"] += torch_ms or 0.0
        both = beside(sums["own"], sums["torch"] or None)
        lines.append(f"| all three | {threads} | 60 | {sums['own']:.1f} | | {both} | | |")
        if top:
            lines.append(f"| int8 peak, GOP/s | {threads} | | {top / 1e9:.0f} | | | | | |")
    return lines


def shown(value: float | None) -> str:
    """Milliseconds, or nothing."""
    return "" if value is None else f"{value:.1f}"


def beside(own: float, other: float | None) -> str:
    """Two cells: the other's milliseconds, and how many times faster we are."""
    return " | " if other is None else f"{other:.1f} | {other / own:.1f}"


def callers_table(models: Path, texts: int) -> list[str]:
    """Tickets of 60 tokens through all three by several threads of one process."""
    lines = ["| callers | tickets a second | median ms | p99 ms |", "|---|---|---|---|"]
    opened, ids = sessions(models, 1), token_ids(60)
    for callers in CALLERS:
        spent: list[float] = []

        def work(spent: list[float] = spent, each: int = texts // callers) -> None:
            for _ in range(each):
                started = time.perf_counter()
                for session in opened.values():
                    session.run(ids)
                spent.append(1000 * (time.perf_counter() - started))

        started = time.perf_counter()
        threads = [threading.Thread(target=work) for _ in range(callers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        rate = len(spent) / (time.perf_counter() - started)
        middle, slow = np.median(spent), np.percentile(spent, 99)
        lines.append(f"| {callers} | {rate:.0f} | {middle:.1f} | {slow:.1f} |")
    return lines


def resident_megabytes() -> float:
    """This process's resident memory now (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> None:
    """Print the tables; the memory is taken before anything else is loaded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, default=ROOT / "models")
    parser.add_argument("--weights", type=Path, help="what fetch_weights.py filled, for PyTorch")
    parser.add_argument("--times", type=int, default=30, help="runs of each kind")
    args = parser.parse_args()
    before = resident_megabytes()
    opened = sessions(args.models, 1)
    for session in opened.values():
        session.run(token_ids(256))
    added = resident_megabytes() - before
    print("\n".join(callers_table(args.models, 8 * args.times)), flush=True)
    print(f"\nMemory added by the three sessions: {added:.0f} MB\n", flush=True)
    print("\n".join(latency_table(args.models, args.weights, args.times)))


if __name__ == "__main__":
    main()
