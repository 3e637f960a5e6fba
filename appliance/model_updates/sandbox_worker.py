"""The sandbox process for an untrusted bundle, started with ``python -m``.

One JSON task on standard input, one JSON reply on standard output. It has no secrets and no
database, no network where the kernel allows that, and limits of memory, processor time and file
size. It ends with its parent process.
"""

import ctypes
import json
import os
import resource
import signal
import sys
import time
from pathlib import Path
from typing import Any

MB = 1 << 20
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38
SPEED_ROUNDS = 5


def enter_sandbox(*, memory_mb: int, seconds: int) -> bool:
    """Set the limits before any import. Whether the network could be closed."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    is_closed = libc.unshare(CLONE_NEWNET) == 0 or libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0
    resource.setrlimit(resource.RLIMIT_AS, (memory_mb * MB, memory_mb * MB))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    return is_closed


def load(folder: Path, role: str) -> dict[str, Any]:
    """Open the models without running them."""
    from appliance.inference.bundle import describe, verify_files
    from appliance.inference.session import open_session

    bundle = describe(folder, role)
    verify_files(bundle)
    for name in bundle.model_files:
        open_session(folder / name, 1, f"{bundle.ref.name}/{bundle.ref.version}")
    return {"digest": bundle.ref.digest}


def check_reference_outputs(folder: Path, role: str) -> dict[str, Any]:
    """Check that the golden texts give the golden outputs."""
    from appliance.inference.bundle import describe
    from appliance.inference.session import LoadedBundle

    bundle = describe(folder, role)
    LoadedBundle(bundle, threads=1)
    return {"texts": len(bundle.read_json("golden.json")["cases"])}


def measure_speed(folder: Path, role: str, texts: list[str]) -> dict[str, Any]:
    """Measure the fastest of a few rounds over the texts, and the peak memory so far."""
    from appliance.inference.bundle import describe
    from appliance.inference.session import LoadedBundle

    loaded = LoadedBundle(describe(folder, role), threads=1)
    fastest = float("inf")
    for _ in range(SPEED_ROUNDS):
        started_at = time.process_time()
        for text in texts:
            loaded.run(text)
        fastest = min(fastest, time.process_time() - started_at)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"ms": 1000 * fastest / max(len(texts), 1), "memory_mb": peak}


def predict(folders: dict[str, Path], task: dict[str, Any]) -> dict[str, Any]:
    """Predict the requested outputs of each text by these bundles together."""
    from appliance.inference.engine import Engine

    engine, outputs = Engine.from_folders(folders, threads=1), task["outputs"]
    texts, labels = task["texts"], task["labels"]
    results: dict[str, Any] = {}
    if "category" in outputs:
        predictions = [engine.classify(text, labels) for text in texts]
        results["category"] = [prediction.label for prediction in predictions]
        results["first"] = [
            prediction.scores[0][0] if prediction.scores else None for prediction in predictions
        ]
    if "head" in outputs:
        names = list(labels)
        results["head"] = [engine.classify_with_head(text, names) for text in task["phrases"]]
    if "sentiment" in outputs:
        results["sentiment"] = [engine.classify_sentiment(text).label for text in texts]
    if "vector" in outputs:
        results["vector"] = [
            [round(float(number), 5) for number in engine.embed(text)] for text in texts
        ]
    return results


def run_task(task: dict[str, Any]) -> dict[str, Any]:
    """Run the phases of a task; the reply names the one that failed."""
    from appliance.inference.bundle import InferenceError

    results: dict[str, Any] = {}
    for phase in task["phases"]:
        try:
            results[phase] = run_phase(phase, task)
        except InferenceError as error:
            return {**results, "failed": phase, "reason": str(error)}
        except MemoryError:
            reason = "It needs more memory than is allowed."
            return {**results, "failed": phase, "reason": reason}
        except Exception as error:  # onnxruntime and tokenizers share no base class of errors
            reason = f"{type(error).__name__}: {str(error)[:300]}"
            return {**results, "failed": phase, "reason": reason}
    return results


def run_phase(phase: str, task: dict[str, Any]) -> dict[str, Any]:
    if phase == "predict":
        folders = {role: Path(folder) for role, folder in task["folders"].items()}
        return predict(folders, task)
    folder, role = Path(task["folder"]), task["role"]
    if phase == "load":
        return load(folder, role)
    if phase == "golden":
        return check_reference_outputs(folder, role)
    return measure_speed(folder, role, task["texts"])


def main() -> None:
    task = json.load(sys.stdin)
    is_closed = enter_sandbox(memory_mb=task["memory_mb"], seconds=task["seconds"])
    reply = {**run_task(task), "network_closed": is_closed}
    sys.stdout.write(json.dumps(reply))
    sys.stdout.flush()
    os._exit(0)  # do not wait for threads of the model


if __name__ == "__main__":
    main()
