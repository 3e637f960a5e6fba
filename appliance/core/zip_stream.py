"""A ZIP file written while it is sent, so that its size never has to fit into memory."""

import zipfile
from collections.abc import Iterable, Iterator

Entry = tuple[str, Iterable[bytes]]  # name inside the archive, content


class _Buffer:
    """A write-only file object that keeps what was written until it is taken."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._chunks.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Do nothing: a ZipFile asks for it."""

    def close(self) -> None:
        """Do nothing: there is nothing to release."""

    def take(self) -> bytes:
        content, self._chunks = b"".join(self._chunks), []
        return content


def stream_zip(entries: Iterable[Entry]) -> Iterator[bytes]:
    """Yield the bytes of a compressed ZIP of ``entries``; each content is read only once."""
    buffer = _Buffer()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, chunks in entries:
            with archive.open(name, "w", force_zip64=True) as entry:
                for chunk in chunks:
                    entry.write(chunk)
                    yield buffer.take()
    yield buffer.take()
