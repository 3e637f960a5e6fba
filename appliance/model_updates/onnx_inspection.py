"""Inspect an ONNX file's requirements from its bytes, before any library opens it.

A small strict protobuf parser: it visits only the fields that matter here, and any inconsistency is
an error. Nothing is executed or copied.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
MAX_DEPTH = 24  # graphs inside nodes inside graphs
# Bytes of one element, by TensorProto.DataType; strings (8) have none.
ITEM_BYTES = {
    1: 4,
    2: 1,
    3: 1,
    4: 2,
    5: 2,
    6: 4,
    7: 8,
    9: 1,
    10: 2,
    11: 8,
    12: 4,
    13: 8,
    14: 8,
    15: 16,
    16: 2,
    17: 1,
    18: 1,
    19: 1,
    20: 1,
}
Value = int | memoryview


class WireError(ValueError):
    """The bytes are no ONNX model, or one that no bundle may contain."""


@dataclass
class OnnxInfo:
    """The requirements of a model."""

    opsets: dict[str, int] = field(default_factory=dict)  # domain → version
    operators: set[tuple[str, str]] = field(default_factory=set)  # (domain, name)
    has_external_data: bool = False
    has_functions: bool = False
    max_elements: int = 0  # of one stored tensor
    tensors: int = 0


def inspect_model(content: memoryview | bytes) -> OnnxInfo:
    """Return the requirements of a model; raises WireError."""
    info, has_graph = OnnxInfo(), False
    for number, value in _fields(memoryview(content)):
        if number == 7:
            has_graph = True
            _graph(_message(value), info, 0)
        elif number == 8:
            _opset(_message(value), info)
        elif number in (20, 25):  # training_info, functions
            info.has_functions = True
    if not has_graph:
        raise WireError("it holds no graph")
    return info


def _opset(message: memoryview, info: OnnxInfo) -> None:
    fields = dict(_fields(message))
    version = fields.get(2, 0)
    if not isinstance(version, int):
        raise WireError("an operator set without a number")
    info.opsets[_text(fields.get(1, memoryview(b"")))] = version


def _graph(message: memoryview, info: OnnxInfo, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise WireError("graphs within graphs")
    for number, value in _fields(message):
        if number == 1:
            _node(_message(value), info, depth)
        elif number == 5:
            _tensor(_message(value), info)
        elif number == 15:
            _sparse(_message(value), info)


def _node(message: memoryview, info: OnnxInfo, depth: int) -> None:
    name = domain = ""
    for number, value in _fields(message):
        if number == 4:
            name = _text(value)
        elif number == 7:
            domain = _text(value)
        elif number == 5:
            _attribute(_message(value), info, depth)
    info.operators.add((domain, name))


def _attribute(message: memoryview, info: OnnxInfo, depth: int) -> None:
    for number, value in _fields(message):
        if number in (5, 10):
            _tensor(_message(value), info)
        elif number in (6, 11):
            _graph(_message(value), info, depth + 1)
        elif number in (22, 23):
            _sparse(_message(value), info)


def _sparse(message: memoryview, info: OnnxInfo) -> None:
    for number, value in _fields(message):
        if number in (1, 2):
            _tensor(_message(value), info)


def _tensor(message: memoryview, info: OnnxInfo) -> None:
    """Check that the file holds as many values as the dimensions say."""
    dims: list[int] = []
    kind: Value = 0
    stored_bytes: int | None = None
    for number, value in _fields(message):
        if number == 1:
            dims += [value] if isinstance(value, int) else _packed(value)
        elif number == 2:
            kind = value
        elif number == 9:
            stored_bytes = len(_message(value))
        elif number == 13 or (number == 14 and value != 0):
            info.has_external_data = True
    count = math.prod(dims)
    info.tensors += 1
    info.max_elements = max(info.max_elements, count)
    size = ITEM_BYTES.get(kind) if isinstance(kind, int) else None
    if stored_bytes is not None and size and stored_bytes != count * size:
        raise WireError(f"a tensor of {count} values holds {stored_bytes} bytes")
    if stored_bytes is None and not info.has_external_data and count > len(message) * 8:
        raise WireError(f"a tensor promises {count} values and does not hold them")


def _packed(message: memoryview) -> list[int]:
    values, at = [], 0
    while at < len(message):
        value, at = _varint(message, at)
        values.append(value)
    return values


def _fields(message: memoryview) -> Iterator[tuple[int, Value]]:
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, kind = key >> 3, key & 7
        value: Value = 0
        if kind == VARINT:
            value, at = _varint(message, at)
        elif kind == BYTES:
            length, at = _varint(message, at)
            value, at = message[at : at + length], at + length
        elif kind in (FIXED64, FIXED32):
            at += 8 if kind == FIXED64 else 4
        else:
            raise WireError(f"a field of kind {kind}")
        if at > len(message) or number == 0:
            raise WireError("it ends in the middle of a field")
        yield number, value


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(message) or shift > 63:
            raise WireError("a number that does not end")
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _message(value: Value) -> memoryview:
    if isinstance(value, int):
        raise WireError("a number where a message should be")
    return value


def _text(value: Value) -> str:
    return bytes(_message(value)).decode("utf-8", "replace")
