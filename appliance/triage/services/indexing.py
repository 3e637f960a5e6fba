"""Each vector space has an HNSW index for itself, which comes and goes with it (decision 15)."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from django.db import connection
from psycopg import sql

from appliance.core.database import raise_maintenance_memory
from appliance.triage.models import Passage, TicketVector
from appliance.triage.texts import digest

log = structlog.get_logger(__name__)
INDEXED = {TicketVector: "ticket_vector_hnsw", Passage: "passage_vector_hnsw"}
BUILDING = 7_737_541  # an advisory lock: one builds, the others look again later
# m and ef_construction: of a million tickets on a thousand topics, 16 and 64 let a walk of 100 find
# 0.89 of the ten nearest, and one of 400 no more than 0.92: some topics cannot be walked to. These
# find 0.97 and more, and take twice as long to build. The predicate is what a query must say in the
# same words to be served
CREATE = sql.SQL(
    "CREATE INDEX {how} {name} ON {table} USING hnsw (vector halfvec_cosine_ops)"
    " WITH (m = 24, ef_construction = 128) WHERE space = {space}"
)
STATE = """
SELECT i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE c.relname = %s AND pg_table_is_visible(c.oid)
"""


def index_space(space: str) -> int:
    """See to it that the vectors of this space have their indexes. How many were built.

    Outside a transaction nobody waits for it, and what a killed builder left is built anew. Call
    before the first vector is written: an index of nothing is built at once and then kept.
    """
    with _alone() as is_mine:
        if not is_mine:
            return 0
        return sum(_ensure(model, name, space) for model, name in INDEXED.items())


def drop_indexes(space: str) -> bool:
    """First, so that no graph is mended row by row. False while somebody else builds."""
    with _alone() as is_mine, connection.cursor() as cursor:
        if is_mine:
            how = sql.SQL("" if connection.in_atomic_block else "CONCURRENTLY")
            for prefix in INDEXED.values():
                name = sql.Identifier(index_name(prefix, space))
                _run(cursor, sql.SQL("DROP INDEX {} IF EXISTS {}").format(how, name))
        return is_mine


def index_name(prefix: str, space: str) -> str:
    return f"{prefix}_{digest(space)[:12]}"


def _ensure(model: type, prefix: str, space: str) -> bool:
    name = index_name(prefix, space)
    with connection.cursor() as cursor:
        cursor.execute(STATE, [name])
        found = cursor.fetchone()
        if found and found[0]:
            return False
        if found:  # whoever built it was killed
            _run(cursor, sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
        log.info("space_indexed", space=space, index=name)
        how = "" if connection.in_atomic_block else "CONCURRENTLY"
        table = sql.Identifier(model._meta.db_table)
        create = CREATE.format(
            how=sql.SQL(how), name=sql.Identifier(name), table=table, space=sql.Literal(space)
        )
        _run(cursor, create)
    return True


@contextmanager
def _alone() -> Iterator[bool]:
    """Whether this process is the one that builds; as long as that takes, with room for it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [BUILDING])
        is_mine = cursor.fetchone()[0]
        if not is_mine:
            yield False
            return
        try:
            if connection.in_atomic_block:  # rows whose keys are still to be checked block DDL
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
                cursor.execute("SET CONSTRAINTS ALL DEFERRED")
            cursor.execute("SET statement_timeout = 0")
            raise_maintenance_memory(cursor, is_local=False)  # the build may not be in a transaction
            yield True
        finally:
            if connection.is_usable():  # a transaction that failed takes the settings back itself
                cursor.execute("RESET maintenance_work_mem")
                cursor.execute("RESET statement_timeout")
                cursor.execute("SELECT pg_advisory_unlock(%s)", [BUILDING])


def _run(cursor, statement: sql.Composed) -> None:
    cursor.execute(statement.as_string(connection.connection))
