"""The parts of an e-mail (RFC 2045), found by offsets: nothing is copied until it is needed."""

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath

from appliance.mail.parsing import charsets
from appliance.mail.parsing.headers import (
    Headers,
    Parameters,
    decode_base64,
    parse_headers,
)
from appliance.mail.parsing.limits import MAX_BOUNDARY, MAX_DEPTH, MAX_PARTS

DEFAULT_TYPE = "text/plain"


@dataclass
class Budget:
    """How many parts may still be read, and whether some were left out."""

    parts: int = MAX_PARTS
    is_exceeded: bool = False


@dataclass(frozen=True)
class Part:
    """A part with its headers; ``parts`` are the parts in it, none for text or a file."""

    data: bytes = field(repr=False)
    start: int
    end: int
    headers: Headers
    parts: tuple["Part", ...] = ()
    default_type: str = DEFAULT_TYPE

    @cached_property
    def parameters(self) -> Parameters:
        return self.headers.parameters("content-type")

    @cached_property
    def content_type(self) -> str:
        value = self.parameters.value
        if not re.fullmatch(r"[\w.+-]{1,60}/[\w.+-]{1,60}", value, re.ASCII):
            return self.default_type
        if value.startswith("multipart/") and not self.parts:
            return DEFAULT_TYPE
        return value

    @cached_property
    def disposition(self) -> Parameters:
        return self.headers.parameters("content-disposition")

    @cached_property
    def file_name(self) -> str:
        name = self.disposition.get("filename") or self.parameters.get("name")
        return PurePosixPath(name.replace("\\", "/")).name.strip()[:200]

    @cached_property
    def content_id(self) -> str:
        return self.headers.get("content-id").strip(" <>")[:200]

    @property
    def is_attachment(self) -> bool:
        return self.disposition.value == "attachment"

    @property
    def encoded_size(self) -> int:
        return self.end - self.start

    @property
    def encoding(self) -> str:
        return self.headers.get("content-transfer-encoding").strip().lower()[:20]

    @property
    def size(self) -> int:
        """The approximate number of bytes after decoding."""
        return self.encoded_size * 3 // 4 if self.encoding == "base64" else self.encoded_size

    def content(self, max_bytes: int | None = None) -> bytes:
        """Return the decoded content, or about its first ``max_bytes``."""
        end = self.end
        if max_bytes is not None:
            factor = {"base64": 1.4, "quoted-printable": 3}.get(self.encoding, 1)
            end = min(end, self.start + int(max_bytes * factor))
        data = self.data[self.start : end]
        if self.encoding == "base64":
            data = decode_base64(data)
        elif self.encoding == "quoted-printable":
            data = binascii.a2b_qp(data)
        return data if max_bytes is None else data[:max_bytes]

    def text(self, max_bytes: int) -> str:
        """Return the content as text with LF as line end, without control characters."""
        text = charsets.decode(self.content(max_bytes), self.parameters.get("charset"))
        return text.replace("\r\n", "\n").replace("\r", "\n")

    def walk(self) -> Iterator["Part"]:
        yield self
        for part in self.parts:
            yield from part.walk()


def read_part(data: bytes, budget: Budget, depth: int = 0) -> Part:
    """Read an e-mail, or what stands in its place inside of a signed one."""
    return _read(data, 0, len(data), DEFAULT_TYPE, budget, depth)


def _read(data: bytes, start: int, end: int, default_type: str, budget: Budget, depth: int) -> Part:
    budget.parts -= 1
    headers, body_start = parse_headers(data, start, end)
    parameters = headers.parameters("content-type")
    parts: tuple[Part, ...] = ()
    if parameters.value.startswith("multipart/"):
        child_type = "message/rfc822" if parameters.value == "multipart/digest" else DEFAULT_TYPE
        parts = tuple(_read_children(data, body_start, end, parameters, child_type, budget, depth))
    return Part(data, body_start, end, headers, parts, default_type)


def _read_children(
    data: bytes,
    start: int,
    end: int,
    parameters: Parameters,
    child_type: str,
    budget: Budget,
    depth: int,
) -> Iterator[Part]:
    for child_start, child_end in _split(data, start, end, parameters.get("boundary")):
        if depth >= MAX_DEPTH or budget.parts <= 0:
            budget.is_exceeded = True
            return
        yield _read(data, child_start, child_end, child_type, budget, depth + 1)


def _split(data: bytes, start: int, end: int, boundary: str) -> Iterator[tuple[int, int]]:
    """Yield where each part begins and ends; a part may lack the boundary after it."""
    marker = boundary.rstrip().encode("utf-8", "replace")
    if not 0 < len(marker) <= MAX_BOUNDARY:
        return
    line = re.compile(rb"^--" + re.escape(marker) + rb"(--)?[ \t]{0,100}\r?(?:\n|\Z)", re.MULTILINE)
    part_start = None
    for match in line.finditer(data, start, end):
        if part_start is not None:
            yield part_start, _before_line_end(data, part_start, match.start())
        part_start = match.end()
        if match[1]:
            return
    if part_start is not None:
        yield part_start, end


def _before_line_end(data: bytes, start: int, end: int) -> int:
    """Return the end without the line end that belongs to the boundary after it."""
    if end > start and data[end - 1 : end] == b"\n":
        end -= 1
        if end > start and data[end - 1 : end] == b"\r":
            end -= 1
    return end
