"""How this process talks to PostgreSQL."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from django.db import connection, connections
from django.db.backends.utils import CursorWrapper
from django.db.models import Model

T = TypeVar("T")
ROOM_TO_BUILD = """
SELECT set_config('maintenance_work_mem', setting || 'kB', %s)
FROM (SELECT greatest(setting::bigint, 262144) AS setting
      FROM pg_settings WHERE name = 'maintenance_work_mem') AS found
"""


def limit_statements(*, seconds: int) -> None:
    """Let no statement of this process run longer. Call before the first query."""
    options = connections.settings["default"]["OPTIONS"]
    options["options"] = f"-c statement_timeout={seconds * 1000}"


def give_room_to_build(cursor: CursorWrapper, *, is_local: bool) -> None:
    """Memory to build indexes with: what the server's machine has (its own setting), and 256 MB at
    least. ``is_local``: until the end of the transaction.
    """
    cursor.execute(ROOM_TO_BUILD, [is_local])


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


def all_but(model: type[Model], *shown: str, of: str = "") -> list[str]:
    """The columns of a model, or of the relation ``of`` to it, that need not be read where only
    those named are shown; for ``defer``. Keys are always read.
    """
    columns = [field for field in model._meta.concrete_fields if not field.primary_key]
    return [f"{of}{field.name}" for field in columns if field.name not in shown]
