"""Whoever wants to know how long each reading took is told. Pure: nobody need listen."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_listeners: list[Callable[[str, float], None]] = []


def listen(hear: Callable[[str, float], None]) -> None:
    """``hear(role, seconds)`` after each text, in the thread that read it; it must be quick."""
    if hear not in _listeners:
        _listeners.append(hear)


@contextmanager
def timed(role: str) -> Iterator[None]:
    """What is done inside is one reading by the bundle of this role."""
    started = time.perf_counter()
    yield
    spent = time.perf_counter() - started
    for hear in _listeners:
        hear(role, spent)
