"""Start the sandbox process for a bundle, and validate its reply."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, TypedDict

from django.conf import settings

from appliance.model_updates.errors import Step, UpdateRejectedError

MEMORY_MB = 6144  # of address space: onnxruntime maps far more than it uses
SECONDS = 120
MAX_REPLY_BYTES = 64 << 20
STEPS = {
    "load": Step.LOAD,
    "golden": Step.GOLDEN,
    "speed": Step.BUDGET,
    "predict": Step.EVALUATION,
}


class SandboxPredictions(TypedDict, total=False):
    """The outputs that were requested, one entry per text (``head``: per phrase)."""

    category: list[str | None]
    first: list[str | None]
    head: list[str | None]
    sentiment: list[str]
    vector: list[list[float]]


def run_in_sandbox(folder: Path, role: str, phases: list[str], texts: list[str]) -> dict[str, Any]:
    """Run the phases; returns their results, raises UpdateRejectedError for the one that failed."""
    task = {"folder": str(folder), "role": role, "phases": phases, "texts": texts}
    return _call(task, about=f"{folder.parent.name}/{folder.name}")


def predict_texts(
    folders: dict[str, Path],
    texts: list[str],
    labels: dict[str, str],
    outputs: list[str],
    phrases: list[str] | None = None,
) -> SandboxPredictions:
    """Predict ``outputs`` of the texts by these bundles, and "head" of the phrases.

    Raises UpdateRejectedError.
    """
    task = {
        "folders": {role: str(folder) for role, folder in folders.items()},
        "phases": ["predict"],
        "texts": texts,
        "labels": labels,
        "outputs": outputs,
        "phrases": phrases or [],
    }
    about = ", ".join(f"{folder.parent.name}/{folder.name}" for folder in folders.values())
    reply = _call(task, about=about, seconds=SECONDS + len(texts))
    predictions: SandboxPredictions = reply["predict"]
    return predictions


def _call(task: dict[str, Any], about: str, seconds: int = SECONDS) -> dict[str, Any]:
    task |= {"memory_mb": MEMORY_MB, "seconds": seconds}
    step = STEPS[task["phases"][0]]
    try:
        process = subprocess.run(
            [sys.executable, "-m", "appliance.model_updates.sandbox_worker"],
            input=json.dumps(task).encode(),
            capture_output=True,
            env=_environment(),
            cwd="/",
            timeout=2 * seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        text = f"{about} does not answer within {2 * seconds} s."
        raise UpdateRejectedError(step, text) from error
    if process.returncode or not 0 < len(process.stdout) <= MAX_REPLY_BYTES:
        raise UpdateRejectedError(step, f"{about} {_exit_reason(process)}")
    reply: dict[str, Any] = json.loads(process.stdout)
    if "failed" in reply:
        raise UpdateRejectedError(STEPS[reply["failed"]], reply["reason"])
    return reply


def _exit_reason(process: subprocess.CompletedProcess[bytes]) -> str:
    last = process.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
    if process.returncode < 0:
        return f"brought its process down (signal {-process.returncode}): {' '.join(last)[:200]}"
    return f"could not be tried: {' '.join(last)[:300] or 'no answer'}"


def _environment() -> dict[str, str]:
    """Return an environment without the installation's secrets and addresses."""
    return {
        "PATH": os.defpath,
        "PYTHONPATH": str(settings.CODE),
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "MALLOC_ARENA_MAX": "2",
        "OMP_NUM_THREADS": "1",
    }
