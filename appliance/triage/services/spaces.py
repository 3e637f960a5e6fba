"""A vector space is looked after while it is read, and taken away when it has had its time."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from procrastinate.contrib.django.models import ProcrastinateJob
from psycopg import sql

from appliance.core.database import raise_maintenance_memory, session_lock
from appliance.core.errors import ForbiddenError
from appliance.triage import engine, spaces, work_queue
from appliance.triage.models import AnnotationLease, BackfillState, Passage, TicketVector
from appliance.triage.services.annotation import read_ticket_ahead
from appliance.triage.services.articles import read_article_ahead
from appliance.triage.services.queueing import queue_forgetting
from appliance.triage.texts import digest

SLICE = 5000  # rows deleted by one statement


def tend_spaces() -> int:
    """The space that is read has its indexes; what no encoder at hand can read goes, once the
    reading space is complete. How many indexes were built.
    """
    space = engine.reading_space()
    if space is None:
        return 0
    _forget_unreadable(space)
    return index_space(space)


def forget_space(*, space: str, seconds: float = 10.0) -> int:
    """Delete the vectors of a space, as far as the seconds go. How many; 0 when none is left.

    Refused for the space that is read and for the one that is being filled.
    """
    upcoming = engine.find_next_encoder()
    if space in (engine.reading_space(), upcoming and upcoming.space):
        raise ForbiddenError(_("This embedding space is in use."))
    if not drop_indexes(space):
        return 0
    ends_at, deleted = time.monotonic() + seconds, 0
    BackfillState.objects.filter(bundle=space).delete()
    for model in INDEXED:
        while ids := list(model.objects.filter(space=space).values_list("pk", flat=True)[:SLICE]):
            deleted += _delete_untold(model.objects.filter(pk__in=ids))
            if time.monotonic() > ends_at:
                return deleted
    return deleted


@transaction.atomic
def _delete_untold(vectors: QuerySet) -> int:
    """Nobody reads this space, so the backlog need not look at whose vectors these were."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL skerry.deleting_embedding_space = 'on'")
        return vectors.delete()[0]


def _forget_unreadable(reading: str) -> None:
    """After an upgrade that brought another encoder: nobody will ask for the old vectors again."""
    known = engine.spaces_at_hand()
    if known is None:
        return
    unreadable = spaces.list_names() - known
    if unreadable and spaces.is_space_complete(reading):
        for space in unreadable:
            queue_forgetting(space)


log = structlog.get_logger(__name__)
INDEXED = {TicketVector: "ticket_vector_hnsw", Passage: "passage_vector_hnsw"}
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
        rows = cursor.fetchone()
        if rows and rows[0]:
            return False
        if rows:  # whoever built it was killed
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
    """Yield whether this process may build; if so, without a time limit and with build memory."""
    with session_lock("triage.build_index", wait=False) as is_mine, connection.cursor() as cursor:
        if not is_mine:
            yield False
            return
        try:
            if connection.in_atomic_block:  # rows whose keys are still to be checked block DDL
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
                cursor.execute("SET CONSTRAINTS ALL DEFERRED")
            cursor.execute("SET statement_timeout = 0")
            raise_maintenance_memory(
                cursor, is_local=False
            )  # the build may not be in a transaction
            yield True
        finally:
            if connection.is_usable():  # a transaction that failed takes the settings back itself
                cursor.execute("RESET maintenance_work_mem")
                cursor.execute("RESET statement_timeout")


def _run(cursor, statement: sql.Composed) -> None:
    cursor.execute(statement.as_string(connection.connection))


FIRST = ("triage.annotate_ticket", "triage.refresh_article", "triage.catch_up")


def fill_space(limit: int = 1000, *, seconds: float = 10.0) -> int:
    """As far as the seconds go. How many texts were written; nothing while there is no next
    encoder, or while what is found now waits to be read.
    """
    encoder = engine.find_next_encoder()
    if encoder is None or encoder.space == engine.reading_space() or _waits():
        return 0
    ends_at = time.monotonic() + seconds
    index_space(encoder.space)
    written = 0
    for verb, pk in _work({"encoder": encoder}, limit):
        if time.monotonic() > ends_at:
            break
        written += verb(pk, encoder)
    return written


def _work(refs: work_queue.Refs, limit: int) -> list:
    articles = work_queue.list_articles_to_read(refs, limit, AnnotationLease.Kind.NEXT_ARTICLE)
    tickets = work_queue.list_tickets_to_read(refs, limit, AnnotationLease.Kind.NEXT_TICKET)
    return [(read_article_ahead, pk) for pk in articles] + [
        (read_ticket_ahead, pk) for pk in tickets
    ]


def _waits() -> bool:
    return ProcrastinateJob.objects.filter(status="todo", task_name__in=FIRST).exists()
