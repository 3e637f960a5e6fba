"""Headers of an e-mail or of one of its parts: found, decoded and taken apart in bounded time."""

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import unquote_to_bytes

from appliance.core.clean_text import clean_email, clean_line, clean_text
from appliance.mail.parsing import charsets
from appliance.mail.parsing.limits import (
    MAX_ADDRESSES,
    MAX_ENCODED_WORDS,
    MAX_HEADER_BYTES,
    MAX_HEADERS,
    MAX_ID_LENGTH,
    MAX_LINE_LENGTH,
    MAX_MESSAGE_IDS,
    MAX_PARAMETERS,
    MAX_SHOWN_CHARACTERS,
    MAX_VALUE_BYTES,
)

_HEADER = re.compile(rb"([!-9;-~]{1,100})[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)(?:\n|\Z)")
_ENVELOPE_LINE = re.compile(rb">?From [^\n]*\n")  # of an mbox file
_FOLD = re.compile(rb"\r?\n")
_ENCODED_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?\r\n]*)\?=")
_PARAMETER = re.compile(
    r""";[ \t]*([^\s=;"]{1,100})[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*+)"?|([^;]*))""", re.DOTALL
)
_CONTINUED = re.compile(r"(.+?)\*(\d{1,3})?(\*)?")
_ADDRESS_TOKEN = re.compile(
    r'"((?:[^"\\]|\\.)*+)"?|<([^<>]*)>?|([(),:;])|([^"<(),:;]+)|.', re.DOTALL
)
_ADDRESS = re.compile(r"[^\s@<>()\[\]\"',;:\\]{1,64}@[\w-]+(?:\.[\w-]+){0,20}")
_MESSAGE_ID = re.compile(r"<([^<>\s]{1,998})>")


@dataclass(frozen=True)
class Address:
    """An e-mail address in lower case, and the name beside it."""

    email: str
    name: str = ""


@dataclass(frozen=True)
class Headers:
    """The headers of a block in their order; names in lower case, values as they were sent."""

    values: tuple[tuple[str, bytes], ...] = ()
    is_cut: bool = False

    def get_all(self, name: str) -> list[str]:
        """Return the values of all headers of this name, not decoded."""
        return [text_of(value) for key, value in self.values if key == name]

    def get(self, name: str) -> str:
        """Return the value of the first header of this name, not decoded, or nothing."""
        return next((text_of(value) for key, value in self.values if key == name), "")

    def text(self, name: str) -> str:
        """Return the decoded value of a header in one line."""
        return clean_line(decode_words(self.get(name))).strip()

    def addresses(self, name: str) -> list[Address]:
        """Return the addresses of all headers of this name, at most ``MAX_ADDRESSES``."""
        value = ", ".join(self.get_all(name)[:10])
        return parse_addresses(value[: 2 * MAX_VALUE_BYTES])

    def message_ids(self, name: str) -> list[str]:
        """Return the Message-IDs of a header without their brackets."""
        ids = [match[1] for match in _MESSAGE_ID.finditer(" ".join(self.get_all(name)[:5]))]
        return ids[:MAX_MESSAGE_IDS]

    def message_id(self) -> str:
        """Return the Message-ID, also one without brackets, or nothing."""
        ids = self.message_ids("message-id")
        return (
            ids[0] if ids else "".join(self.get("message-id").split())[:MAX_ID_LENGTH].strip("<>")
        )

    def date(self) -> datetime | None:
        return parse_date(self.get("date"))

    def parameters(self, name: str) -> "Parameters":
        return parse_parameters(self.get(name))


@dataclass(frozen=True)
class Parameters:
    """A value such as ``text/plain`` with its parameters, decoded; both in lower case."""

    value: str = ""
    items: dict[str, str] = field(default_factory=dict)

    def get(self, name: str) -> str:
        return self.items.get(name, "")


def parse_headers(data: bytes, start: int, end: int) -> tuple[Headers, int]:
    """Return the headers of a block, and where the body after them begins."""
    position = start
    if match := _ENVELOPE_LINE.match(data, position, end):
        position = match.end()
    block_end, body_start = _find_end(data, position, end)
    limit = min(block_end, position + MAX_HEADER_BYTES)
    values: list[tuple[str, bytes]] = []
    is_cut = block_end > limit
    while position < limit:
        match = _HEADER.match(data, position, limit)
        if not match:
            if start > 0:  # of a part whose body begins without a blank line
                body_start = position
                break
            position = data.find(b"\n", position, limit) + 1 or limit
            continue
        position = match.end()
        if len(values) >= MAX_HEADERS or len(match[2]) > MAX_VALUE_BYTES:
            is_cut = True
        if len(values) < MAX_HEADERS:
            value = _FOLD.sub(b"", match[2][:MAX_VALUE_BYTES]).strip()
            values.append((match[1].decode("ascii").lower(), value))
    return Headers(tuple(values), is_cut), body_start


def _find_end(data: bytes, start: int, end: int) -> tuple[int, int]:
    """Return where the block of headers ends, and where the body begins."""
    for blank in (b"\n", b"\r\n"):
        if data.startswith(blank, start, end):
            return start, start + len(blank)
    ends = [
        (index + 1, index + len(blank))
        for blank in (b"\n\n", b"\n\r\n")
        if (index := data.find(blank, start, end)) >= 0
    ]
    return min(ends, default=(end, end))


def text_of(value: bytes) -> str:
    return value.decode("ascii") if value.isascii() else charsets.decode(value)


def show(headers: Headers) -> str:
    """Return the headers decoded, one a line."""
    lines = [f"{name.title()}: {decode_words(text_of(value))}" for name, value in headers.values]
    return clean_text("\n".join(lines))[:MAX_SHOWN_CHARACTERS]


def decode_words(value: str) -> str:
    """Return a header with its encoded words decoded (RFC 2047).

    Neighbours of one character set are decoded together: senders cut characters in two.
    """
    parts: list[str] = []
    position, charset, pending = 0, "", b""
    for count, match in enumerate(_ENCODED_WORD.finditer(value)):
        if count >= MAX_ENCODED_WORDS:
            break
        between = value[position : match.start()]
        is_neighbour = bool(pending) and not between.strip()
        if not is_neighbour or match[1].lower() != charset:
            parts.append(charsets.decode(pending, charset))
            pending, charset = b"", match[1].partition("*")[0].lower()
        if not is_neighbour:
            parts.append(between)
        pending += _decode_word(match[2], match[3])
        position = match.end()
    return "".join([*parts, charsets.decode(pending, charset), value[position:]])


def _decode_word(encoding: str, text: str) -> bytes:
    data = text.encode("utf-8", "replace")
    if encoding in "qQ":
        return binascii.a2b_qp(data, header=True)
    return decode_base64(data)


def decode_base64(data: bytes) -> bytes:
    """Decode base64, also without its padding or with foreign characters in it."""
    try:
        return binascii.a2b_base64(data)
    except binascii.Error:
        digits = re.sub(rb"[^A-Za-z0-9+/]", b"", data)
        digits = digits[: len(digits) - (len(digits) % 4 == 1)]
        return binascii.a2b_base64(digits + b"=" * (-len(digits) % 4))


def parse_parameters(value: str) -> Parameters:
    """Parse a value with parameters, also continued and encoded ones (RFC 2231)."""
    head, separator, rest = value.partition(";")
    plain: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[str, bool]]] = {}
    for count, match in enumerate(_PARAMETER.finditer(separator + rest)):
        if count >= MAX_PARAMETERS:
            break
        name = match[1].lower()
        content = re.sub(r"\\(.)", r"\1", match[2]) if match[2] is not None else match[3].strip()
        if continued := _CONTINUED.fullmatch(name):
            number, is_encoded = int(continued[2] or 0), bool(continued[3]) or not continued[2]
            pieces.setdefault(continued[1], {})[number] = (content, is_encoded)
        else:
            plain.setdefault(name, decode_words(content))
    joined = {name: _join_pieces(parts) for name, parts in pieces.items()}
    items = {name: clean_line(text) for name, text in (plain | joined).items()}
    return Parameters(head.strip().lower()[:100], items)


def _join_pieces(pieces: dict[int, tuple[str, bool]]) -> str:
    """Return a continued parameter; the first encoded piece begins with ``charset'language'``."""
    data, charset = b"", ""
    for index, number in enumerate(sorted(pieces)):
        content, is_encoded = pieces[number]
        if is_encoded and index == 0 and content.count("'") >= 2:
            charset, _language, content = content.split("'", 2)
        encoded = content.encode("utf-8", "replace")
        data += unquote_to_bytes(encoded) if is_encoded else encoded
    return charsets.decode(data, charset)


def parse_addresses(value: str) -> list[Address]:
    """Parse a list of addresses with names, comments and groups.

    Names are decoded after the addresses are taken apart: an encoded comma separates nothing.
    """
    addresses: list[Address] = []
    for phrase, bracketed in _split_addresses(value):
        if len(addresses) >= MAX_ADDRESSES:
            break
        email = find_address(bracketed or phrase)
        if email:
            name = clean_line(decode_words(phrase)).strip(" '\"") if bracketed else ""
            addresses.append(Address(email, "" if name == email else name[:MAX_LINE_LENGTH]))
    return addresses


def _split_addresses(value: str) -> Iterator[tuple[str, str]]:
    """Yield phrase and what stands in angle brackets of each address."""
    phrase: list[str] = []
    bracketed, depth = "", 0
    for match in _ADDRESS_TOKEN.finditer(value):
        quoted, in_brackets, mark, text = match.groups()
        if mark == "(":
            depth += 1
        elif mark == ")":
            depth = max(0, depth - 1)
        elif depth:
            continue
        elif mark == ":":  # the name of a group ends
            phrase, bracketed = [], ""
        elif mark in (",", ";"):
            yield "".join(phrase).strip(), bracketed
            phrase, bracketed = [], ""
        elif in_brackets is not None:
            bracketed = bracketed or in_brackets.strip()
        elif quoted is not None:
            phrase.append(re.sub(r"\\(.)", r"\1", quoted))
        else:
            phrase.append(text or "")
    yield "".join(phrase).strip(), bracketed


def find_address(text: str) -> str:
    """Return the address that ``text`` is, in lower case, or nothing."""
    email = clean_email(text[:300]).removeprefix("mailto:").strip("'\"")
    return email if len(email) <= 254 and _ADDRESS.fullmatch(email) else ""


def parse_date(value: str) -> datetime | None:
    """Return an aware datetime; without a zone, the date is taken for UTC."""
    try:
        date = parsedate_to_datetime(value[:100])
        date = date if date.tzinfo else date.replace(tzinfo=UTC)
        return date.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
