"""Starts the child that tries a bundle, and reads its answer with suspicion."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from django.conf import settings

from appliance.model_updates.errors import Step, UpdateRejectedError

MEMORY_MB = 6144  # of address space: onnxruntime maps far more than it touches
SECONDS = 120
MAX_ANSWER_BYTES = 64 << 20
STEPS = {"load": Step.LOAD, "golden": Step.GOLDEN, "speed": Step.BUDGET, "read": Step.EVALUATION}


def run_in_sandbox(folder: Path, role: str, phases: list[str], texts: list[str]) -> dict[str, Any]:
    """What each phase found; raises UpdateRefusedError naming the step of the one that failed."""
    task = {"folder": str(folder), "role": role, "phases": phases, "texts": texts}
    return _call(task, about=f"{folder.parent.name}/{folder.name}")


def predict_texts(
    folders: dict[str, Path],
    texts: list[str],
    labels: dict[str, str],
    ask: list[str],
    phrases: list[str] | None = None,
) -> dict[str, list]:
    """What these bundles say of the texts, by what was asked ("head" reads the phrases); raises
    UpdateRefusedError.
    """
    task = {
        "folders": {role: str(folder) for role, folder in folders.items()},
        "phases": ["read"],
        "texts": texts,
        "labels": labels,
        "ask": ask,
        "phrases": phrases or [],
    }
    about = ", ".join(f"{f.parent.name}/{f.name}" for f in folders.values())
    return _call(task, about=about, seconds=SECONDS + len(texts))["read"]


def _call(task: dict[str, Any], about: str, seconds: int = SECONDS) -> dict[str, Any]:
    task |= {"memory_mb": MEMORY_MB, "seconds": seconds}
    step = STEPS[task["phases"][0]]
    try:
        done = subprocess.run(
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
    if done.returncode or not 0 < len(done.stdout) <= MAX_ANSWER_BYTES:
        raise UpdateRejectedError(step, f"{about} {_exit_reason(done)}")
    answer = json.loads(done.stdout)
    if "failed" in answer:
        raise UpdateRejectedError(STEPS[answer["failed"]], answer["why"])
    return answer


def _exit_reason(done: subprocess.CompletedProcess) -> str:
    last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
    if done.returncode < 0:
        return f"brought its process down (signal {-done.returncode}): {' '.join(last)[:200]}"
    return f"could not be tried: {' '.join(last)[:300] or 'no answer'}"


def _environment() -> dict[str, str]:
    """Nothing of the desk's: no secret, no address."""
    return {
        "PATH": os.defpath,
        "PYTHONPATH": str(settings.CODE),
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "MALLOC_ARENA_MAX": "2",
        "OMP_NUM_THREADS": "1",
    }
