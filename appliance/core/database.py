"""Settings and connections of this process's PostgreSQL sessions."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from django.db import connection, connections
from django.db.backends.utils import CursorWrapper
from django.db.models import Model

T = TypeVar("T")
MIN_MAINTENANCE_KB = 256 * 1024
RAISE_MAINTENANCE_MEMORY = """
SELECT set_config('maintenance_work_mem', memory.kilobytes || 'kB', %(is_local)s)
FROM (SELECT greatest(setting::bigint, %(min_kilobytes)s) AS kilobytes
      FROM pg_settings WHERE name = 'maintenance_work_mem') AS memory
"""


def set_statement_timeout(*, seconds: int) -> None:
    """Limit every statement of this process. Call before the first query."""
    options = connections.settings["default"]["OPTIONS"]
    options["options"] = f"-c statement_timeout={seconds * 1000}"


def raise_maintenance_memory(cursor: CursorWrapper, *, is_local: bool) -> None:
    """Give index builds the server's ``maintenance_work_mem``, and 256 MB at least.

    ``is_local``: until the end of the transaction.
    """
    cursor.execute(
        RAISE_MAINTENANCE_MEMORY, {"is_local": is_local, "min_kilobytes": MIN_MAINTENANCE_KB}
    )


def lock_until_commit(name: str) -> None:
    """Wait for the advisory lock ``name`` and hold it until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])


def try_lock_until_commit(name: str) -> bool:
    """Take the advisory lock ``name`` until the transaction ends; False if another holds it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [name])
        return cursor.fetchone()[0]


@contextmanager
def session_lock(name: str, *, wait: bool) -> Iterator[bool]:
    """Hold the advisory lock ``name`` during the block, across transactions.

    Yields False when another session holds it and ``wait`` is False. PostgreSQL releases the lock
    when it notices that the session has ended, a moment after a process was killed.
    """
    function = "pg_advisory_lock" if wait else "pg_try_advisory_lock"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(hashtextextended(%s, 0))", [name])
        is_held = wait or cursor.fetchone()[0]
    try:
        yield is_held
    finally:
        if is_held and connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [name])


@contextmanager
def statement_timeout(*, milliseconds: int) -> Iterator[None]:
    """Limit each statement of the block. Call inside a transaction: the limit ends with it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(milliseconds)])
        yield
        cursor.execute("SET LOCAL statement_timeout TO DEFAULT")


def run_and_close_connection(call: Callable[[], T]) -> T:
    """Run ``call`` in a thread of ours and close that thread's database connection."""
    try:
        return call()
    finally:
        connection.close()


def columns_except(model: type[Model], *names: str, prefix: str = "") -> list[str]:
    """Return the columns of ``model`` other than ``names`` and the primary key, for ``defer()``.

    ``prefix`` is the relation that leads to the model, for instance ``"category__"``.
    """
    columns = [field for field in model._meta.concrete_fields if not field.primary_key]
    return [f"{prefix}{field.name}" for field in columns if field.name not in names]
