"""How this process talks to PostgreSQL."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from django.db import connection, connections

T = TypeVar("T")


def limit_statements(*, seconds: int) -> None:
    """Let no statement of this process run longer. Call before the first query."""
    options = connections.settings["default"]["OPTIONS"]
    options["options"] = f"-c statement_timeout={seconds * 1000}"


@contextmanager
def limited_to(*, milliseconds: int) -> Iterator[None]:
    """Let no statement in the block run longer. Call inside a transaction: it ends with that."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(milliseconds)])
        yield
        cursor.execute("SET LOCAL statement_timeout TO DEFAULT")


def on_own_connection(call: Callable[[], T]) -> T:
    """For a thread of ours: its database connection is closed with it."""
    try:
        return call()
    finally:
        connection.close()
