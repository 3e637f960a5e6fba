"""Small file habits of the box: private directories, files written whole or not at all."""

import json
import os
import secrets
from pathlib import Path
from typing import Any


def ensure_private_dir(path: Path) -> None:
    """A directory of mode 0700 that belongs to whoever runs this."""
    path.mkdir(mode=0o700, exist_ok=True)
    if path.stat().st_mode & 0o077:
        path.chmod(0o700)


def write_private(path: Path, content: str) -> None:
    """Write a 0600 file so that a power cut leaves the old content or the new, never half."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)
    sync_dir(path.parent)


def ensure_content(path: Path, content: str) -> None:
    """Write the file only when it says something else."""
    if read_text(path) != content:
        write_private(path, content)


def sync_dir(path: Path) -> None:
    """Make renames in this directory survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_text(path: Path) -> str | None:
    """The content, or None when the file is not there."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file; empty when the file is missing or torn."""
    try:
        value = json.loads(read_text(path) or "{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
