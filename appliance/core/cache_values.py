"""Cached values as JSON: reading one runs no code, whoever wrote it.

JSON knows neither tuples nor dates nor our own classes. They become objects with a tag, which only
makes values of the types below and of the classes given to ``register``.
"""

import base64
import dataclasses
import json
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime
from typing import Any, TypeVar

from django_redis.client import DefaultClient
from django_redis.serializers.base import BaseSerializer

Class = TypeVar("Class", bound=type)
_classes: dict[str, type] = {}
_READERS: dict[str, Callable[[Any], Any]] = {
    "dict": lambda pairs: {_read(key): _read(value) for key, value in pairs},
    "counter": lambda pairs: Counter({_read(key): _read(value) for key, value in pairs}),
    "tuple": lambda items: tuple(map(_read, items)),
    "set": lambda items: set(map(_read, items)),
    "bytes": base64.b64decode,
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
}


class UnreadableValueError(Exception):
    """The cache holds something that this version of Skerry has not written."""


def register(cls: Class) -> Class:
    """Let values of this dataclass or named tuple be cached."""
    _classes[cls.__name__] = cls
    return cls


def dumps(value: object) -> bytes:
    """Return the value as JSON. Raises TypeError for a type that cannot be cached."""
    return json.dumps(_write(value)).encode()


def loads(content: bytes) -> Any:
    """Return the value. Raises UnreadableValueError for anything ``dumps`` does not write."""
    try:
        return _read(json.loads(content))
    except Exception as error:
        raise UnreadableValueError from error


class Serializer(BaseSerializer):
    def dumps(self, value: Any) -> bytes:
        return dumps(value)

    def loads(self, value: bytes) -> Any:
        return loads(value)


class Client(DefaultClient):
    """Treats a value that cannot be read, such as one of an older version, as missing."""

    def get(self, key: Any, default: Any = None, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().get(key, default, *args, **kwargs)
        except UnreadableValueError:
            return default

    def get_many(self, keys: Any, *args: Any, **kwargs: Any) -> dict[Any, Any]:
        try:
            return super().get_many(keys, *args, **kwargs)
        except UnreadableValueError:
            values = {key: self.get(key, None, *args, **kwargs) for key in keys}
            return {key: value for key, value in values.items() if value is not None}


def _write(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list):
        return [_write(item) for item in value]
    if _classes.get(type(value).__name__) is type(value):
        return {"class": type(value).__name__, "value": _write(_fields_of(value))}
    if isinstance(value, dict):
        pairs = [[_write(key), _write(item)] for key, item in value.items()]
        return {"type": "counter" if isinstance(value, Counter) else "dict", "value": pairs}
    if isinstance(value, tuple | set):
        name = "set" if isinstance(value, set) else "tuple"
        return {"type": name, "value": [_write(item) for item in value]}
    if isinstance(value, bytes):
        return {"type": "bytes", "value": base64.b64encode(value).decode()}
    if isinstance(value, date):
        name = "datetime" if isinstance(value, datetime) else "date"
        return {"type": name, "value": value.isoformat()}
    raise TypeError(f"Values of {type(value)} cannot be cached.")


def _fields_of(value: Any) -> dict[str, Any]:
    if dataclasses.is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return dict(value._asdict())


def _read(value: Any) -> Any:
    if isinstance(value, list):
        return [_read(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "class" in value:
        return _classes[value["class"]](**_read(value["value"]))
    return _READERS[value["type"]](value["value"])
