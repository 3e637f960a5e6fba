"""Write a bundle: files, golden outputs, digests."""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data import sha256_of

from appliance.inference.bundle import (
    ENGLISH_MODEL,
    ENGLISH_TOKENIZER,
    FROZEN_HEAD,
    REQUIRED_FILES,
)
from appliance.inference.session import open_models

# short, long, terse, in capitals, with an error code, nearly empty, in other languages
GOLDEN_TEXTS = (
    "I can't sign in since this morning, it says my account is locked.",
    "printer 2nd floor jams again pls help",
    "Thank you so much, the new laptop works perfectly!",
    "This is the THIRD time I ask. Nobody answers and I am losing my patience.",
    "VPN drops every ten minutes with error 809 when I work from home. Wi-Fi itself is fine, "
    "other sites load, and my colleague in the same building does not see it. I have restarted "
    "the router and reinstalled the client, and the log shows a time-out after phase two.",
    "ok",
    "Der Drucker im Erdgeschoss druckt seit heute früh nur leere Seiten.",
    "Je n'arrive plus à ouvrir la pièce jointe, le message dit « accès refusé ».",
    "Od wczoraj nie mogę się zalogować do systemu magazynowego.",
)


def write_bundle(
    folder: Path,
    model: Path,
    tokenizer: Path,
    settings: Mapping[str, Any],
    labels: Mapping[str, str],
    atol: float,
    extra: Mapping[str, bytes] | None = None,
) -> None:
    """Write every file of a bundle except the card, whose scores are measured afterwards.

    ``atol`` is the tolerance of the golden outputs; ``extra`` holds further files by name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in (extra or {}).items():
        (folder / name).write_bytes(content)
    shutil.copyfile(model, folder / "model.onnx")
    write_json(folder / "tokenizer.json", plain(json.loads(tokenizer.read_text(encoding="utf-8"))))
    write_json(folder / "labels.json", labels)
    write_json(folder / "golden.json", _golden(folder, settings["max_tokens"], atol))
    write_settings(folder, settings)


def write_settings(folder: Path, settings: Mapping[str, Any]) -> None:
    """Write bundle.json with the sha256 of the other files."""
    names = [*REQUIRED_FILES, FROZEN_HEAD, ENGLISH_MODEL, ENGLISH_TOKENIZER]
    files = {name: sha256_of(folder / name) for name in names if (folder / name).exists()}
    write_json(folder / "bundle.json", {**settings, "files": files})


def plain(tokenizer: dict) -> dict:
    """Return the tokenizer without truncation and padding, which ``TextTokenizer`` sets itself."""
    return {**tokenizer, "truncation": None, "padding": None}


def activate(models: Path, role: str, entry: str) -> None:
    """Set the active bundle ("name/version") of one role in active.json, atomically."""
    path = models / "active.json"
    active = json.loads(path.read_text()) if path.exists() else {}
    write_json(models / "active.json.new", {**active, role: entry})
    os.replace(models / "active.json.new", path)


def write_json(path: Path, value: object) -> None:
    """Write indented JSON; a tokenizer stays on one line, its vocabulary would fill 30,000."""
    indent = None if "tokenizer" in path.name else 1
    path.write_text(json.dumps(value, indent=indent, ensure_ascii=False) + "\n", encoding="utf-8")


def _golden(folder: Path, max_tokens: int, atol: float) -> dict:
    """Return the golden outputs of the finished files, each text processed alone."""
    has_english = (folder / ENGLISH_MODEL).exists()
    model_for = open_models(folder, max_tokens, 1, has_english=has_english)
    cases = []
    for text in GOLDEN_TEXTS:
        model = model_for(text)
        numbers = [round(float(value), 5) for value in model.run(text)]
        cases.append({"text": text, "ids": model.tokenizer.ids(text), "output": numbers})
    return {"atol": atol, "cases": cases}
