#!/usr/bin/env python3
"""Compare the speed of the three bundles with PyTorch fp32 and sentence-transformers, in one run.

    python scripts/bench/inference.py --weights WEIGHTS

It prints tables: milliseconds by length and threads, concurrent callers, memory, and the share of
the int8 matrix peak measured on the same machine. Without torch (extra ``models``) or --weights the
columns of the other libraries are empty. sentence-transformers also tokenizes the text. Run it on a
quiet machine; on a busy one only the ratios are meaningful.
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

import _environment  # noqa: F401
import numpy as np
from processor import instruction_set

from appliance.inference.bundle import ROLES, find_active
from appliance.inference.session import Session, open_session

ROOT = Path(__file__).resolve().parents[2]
LENGTHS = (16, 60, 128, 256)
CALLERS = (1, 2, 4, 8)
START_WEIGHTS = "e5-small"  # folder below --weights, of all three models
LAYERS = 12
WIDTH, PEAK_SIDE = 384, 1024


def token_ids(length: int) -> list[int]:
    """Return random token ids between the two special tokens of every text."""
    inner = np.random.default_rng(length).integers(1000, 20000, length - 2)
    return [101, *(int(number) for number in inner), 102]


def milliseconds(run: Callable[[], object], count: int) -> tuple[float, float]:
    """Return median and 99th percentile of ``count`` runs, after two warm-up runs."""
    run(), run()
    times = []
    for _ in range(count):
        started = time.perf_counter()
        run()
        times.append(1000 * (time.perf_counter() - started))
    return float(np.median(times)), float(np.percentile(times, 99))


def sessions(models: Path, threads: int) -> dict[str, Session]:
    """Open the active bundles as the application does."""
    bundles = {role: find_active(models, role) for role in ROLES}
    return {
        role: open_session(bundle.folder / "model.onnx", threads, role)
        for role, bundle in bundles.items()
    }


def torch_models(weights: Path | None) -> dict[str, Callable[[list[int]], object]]:
    """Return role → function that runs the same architecture in PyTorch fp32.

    The values of the weights do not change the time.
    """
    if weights is None:
        return {}
    try:
        import torch
        from weights import load_distilbert, load_trunk
    except ImportError as error:
        print(f"PyTorch is skipped: {error}")
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
        loaded[role] = runner(load(weights / START_WEIGHTS)[0])
    return loaded


def sentence_transformer(weights: Path | None) -> Callable[[int], object] | None:
    """Return a function that embeds a text of n tokens with sentence-transformers in fp32."""
    if weights is None:
        return None
    try:
        from sentence_transformers import SentenceTransformer, models
    except ImportError as error:
        print(f"sentence-transformers is skipped: {error}")
        return None
    body = models.Transformer(str(weights / START_WEIGHTS), max_seq_length=512)
    parts = [body, models.Pooling(body.get_embedding_dimension()), models.Normalize()]
    model = SentenceTransformer(modules=parts, device="cpu")
    return lambda tokens: model.encode("printer " * (tokens - 2), show_progress_bar=False)


def set_torch_threads(threads: int) -> None:
    """Set the number of threads if torch is loaded."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)


def operations(tokens: int) -> float:
    """Return the number of multiplications and additions of one text in the matrix products."""
    per_token = 2 * 12 * WIDTH**2 + 4 * tokens * WIDTH
    return float(LAYERS * per_token * tokens)


def peak(threads: int) -> float | None:
    """Return the operations per second of a 1,024-wide int8 product, or None without onnx."""
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
    inputs = {"a": np.full(side, 7, np.uint8)}
    median, _ = milliseconds(lambda: session.run(None, inputs), 30)
    return 2 * PEAK_SIDE**3 / (median / 1000)


def latency_table(models: Path, weights: Path | None, count: int) -> list[str]:
    """Return the table of bundles, threads and lengths, with sums at 60 tokens and the peak."""
    lines = [
        f"| bundle | threads | tokens | median ms, {instruction_set()} | p99 ms "
        "| PyTorch fp32 ms | ratio | sentence-transformers ms | of peak |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    torch_runs, embedder = torch_models(weights), sentence_transformer(weights)
    for threads in (1, 2):
        peak_rate = peak(threads)
        set_torch_threads(threads)
        open_sessions = sessions(models, threads)
        sums = {"own": 0.0, "torch": 0.0}
        for role in ROLES:
            for length in LENGTHS:
                ids = token_ids(length)
                median, slow = milliseconds(lambda s=open_sessions[role], i=ids: s.run(i), count)
                torch_ms = library_ms = None
                if role in torch_runs:
                    torch_ms, _ = milliseconds(lambda r=torch_runs[role], i=ids: r(i), count)
                if role == "encoder" and embedder:
                    library_ms, _ = milliseconds(lambda n=length: embedder(n), count)
                share = (
                    f"{operations(length) / (median / 1000) / peak_rate:.0%}" if peak_rate else ""
                )
                lines.append(
                    f"| {role} | {threads} | {length} | {median:.1f} | {slow:.1f} "
                    f"| {compared(median, torch_ms)} | {milliseconds_cell(library_ms)} | {share} |"
                )
                if length == 60:
                    sums["own"] += median
                    sums["torch"] += torch_ms or 0.0
        torch_cells = compared(sums["own"], sums["torch"] or None)
        lines.append(f"| all three | {threads} | 60 | {sums['own']:.1f} | | {torch_cells} | | |")
        if peak_rate:
            lines.append(f"| int8 peak, GOP/s | {threads} | | {peak_rate / 1e9:.0f} | | | | | |")
    return lines


def milliseconds_cell(value: float | None) -> str:
    """Return the cell of a duration, empty if it was not measured."""
    return "" if value is None else f"{value:.1f}"


def compared(own: float, torch_ms: float | None) -> str:
    """Return two cells: milliseconds of PyTorch, and their ratio to the bundle."""
    return " | " if torch_ms is None else f"{torch_ms:.1f} | {torch_ms / own:.1f}"


def callers_table(models: Path, texts: int) -> list[str]:
    """Return the table of concurrent callers: tickets of 60 tokens through all three bundles."""
    name = instruction_set()
    lines = [f"| callers | tickets per second | median ms, {name} | p99 ms |", "|---|---|---|---|"]
    open_sessions, ids = sessions(models, 1), token_ids(60)
    for callers in CALLERS:
        times: list[float] = []

        def work(times: list[float] = times, each: int = texts // callers) -> None:
            for _ in range(each):
                started = time.perf_counter()
                for session in open_sessions.values():
                    session.run(ids)
                times.append(1000 * (time.perf_counter() - started))

        started = time.perf_counter()
        threads = [threading.Thread(target=work) for _ in range(callers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        rate = len(times) / (time.perf_counter() - started)
        median, slow = np.median(times), np.percentile(times, 99)
        lines.append(f"| {callers} | {rate:.0f} | {median:.1f} | {slow:.1f} |")
    return lines


def resident_megabytes() -> float:
    """Return the resident memory of this process (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> None:
    """Print the tables; the memory is measured before other libraries are loaded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, default=ROOT / "models", help="folder of bundles")
    parser.add_argument("--weights", type=Path, help="folder filled by fetch_weights.py")
    parser.add_argument("--times", type=int, default=30, help="runs of each kind")
    args = parser.parse_args()
    before = resident_megabytes()
    open_sessions = sessions(args.models, 1)
    for session in open_sessions.values():
        session.run(token_ids(256))
    added = resident_megabytes() - before
    print("\n".join(callers_table(args.models, 8 * args.times)), flush=True)
    print(f"\nMemory added by the three sessions: {added:.0f} MB\n", flush=True)
    print("\n".join(latency_table(args.models, args.weights, args.times)))


if __name__ == "__main__":
    main()
