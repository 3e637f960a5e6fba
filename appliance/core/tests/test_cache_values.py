"""Cached values are read as they were written, and nothing else is read."""

import pickle
from collections import Counter
from datetime import UTC, date, datetime
from typing import NamedTuple

import pytest
from django.core.cache import cache as django_cache
from django_redis import get_redis_connection
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.core import cache, cache_values
from appliance.core.cache_values import UnreadableValueError, dumps, loads

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
scalars |= st.binary() | st.dates() | st.datetimes(timezones=st.just(UTC))
keys = st.none() | st.integers() | st.text()
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(keys, inner)
        | st.sets(keys)
        | st.dictionaries(keys, st.integers()).map(Counter)
    ),
    max_leaves=15,
)


@settings(max_examples=150, deadline=None, database=None)
@given(values)
def test_values_are_read_as_they_were_written(value):
    loaded = loads(dumps(value))
    assert loaded == value and type(loaded) is type(value)


@cache_values.register
class Sample(NamedTuple):
    at: date
    counts: Counter[str]


def test_registered_class_is_read_again():
    sample = Sample(date(2026, 1, 2), Counter(a=1))
    assert loads(dumps([sample])) == [sample] and type(loads(dumps(sample))) is Sample


class Unregistered(NamedTuple):
    at: int


@pytest.mark.parametrize("value", [object(), {"a": object()}, print, Exception("x"), 1j])
def test_other_types_cannot_be_cached(value):
    with pytest.raises(TypeError):
        dumps(value)


class Bomb:
    def __reduce__(self):
        return (exploded.append, (1,))


exploded: list[int] = []
POISON = [
    pickle.dumps(Bomb()),
    pickle.dumps({"a": 1}),
    b"\x80\x04K\x01.",
    b"",
    b"{",
    b"\xff\xfe",
    b'{"class": "Popen", "value": {"type": "dict", "value": []}}',
    b'{"class": "Sample", "value": {"type": "dict", "value": [["x", 1]]}}',
    b'{"type": "eval", "value": "1"}',
    b'{"type": "date", "value": "never"}',
    b'{"type": "dict", "value": [[[1], 2]]}',
    b'{"a": 1}',
    b"[" * 100_000,
]


@pytest.mark.parametrize("poison", POISON, ids=range(len(POISON)))
def test_poison_in_the_cache_is_a_miss(poison):
    with pytest.raises(UnreadableValueError):
        loads(poison)
    cache.set_value("report", [1], {"fine": True}, seconds=60)
    connection = get_redis_connection()
    [key] = connection.keys("*report*")
    connection.set(key, poison)
    assert cache.get_value("report", [1]) is None
    plain = key.decode().split(":", 2)[2]
    assert django_cache.get_many([plain]) == {} and exploded == []


def test_poisoned_value_is_computed_again(db):
    arguments = ("labels", [], lambda: {"fresh": True})
    cache.get_or_compute(*arguments)
    connection = get_redis_connection()
    for key in connection.keys("*labels:*"):
        connection.set(key, pickle.dumps(Bomb()))
    assert cache.get_or_compute(*arguments) == {"fresh": True} and exploded == []


def test_time_keeps_its_zone():
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert loads(dumps(at)) == at and loads(dumps(at)).tzinfo is not None
