"""Fast loading of many rows into PostgreSQL: COPY first, then indexes and foreign keys."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from struct import pack

import numpy as np
import psycopg

BINARY_HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)
BINARY_END = pack("!h", -1)
INDEXES = """
SELECT indexname, indexdef FROM pg_indexes
WHERE schemaname = 'public' AND tablename = ANY(%s) AND NOT EXISTS (
    SELECT FROM pg_constraint WHERE conindid = format('%%I', indexname)::regclass)
"""
KEYS = """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE contype = 'f' AND conrelid::regclass::text = ANY(%s)
"""

SEQUENCE_OF_ID = """
SELECT pg_get_serial_sequence(attrelid::regclass::text, attname) FROM pg_attribute
WHERE attrelid = %s::regclass AND attname = 'id'
"""


@contextmanager
def without_indexes(
    server: psycopg.Connection, tables: Sequence[str], memory: str
) -> Iterator[None]:
    """Drop the indexes and foreign keys of the tables and create them again at the end.

    ``memory`` is the maintenance_work_mem for building them.
    """
    keys = server.execute(KEYS, [list(tables)]).fetchall()
    indexes = server.execute(INDEXES, [list(tables)]).fetchall()
    for table, name, _ in keys:
        server.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
    for name, _ in indexes:
        server.execute(f'DROP INDEX "{name}"')
    yield
    server.execute(f"SET maintenance_work_mem = '{memory}'")
    server.execute("SET max_parallel_maintenance_workers = 2")
    for table in tables:
        server.execute(f"ANALYZE {table}")
    for _, definition in sorted(indexes, key=lambda index: "hnsw" in index[1]):
        server.execute(definition)
    for table, name, definition in keys:
        server.execute(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}')
    for table in tables:
        server.execute(f"VACUUM ANALYZE {table}")


def restart_sequences(server: psycopg.Connection, tables: Sequence[str]) -> None:
    """Continue the id sequences after the copied rows."""
    for table in tables:
        sequence = server.execute(SEQUENCE_OF_ID, [table]).fetchone()
        if sequence and sequence[0]:
            highest = f"(SELECT max(id) FROM {table})"  # noqa: S608 (a table name from this project)
            server.execute(f"SELECT setval(%s, {highest})", sequence)


def copy(
    server: psycopg.Connection, table: str, columns: str, rows: Iterable[Sequence[object]]
) -> None:
    """Copy rows of plain values: None is NULL; texts must not contain tabs or backslashes."""
    lines = ("\t".join("\\N" if v is None else str(v) for v in row) for row in rows)
    text = "\n".join(line.replace("\n", "\\n") for line in lines)
    with server.cursor().copy(f"COPY {table} ({columns}) FROM STDIN") as stream:
        stream.write(text + "\n")


def copy_binary(server: psycopg.Connection, table: str, fields: dict[str, np.ndarray]) -> None:
    """Copy columns of fixed width: int64, fixed bytes (text) or float16 rows (halfvec)."""
    count = len(next(iter(fields.values())))
    parts = [np.full((count, 1), len(fields), ">i2").view(np.uint8)]
    for values in fields.values():
        raw = _raw(values)
        parts += [np.full((count, 1), raw.shape[1], ">i4").view(np.uint8), raw]
    body = np.hstack(parts).tobytes()
    columns = ", ".join(fields)
    with server.cursor().copy(f"COPY {table} ({columns}) FROM STDIN BINARY") as stream:
        stream.write(BINARY_HEAD + body + BINARY_END)


def _raw(values: np.ndarray) -> np.ndarray:
    """Return the values in PostgreSQL's binary format, uint8 (rows, bytes)."""
    if values.ndim == 2:  # halfvec: dimensions, nothing, then the values
        head = np.tile(np.array([values.shape[1], 0], ">i2"), (len(values), 1)).view(np.uint8)
        return np.hstack([head, values.astype(">f2").view(np.uint8)])
    if values.dtype.kind == "S":
        return values.view(np.uint8).reshape(len(values), -1)
    kind = ">i2" if values.dtype == np.int16 else ">i8"
    return values.astype(kind).view(np.uint8).reshape(len(values), -1)
