"""Many rows into PostgreSQL in little time: COPY, with indexes and foreign keys made behind it."""

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

OWN_NUMBERS = """
SELECT pg_get_serial_sequence(attrelid::regclass::text, attname) FROM pg_attribute
WHERE attrelid = %s::regclass AND attname = 'id'
"""


@contextmanager
def bare(server: psycopg.Connection, tables: Sequence[str], memory: str) -> Iterator[None]:
    """Inside, the tables have neither indexes nor foreign keys; whatever stood there comes back."""
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
    for _, definition in sorted(indexes, key=lambda one: "hnsw" in one[1]):
        server.execute(definition)
    for table, name, definition in keys:
        server.execute(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}')
    for table in tables:
        server.execute(f"VACUUM ANALYZE {table}")


def restart_numbers(server: psycopg.Connection, tables: Sequence[str]) -> None:
    """New rows are numbered after those copied in."""
    for table in tables:
        found = server.execute(OWN_NUMBERS, [table]).fetchone()
        if found and found[0]:
            highest = f"(SELECT max(id) FROM {table})"  # noqa: S608 - a name of ours
            server.execute(f"SELECT setval(%s, {highest})", found)


def copy(
    server: psycopg.Connection, table: str, columns: str, rows: Iterable[Sequence[object]]
) -> None:
    """Rows of plain values: None is NULL, and no text holds a tab or a backslash."""
    lines = ("\t".join("\\N" if v is None else str(v) for v in row) for row in rows)
    text = "\n".join(line.replace("\n", "\\n") for line in lines)
    with server.cursor().copy(f"COPY {table} ({columns}) FROM STDIN") as stream:
        stream.write(text + "\n")


def copy_binary(server: psycopg.Connection, table: str, fields: dict[str, np.ndarray]) -> None:
    """Columns of fixed width: int64, fixed bytes (text) or float16 rows (halfvec)."""
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
    """uint8 (rows, bytes) as PostgreSQL reads them."""
    if values.ndim == 2:  # halfvec: dimensions, nothing, then the values
        head = np.tile(np.array([values.shape[1], 0], ">i2"), (len(values), 1)).view(np.uint8)
        return np.hstack([head, values.astype(">f2").view(np.uint8)])
    if values.dtype.kind == "S":
        return values.view(np.uint8).reshape(len(values), -1)
    kind = ">i2" if values.dtype == np.int16 else ">i8"
    return values.astype(kind).view(np.uint8).reshape(len(values), -1)
