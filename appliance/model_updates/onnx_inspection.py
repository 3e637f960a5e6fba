"""What an ONNX file says it needs, read from its bytes before any library opens it.

A small strict reader of protobuf: only the fields that matter here are looked into, and whatever
does not add up is an error. Nothing is executed, nothing is copied.
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
    """The bytes are not an ONNX model, or say something no bundle of ours says."""


@dataclass
class OnnxInfo:
    """What a model asks of whoever runs it."""

    opsets: dict[str, int] = field(default_factory=dict)  # domain → version
    operators: set[tuple[str, str]] = field(default_factory=set)  # (domain, name)
    has_external_data: bool = False
    has_functions: bool = False
    most_elements: int = 0  # of one stored tensor
    tensors: int = 0


def inspect_model(content: memoryview | bytes) -> OnnxInfo:
    """Raises WireError."""
    needs, has_graph = OnnxInfo(), False
    for number, value in _fields(memoryview(content)):
        if number == 7:
            has_graph = True
            _graph(_message(value), needs, 0)
        elif number == 8:
            _opset(_message(value), needs)
        elif number in (20, 25):  # training_info, functions
            needs.has_functions = True
    if not has_graph:
        raise WireError("it holds no graph")
    return needs


def _opset(message: memoryview, needs: OnnxInfo) -> None:
    fields = dict(_fields(message))
    version = fields.get(2, 0)
    if not isinstance(version, int):
        raise WireError("an operator set without a number")
    needs.opsets[_text(fields.get(1, memoryview(b"")))] = version


def _graph(message: memoryview, needs: OnnxInfo, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise WireError("graphs within graphs")
    for number, value in _fields(message):
        if number == 1:
            _node(_message(value), needs, depth)
        elif number == 5:
            _tensor(_message(value), needs)
        elif number == 15:
            _sparse(_message(value), needs)


def _node(message: memoryview, needs: OnnxInfo, depth: int) -> None:
    name = domain = ""
    for number, value in _fields(message):
        if number == 4:
            name = _text(value)
        elif number == 7:
            domain = _text(value)
        elif number == 5:
            _attribute(_message(value), needs, depth)
    needs.operators.add((domain, name))


def _attribute(message: memoryview, needs: OnnxInfo, depth: int) -> None:
    for number, value in _fields(message):
        if number in (5, 10):
            _tensor(_message(value), needs)
        elif number in (6, 11):
            _graph(_message(value), needs, depth + 1)
        elif number in (22, 23):
            _sparse(_message(value), needs)


def _sparse(message: memoryview, needs: OnnxInfo) -> None:
    for number, value in _fields(message):
        if number in (1, 2):
            _tensor(_message(value), needs)


def _tensor(message: memoryview, needs: OnnxInfo) -> None:
    """Its values must be in the file, and as many as its dimensions say."""
    dims: list[int] = []
    kind, stored = 0, None
    for number, value in _fields(message):
        if number == 1:
            dims += [value] if isinstance(value, int) else _packed(value)
        elif number == 2:
            kind = value
        elif number == 9:
            stored = len(_message(value))
        elif number == 13 or (number == 14 and value != 0):
            needs.has_external_data = True
    count = math.prod(dims)
    needs.tensors += 1
    needs.most_elements = max(needs.most_elements, count)
    size = ITEM_BYTES.get(kind)
    if stored is not None and size and stored != count * size:
        raise WireError(f"a tensor of {count} values holds {stored} bytes")
    if stored is None and not needs.has_external_data and count > len(message) * 8:
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
        if kind == VARINT:
            value, at = _varint(message, at)
        elif kind == BYTES:
            length, at = _varint(message, at)
            value, at = message[at : at + length], at + length
        elif kind in (FIXED64, FIXED32):
            at += 8 if kind == FIXED64 else 4
            value = 0
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
