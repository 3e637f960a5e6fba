"""The signed list of a release bundle's files, checked before any of them is used.

``MANIFEST`` lists the sha256 and path of every file, ``MANIFEST.sig`` is its Ed25519 signature and
``publisher.pub`` the public key. A clone has none of the three and is not checked.
"""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from appliance.launcher import ed25519
from appliance.launcher.layout import Installation
from appliance.launcher.terminal import LauncherError

MANIFEST, SIGNATURE, PUBLISHER = "MANIFEST", "MANIFEST.sig", "publisher.pub"
OWN_FILES = {MANIFEST, SIGNATURE}
# Python and the launcher load any file in these folders, so an unlisted file is refused.
COMPLETE_FOLDERS = ("appliance", "models", "scripts", "static", "wheels")
CHUNK_BYTES = 1 << 20


def ensure_unchanged(installation: Installation) -> None:
    """Refuse an unpacked bundle with a changed, missing or additional file, and name it."""
    if not (installation.code / MANIFEST).exists():
        return
    digests = read_signed(installation.code, key=None)
    for path, digest in digests.items():
        ensure_digest(installation.code / path, path, digest)
    if unlisted := next(_unlisted_files(installation.code, set(digests)), None):
        raise LauncherError(
            f"{unlisted} is not part of this bundle: remove it, or unpack the bundle again."
        )


def read_signed(folder: Path, *, key: bytes | None) -> dict[str, str]:
    """Return path → sha256 after checking the signature against ``key``; None: the bundle's own."""
    content = _read(folder / MANIFEST)
    signature, own_key = _hex(folder / SIGNATURE), _hex(folder / PUBLISHER)
    if not ed25519.is_valid(key or own_key, content, signature):
        raise LauncherError(
            f"{folder / MANIFEST} is not signed by {'its publisher' if key is None else 'that key'}"
            ": fetch the bundle again, and compare the key with the one its publisher named."
        )
    return parse(content.decode())


def parse(text: str) -> dict[str, str]:
    """Return path → sha256 from the lines "digest  path" of a manifest."""
    digests = {}
    for line in text.splitlines():
        digest, _, path = line.partition("  ")
        if len(digest) != 64 or not path or path.startswith("/") or ".." in path.split("/"):
            raise LauncherError(f"{MANIFEST} holds a line that is invalid: {line[:120]!r}.")
        digests[path] = digest
    return digests


def ensure_digest(file: Path, path: str, digest: str) -> None:
    """Refuse a file with another sha256; ``path`` names it in the error."""
    try:
        actual = sha256_of(file)
    except OSError as error:
        raise LauncherError(
            f"{path} cannot be read ({error.strerror}): unpack the bundle again."
        ) from error
    if actual != digest:
        raise LauncherError(f"{path} is not the file that was signed: unpack the bundle again.")


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        for chunk in iter(lambda: stream.read(CHUNK_BYTES), b""):
            digest.update(chunk)
    return digest.hexdigest()


def _unlisted_files(folder: Path, listed: set[str]) -> Iterator[str]:
    for top in COMPLETE_FOLDERS:
        for where, folders, names in os.walk(folder / top):
            folders[:] = [name for name in folders if name != "__pycache__"]
            for name in names:
                path = (Path(where) / name).relative_to(folder).as_posix()
                if path not in listed:
                    yield path


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise LauncherError(
            f"{path} cannot be read ({error.strerror}): unpack the bundle again."
        ) from error


def _hex(path: Path) -> bytes:
    try:
        return bytes.fromhex(_read(path).decode().strip())
    except ValueError as error:
        raise LauncherError(f"{path} is damaged: unpack the bundle again.") from error
