"""How this process talks to PostgreSQL."""

from collections.abc import Callable
from typing import TypeVar

from django.db import connection, connections

T = TypeVar("T")


def limit_statements(*, seconds: int) -> None:
    """Let no statement of this process run longer. Call before the first query."""
    options = connections.settings["default"]["OPTIONS"]
    options["options"] = f"-c statement_timeout={seconds * 1000}"


def on_own_connection(call: Callable[[], T]) -> T:
    """For a thread of ours: its database connection is closed with it."""
    try:
        return call()
    finally:
        connection.close()
