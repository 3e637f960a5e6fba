"""Maintain embedding spaces: index them, fill the next one, delete those out of use."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from procrastinate.contrib.django.models import ProcrastinateJob

from appliance.core.database import raise_maintenance_memory, session_lock
from appliance.core.errors import ForbiddenError
from appliance.inference.bundle import BundleRef
from appliance.triage import engine, spaces, work_queue
from appliance.triage.models import AnnotationLease, BackfillState, Passage, TicketVector
from appliance.triage.services.annotation import embed_for_next_encoder
from appliance.triage.services.articles import embed_article_for_next_encoder
from appliance.triage.services.queueing import queue_space_deletion
from appliance.triage.texts import digest

log = structlog.get_logger(__name__)
VectorModel = type[TicketVector] | type[Passage]
BATCH_ROWS = 5000  # deleted by one statement
URGENT_TASKS = ("triage.annotate_ticket", "triage.refresh_article", "triage.catch_up")
INDEX_PREFIXES: dict[VectorModel, str] = {
    TicketVector: "ticket_vector_hnsw",
    Passage: "passage_vector_hnsw",
}
INDEX_STATE_SQL = """
SELECT i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE c.relname = %s AND pg_table_is_visible(c.oid)
"""


def maintain_spaces() -> int:
    """Index the active space, and delete spaces no encoder uses once the active one is complete.

    How many indexes were created.
    """
    space = engine.active_space()
    if space is None:
        return 0
    _queue_deletion_of_unusable(space)
    return index_space(space)


def _queue_deletion_of_unusable(active: str) -> None:
    """An upgrade may have replaced the encoder whose vectors are there."""
    usable = engine.usable_spaces()
    if usable is None:
        return
    unusable = spaces.list_space_names() - usable
    if unusable and spaces.is_space_complete(active):
        for space in unusable:
            queue_space_deletion(space)


def delete_space(*, space: str, seconds: float = 10.0) -> int:
    """Delete vectors of a space for that many seconds. How many; 0 when none is left.

    Raises ForbiddenError for the active space and for the one being filled.
    """
    upcoming = engine.find_next_encoder()
    if space in (engine.active_space(), upcoming and upcoming.space):
        raise ForbiddenError(_("This embedding space is in use."))
    if not drop_indexes(space):
        return 0
    ends_at, deleted = time.monotonic() + seconds, 0
    BackfillState.objects.filter(bundle=space).delete()
    for vectors in (TicketVector.objects.all(), Passage.objects.all()):
        in_space = vectors.filter(space=space)
        while ids := list(in_space.values_list("pk", flat=True)[:BATCH_ROWS]):
            deleted += _delete_without_queueing(vectors.filter(pk__in=ids))
            if time.monotonic() > ends_at:
                return deleted
    return deleted


@transaction.atomic
def _delete_without_queueing(vectors: QuerySet) -> int:
    """Delete vectors that no search uses, so their texts need not become pending."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL skerry.deleting_embedding_space = 'on'")
        return vectors.delete()[0]


def index_space(space: str) -> int:
    """Create the missing indexes of a space. How many were created.

    Call before the first vector is written: an index of no rows is created at once. The longer
    build of a lost index lets searches go on, while vectors wait to be written.
    """
    with _index_lock() as is_mine:
        if not is_mine:
            return 0
        return sum(_ensure_index(model, prefix, space) for model, prefix in INDEX_PREFIXES.items())


def drop_indexes(space: str) -> bool:
    """Drop the indexes of a space, so that deleting its rows does not update them.

    False while another process builds indexes.
    """
    with _index_lock() as is_mine, connection.cursor() as cursor:
        if is_mine:
            for prefix in INDEX_PREFIXES.values():
                cursor.execute("SELECT triage_drop_space_index(%s)", [index_name(prefix, space)])
        return is_mine


def index_name(prefix: str, space: str) -> str:
    return f"{prefix}_{digest(space)[:12]}"


def _ensure_index(model: VectorModel, prefix: str, space: str) -> bool:
    name = index_name(prefix, space)
    with connection.cursor() as cursor:
        cursor.execute(INDEX_STATE_SQL, [name])
        state = cursor.fetchone()
        if state and state[0]:
            return False
        if state:  # invalid: an older version built it and was killed
            cursor.execute("SELECT triage_drop_space_index(%s)", [name])
        log.info("space_indexed", space=space, index=name)
        cursor.execute(
            "SELECT triage_create_space_index(%s, %s, %s)", [model._meta.db_table, name, space]
        )
    return True


@contextmanager
def _index_lock() -> Iterator[bool]:
    """Yield whether this process may build indexes; if so, without a timeout and with memory."""
    with session_lock("triage.build_index", wait=False) as is_mine, connection.cursor() as cursor:
        if not is_mine:
            yield False
            return
        try:
            if connection.in_atomic_block:  # deferred checks of foreign keys would block DDL
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
                cursor.execute("SET CONSTRAINTS ALL DEFERRED")
            cursor.execute("SET statement_timeout = 0")
            # for the session, since the build may be outside a transaction
            raise_maintenance_memory(cursor, is_local=False)
            yield True
        finally:
            if connection.is_usable():  # a failed transaction resets the settings itself
                cursor.execute("RESET maintenance_work_mem")
                cursor.execute("RESET statement_timeout")


def fill_space(limit: int = 1000, *, seconds: float = 10.0) -> int:
    """Write vectors of the next encoder for that many seconds. How many texts were written.

    0 without a next encoder, and while texts wait for the active bundles.
    """
    encoder = engine.find_next_encoder()
    if encoder is None or encoder.space == engine.active_space() or _has_urgent_jobs():
        return 0
    ends_at = time.monotonic() + seconds
    index_space(encoder.space)
    kinds, refs = AnnotationLease.Kind, {"encoder": encoder}
    articles = work_queue.list_pending_articles(refs, limit, kinds.NEXT_ARTICLE)
    tickets = work_queue.list_pending_tickets(refs, limit, kinds.NEXT_TICKET)
    work: list[tuple[Callable[[int, BundleRef], bool], int]] = [
        *((embed_article_for_next_encoder, pk) for pk in articles),
        *((embed_for_next_encoder, pk) for pk in tickets),
    ]
    written = 0
    for embed, pk in work:
        if time.monotonic() > ends_at:
            break
        written += embed(pk, encoder)
    return written


def _has_urgent_jobs() -> bool:
    return ProcrastinateJob.objects.filter(status="todo", task_name__in=URGENT_TASKS).exists()
