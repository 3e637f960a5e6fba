"""What the people of the demo desk send along, drawn and written here."""

import struct
import zlib

from django.core.files.uploadedfile import SimpleUploadedFile

WIDTH, HEIGHT = 360, 120
TEXTS = {
    "panel.txt": "11:04 LINK SAT\n11:05 MANIFEST queued 188\n11:06 MANIFEST retry 1\n"
    "11:16 MANIFEST retry 2\n11:29 MANIFEST retry 3, held\n",
    "puffin-export.txt": "Puffin 5.2 export\nTraceback: line 812 in write_batch\n"
    "KeyError: 'unit' in result 48 of 130\nnothing written\n",
}


def make_file(name: str) -> SimpleUploadedFile:
    if name == "wristband":
        return SimpleUploadedFile("wristband.png", _wristband(), "image/png")
    return SimpleUploadedFile(name, TEXTS[name].encode(), "text/plain")


def _wristband() -> bytes:
    """A band whose bars stop half-way, as the printer left it."""
    rows = (_bars(y) if 30 <= y < 90 else bytes([235]) * WIDTH for y in range(HEIGHT))
    return _png(b"".join(b"\0" + row for row in rows))


def _bars(y: int) -> bytes:
    reach = WIDTH - 40 - 3 * abs(60 - y)  # torn off slantwise
    return bytes(40 if 30 < x < reach and x * x % 23 < 9 else 235 for x in range(WIDTH))


def _png(rows: bytes) -> bytes:
    """Eight bits of grey a dot."""
    head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 0, 0, 0, 0)
    parts = (b"IHDR", head), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
