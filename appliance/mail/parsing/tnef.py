"""The file winmail.dat of Outlook (MS-OXTNEF): its text and its attachments.

Read here and not by ``tnefparse``: that copies the rest of the file at each object, and believes
counts of four billion properties.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from appliance.mail.parsing import charsets
from appliance.mail.parsing.limits import MAX_TNEF_OBJECTS

SIGNATURE = b"\x78\x9f\x3e\x22"
_HEADER_SIZE, _OBJECT_HEADER, _CHECKSUM_SIZE = 6, struct.Struct("<BHHI"), 2
_ATTACHMENT_LEVEL = 2
_BODY, _MAPI_PROPERTIES, _CODE_PAGE = 0x800C, 0x9003, 0x9007
_NEW_ATTACHMENT, _ATTACHMENT_PROPERTIES = 0x9002, 0x9005
_ATTACHMENT_TITLE, _ATTACHMENT_DATA = 0x8010, 0x800F
_BODY_TEXT, _BODY_HTML, _INTERNET_CODE_PAGE = 0x1000, 0x1013, 0x3FDE
_DATA, _FILE_NAME, _LONG_FILE_NAME, _MIME_TYPE, _CONTENT_ID = 0x3701, 0x3704, 0x3707, 0x370E, 0x3712
_FIXED_SIZES = {
    **dict.fromkeys((0x0002, 0x0003, 0x0004, 0x000A, 0x000B), 4),
    **dict.fromkeys((0x0005, 0x0006, 0x0007, 0x0014, 0x0040), 8),
    0x0048: 16,
}
_MULTIPLE, _NAMED = 0x1000, 0x8000
_STRING, _UNICODE, _LONG = 0x001E, 0x001F, 0x0003
_VARIABLE_TYPES = {0x000D, _STRING, _UNICODE, 0x0102}


@dataclass
class TnefAttachment:
    name: str = ""
    content: bytes = b""
    content_type: str = ""
    content_id: str = ""


@dataclass
class Tnef:
    text: str = ""
    html: str = ""
    attachments: list[TnefAttachment] = field(default_factory=list)


class BrokenTnefError(ValueError):
    """The file is cut short or is none of Outlook's."""


def read(data: bytes) -> Tnef:
    """Return what the file holds. Raise BrokenTnefError if it cannot be read."""
    if not data.startswith(SIGNATURE):
        raise BrokenTnefError
    tnef, code_page = Tnef(), "cp1252"
    try:
        for level, name, start, end in _read_objects(data):
            if name == _NEW_ATTACHMENT:
                tnef.attachments.append(TnefAttachment())
            elif level == _ATTACHMENT_LEVEL and tnef.attachments:
                _read_attachment(tnef.attachments[-1], name, data[start:end], code_page)
            elif name == _CODE_PAGE and end - start >= 4:
                code_page = f"cp{struct.unpack_from('<I', data, start)[0]}"
            elif name == _BODY:
                tnef.text = charsets.decode(data[start:end].rstrip(b"\0"), code_page)
            elif name == _MAPI_PROPERTIES:
                _read_message(tnef, data[start:end], code_page)
    except struct.error as error:
        raise BrokenTnefError from error
    return tnef


def _read_objects(data: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Yield level and name of each object, and where its content begins and ends."""
    position = _HEADER_SIZE
    for _count in range(MAX_TNEF_OBJECTS):
        if position + _OBJECT_HEADER.size > len(data):
            return
        level, name, _type, size = _OBJECT_HEADER.unpack_from(data, position)
        start = position + _OBJECT_HEADER.size
        if start + size > len(data):
            raise BrokenTnefError
        yield level, name, start, start + size
        position = start + size + _CHECKSUM_SIZE


def _read_attachment(attachment: TnefAttachment, name: int, data: bytes, code_page: str) -> None:
    if name == _ATTACHMENT_TITLE:
        attachment.name = attachment.name or _to_text(_STRING, data, code_page)
    elif name == _ATTACHMENT_DATA:
        attachment.content = data
    elif name == _ATTACHMENT_PROPERTIES:
        for key, kind, value in _read_properties(data):
            if key == _LONG_FILE_NAME:
                attachment.name = _to_text(kind, value, code_page)
            elif key == _FILE_NAME:
                attachment.name = attachment.name or _to_text(kind, value, code_page)
            elif key == _MIME_TYPE:
                attachment.content_type = _to_text(kind, value, code_page).lower()
            elif key == _CONTENT_ID:
                attachment.content_id = _to_text(kind, value, code_page)
            elif key == _DATA and not attachment.content:
                attachment.content = value


def _read_message(tnef: Tnef, data: bytes, code_page: str) -> None:
    properties = {key: (kind, value) for key, kind, value in _read_properties(data)}
    kind, value = properties.get(_INTERNET_CODE_PAGE, (0, b""))
    if kind == _LONG:
        number = struct.unpack("<I", value)[0]
        code_page = "utf-8" if number == 65001 else f"cp{number}"
    if _BODY_TEXT in properties:
        tnef.text = _to_text(*properties[_BODY_TEXT], code_page)
    if _BODY_HTML in properties:
        tnef.html = _to_text(*properties[_BODY_HTML], code_page)


def _read_properties(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield key, type and value of the properties; those with several values are passed over."""
    (count,) = struct.unpack_from("<I", data)
    position = 4
    for _number in range(min(count, MAX_TNEF_OBJECTS)):
        if position >= len(data):
            return
        kind, key = struct.unpack_from("<HH", data, position)
        position += 4
        if key >= _NAMED:
            position = _skip_name(data, position)
        is_multiple, kind = bool(kind & _MULTIPLE), kind & ~_MULTIPLE
        values = 1
        if is_multiple or kind in _VARIABLE_TYPES:
            (values,) = struct.unpack_from("<I", data, position)
            position += 4
        for _index in range(min(values, MAX_TNEF_OBJECTS)):
            size, padded_size, position = _size_at(data, position, kind)
            if not is_multiple:
                yield key, kind, data[position : position + size]
            position += padded_size


def _skip_name(data: bytes, position: int) -> int:
    """Return where a named property goes on: after a GUID and a number or a text."""
    (kind,) = struct.unpack_from("<I", data, position + 16)
    (value,) = struct.unpack_from("<I", data, position + 20)
    return position + 24 + (_pad(value) if kind else 0)


def _size_at(data: bytes, position: int, kind: int) -> tuple[int, int, int]:
    """Return the size of a value, the size with padding, and where it begins."""
    if kind in _FIXED_SIZES:
        size = _FIXED_SIZES[kind]
    elif kind in _VARIABLE_TYPES:
        (size,) = struct.unpack_from("<I", data, position)
        position += 4
    else:
        raise BrokenTnefError
    if position + size > len(data):
        raise BrokenTnefError
    return size, _pad(size), position


def _pad(size: int) -> int:
    return (size + 3) & ~3


def _to_text(kind: int, value: bytes, code_page: str) -> str:
    charset = "utf-16-le" if kind == _UNICODE else code_page
    if kind == _UNICODE:
        value = value[: len(value) & ~1]
    return charsets.decode(value, charset).rstrip("\0")
