"""Tries a bundle that nobody has run yet, in a process of its own: ``python -m
…updates.sandbox_worker``.

One JSON task on standard input, one JSON answer on standard output. Without the desk's secrets,
without its database, without a network where the kernel lets us close it, under limits of memory,
processor time and file size. It ends when whoever started it ends.
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
    """Set the limits; whether the network could be closed, too. Before anything is imported."""
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
    """Open the model without running it."""
    from appliance.inference.bundle import describe, verify_files
    from appliance.inference.session import open_session

    bundle = describe(folder, role)
    verify_files(bundle)
    open_session(folder / "model.onnx", 1, f"{bundle.ref.name}/{bundle.ref.version}")
    return {"digest": bundle.ref.digest}


def check_reference_outputs(folder: Path, role: str) -> dict[str, Any]:
    """The recorded texts give the recorded outputs."""
    from appliance.inference.bundle import describe
    from appliance.inference.session import LoadedBundle

    bundle = describe(folder, role)
    LoadedBundle(bundle, threads=1)
    return {"texts": len(bundle.read_json("golden.json")["cases"])}


def measure_speed(folder: Path, role: str, texts: list[str]) -> dict[str, Any]:
    """The quickest of a few rounds over the texts, and the memory it took to get here."""
    from appliance.inference.bundle import describe
    from appliance.inference.session import LoadedBundle

    reader = LoadedBundle(describe(folder, role), threads=1)
    quickest = float("inf")
    for _ in range(SPEED_ROUNDS):
        started = time.process_time()
        for text in texts:
            reader.run(text)
        quickest = min(quickest, time.process_time() - started)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"ms": 1000 * quickest / max(len(texts), 1), "memory_mb": peak}


def predict(folders: dict[str, Path], task: dict[str, Any]) -> dict[str, Any]:
    """What these bundles together say of each text; ``ask`` names what is wanted."""
    from appliance.inference.engine import Engine

    engine, ask, answers = Engine.from_folders(folders, threads=1), task["ask"], {}
    texts, labels = task["texts"], task["labels"]
    if "category" in ask:
        predictions = [engine.classify(text, labels) for text in texts]
        answers["category"] = [answer.label for answer in predictions]
        answers["first"] = [
            answer.scores[0][0] if answer.scores else None for answer in predictions
        ]
    if "head" in ask:
        answers["head"] = [
            engine.classify_with_head(text, list(labels)) for text in task["phrases"]
        ]
    if "sentiment" in ask:
        answers["sentiment"] = [engine.classify_sentiment(text).label for text in texts]
    if "vector" in ask:
        answers["vector"] = [[round(float(x), 5) for x in engine.embed(text)] for text in texts]
    return answers


def run_step(task: dict[str, Any]) -> dict[str, Any]:
    """Phase by phase; a refusal names the phase it came in."""
    from appliance.inference.bundle import InferenceError

    done: dict[str, Any] = {}
    for phase in task["phases"]:
        try:
            if phase == "read":
                folders = {role: Path(folder) for role, folder in task["folders"].items()}
                done[phase] = predict(folders, task)
                continue
            folder, role = Path(task["folder"]), task["role"]
            verbs = {"load": load, "golden": check_reference_outputs}
            more = [task["texts"]] if phase == "speed" else []
            done[phase] = verbs.get(phase, measure_speed)(folder, role, *more)
        except InferenceError as error:
            return {**done, "failed": phase, "why": str(error)}
        except MemoryError:
            return {**done, "failed": phase, "why": "It asks for more memory than a bundle may."}
        except Exception as error:  # onnxruntime and tokenizers raise what they like
            return {**done, "failed": phase, "why": f"{type(error).__name__}: {str(error)[:300]}"}
    return done


def main() -> None:
    task = json.load(sys.stdin)
    is_closed = enter_sandbox(memory_mb=task["memory_mb"], seconds=task["seconds"])
    answer = {**run_step(task), "network_closed": is_closed}
    sys.stdout.write(json.dumps(answer))
    sys.stdout.flush()
    os._exit(0)  # what a model left running does not hold us up


if __name__ == "__main__":
    main()
