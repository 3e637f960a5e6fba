"""Private directories, and files that are written completely or not at all."""

import json
import os
import secrets
from pathlib import Path
from typing import Any


def ensure_private_dir(path: Path) -> None:
    """Create a directory of mode 0700 of the current user, or correct its mode."""
    path.mkdir(mode=0o700, exist_ok=True)
    if path.stat().st_mode & 0o077:
        path.chmod(0o700)


def write_private(path: Path, content: str) -> None:
    """Write a file of mode 0600 atomically: after a power cut it has the old or new content."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)
    sync_dir(path.parent)


def ensure_content(path: Path, content: str) -> None:
    """Write the file unless it has this content."""
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
    """Return the content of the file; None when it does not exist."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file; empty when the file is missing or damaged."""
    try:
        content = json.loads(read_text(path) or "{}")
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
