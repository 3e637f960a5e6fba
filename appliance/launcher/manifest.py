"""What a bundle says of its own files, checked before any of them is used.

``MANIFEST`` lists the sha256 and path of every file, ``MANIFEST.sig`` is its Ed25519 signature and
``publisher.pub`` the key it was made with. A clone has none of the three and is not checked.
"""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from appliance.launcher import ed25519
from appliance.launcher.errors import LauncherError
from appliance.launcher.layout import Installation

MANIFEST, SIGNATURE, PUBLISHER = "MANIFEST", "MANIFEST.sig", "publisher.pub"
ABOUT_ITSELF = {MANIFEST, SIGNATURE}
# Here Python or the launcher takes whatever lies there, so nothing may lie there unlisted.
CLOSED = ("appliance", "models", "scripts", "static", "wheels")
CHUNK = 1 << 20


def ensure_whole(installation: Installation) -> None:
    """Every file of an unpacked bundle is the one that was signed. Names the first that is not."""
    if not (installation.code / MANIFEST).exists():
        return
    listed = read_signed(installation.code, key=None)
    for path, digest in listed.items():
        ensure_same(installation.code / path, path, digest)
    if stranger := next(_unlisted(installation.code, set(listed)), None):
        raise LauncherError(
            f"{stranger} is not part of this bundle: remove it, or unpack the bundle again."
        )


def read_signed(folder: Path, *, key: bytes | None) -> dict[str, str]:
    """Path → sha256, once the signature holds. ``key`` is to be trusted; None: the bundle's own."""
    content = _read(folder / MANIFEST)
    signature, own_key = _hex(folder / SIGNATURE), _hex(folder / PUBLISHER)
    if not ed25519.is_valid(key or own_key, content, signature):
        raise LauncherError(
            f"{folder / MANIFEST} is not signed by {'its publisher' if key is None else 'that key'}"
            ": fetch the bundle again, and compare the key with the one its publisher named."
        )
    return parse(content.decode())


def parse(text: str) -> dict[str, str]:
    """The lines "digest  path" of a manifest."""
    listed = {}
    for line in text.splitlines():
        digest, _, path = line.partition("  ")
        if len(digest) != 64 or not path or path.startswith("/") or ".." in path.split("/"):
            raise LauncherError(f"{MANIFEST} holds a line that cannot be: {line[:120]!r}.")
        listed[path] = digest
    return listed


def ensure_same(file: Path, path: str, digest: str) -> None:
    try:
        actual = sha256_of(file)
    except OSError as error:
        raise LauncherError(
            f"{path} cannot be read ({error.strerror}): unpack the bundle again."
        ) from (error)
    if actual != digest:
        raise LauncherError(f"{path} is not the file that was signed: unpack the bundle again.")


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        for block in iter(lambda: stream.read(CHUNK), b""):
            digest.update(block)
    return digest.hexdigest()


def _unlisted(folder: Path, listed: set[str]) -> Iterator[str]:
    for top in CLOSED:
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
        ) from (error)


def _hex(path: Path) -> bytes:
    try:
        return bytes.fromhex(_read(path).decode().strip())
    except ValueError as error:
        raise LauncherError(f"{path} is damaged: unpack the bundle again.") from error
