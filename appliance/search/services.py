"""Keep the search index complete: reindexing, the vocabulary, and the nightly check."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from django.db import connection, transaction
from django.db.models import Model, QuerySet
from django.utils import timezone

from appliance.core import queries as core_queries
from appliance.core.database import lock_until_commit
from appliance.core.fields import (
    INDEXED_TAIL_CHARACTERS,
    MAX_INDEXED_CHARACTERS,
    ends_of_text_sql,
)
from appliance.core.sql_files import execute
from appliance.knowledge.models import Article, ArticleVersion
from appliance.search.fulltext import DEFAULT_LANGUAGE, STEMMERS, current_language
from appliance.search.models import IndexCheck, Reindex, VocabularyProgress
from appliance.tickets.models import Message, Ticket
from appliance.triage import engine, work_queue
from appliance.triage import services as triage_services

log = structlog.get_logger(__name__)
BATCH_ROWS = 500  # of one statement
MIN_VOCABULARY_CHARACTERS, MAX_VOCABULARY_CHARACTERS = 4, 40
MAX_CHECKS = 90  # older ones are deleted
MAX_BACKLOG = 10_000  # texts without vectors are counted up to here
CHECK_SECONDS = 24 * 3600.0


@dataclass(frozen=True)
class IndexedTable:
    """A table with a full-text index: names of the model, its text column and its title column."""

    name: str
    model: type[Model]
    body_column: str
    title_column: str = ""

    @property
    def quoted_name(self) -> str:
        return connection.ops.quote_name(self.model._meta.db_table)

    @property
    def text_sql(self) -> str:
        """SQL for the text that is indexed."""
        body = ends_of_text_sql(self.body_column, MAX_INDEXED_CHARACTERS, INDEXED_TAIL_CHARACTERS)
        return f"{self.title_column} || ' ' || {body}" if self.title_column else body

    def next_ids(self, last_id: int) -> list[int]:
        """Return the ids of the next batch, in order."""
        rows = self.model._base_manager.filter(pk__gt=last_id).order_by("pk")
        return list(rows.values_list("pk", flat=True)[:BATCH_ROWS])

    def stale_ids(self, ids: list[int]) -> list[int]:
        """Return the ids of the rows whose search vector does not match their text."""
        table = self.model._meta.db_table
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT id FROM {self.quoted_name} AS indexed WHERE id = ANY(%s)"  # noqa: S608
                f" AND search_vector IS DISTINCT FROM {table}_search_vector(indexed)",
                [ids],
            )
            return [pk for (pk,) in cursor.fetchall()]

    def reindex(self, ids: list[int]) -> int:
        """Let PostgreSQL set the search vectors again; return the number of rows."""
        body = connection.ops.quote_name(self.body_column)
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE {self.quoted_name} SET {body} = {body} WHERE id = ANY(%s)",  # noqa: S608
                [ids],
            )
            return cursor.rowcount


TICKETS = IndexedTable("tickets", Ticket, "description", "subject")
MESSAGES = IndexedTable("messages", Message, "body")
ARTICLES = IndexedTable("articles", Article, "content", "title")
INDEXED_TABLES = [TICKETS, MESSAGES, ARTICLES]
# An edited article is a new version, so its new words are counted as well.
VOCABULARY_TABLES = [*INDEXED_TABLES, IndexedTable("versions", ArticleVersion, "content", "title")]


@transaction.atomic
def start_reindex() -> Reindex | None:
    """Switch the stemmer to the site language and start a reindex; None if it is the same."""
    lock_until_commit("search.reindex")
    with connection.cursor() as cursor:
        language = STEMMERS.get(core_queries.site_settings().language, DEFAULT_LANGUAGE)
        previous_language = current_language()
        if language == previous_language:
            return None
        cursor.execute("SELECT search_replace_stemmer(%s, %s)", [previous_language, language])
    Reindex.objects.filter(finished_at=None).update(finished_at=timezone.now())
    rows_total = sum(table.model._base_manager.count() for table in INDEXED_TABLES)
    log.info("reindex_started", language=language, rows=rows_total)
    return Reindex.objects.create(
        language=language,
        previous_language=previous_language,
        table_name=INDEXED_TABLES[0].name,
        rows_total=rows_total,
    )


def continue_reindex(*, seconds: float) -> bool:
    """Reindex for at most so long; return whether there is more to do.

    Until the end, searches match the words of either language (``fulltext.active_configs``).
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not reindex_batch():
            return False
    return True


@transaction.atomic
def reindex_batch() -> bool:
    """Reindex one batch and save the progress; return whether there is more to do."""
    unfinished = Reindex.objects.filter(finished_at=None)
    reindex = unfinished.select_for_update(skip_locked=True).first()
    if reindex is None:
        return False
    table = next(table for table in INDEXED_TABLES if table.name == reindex.table_name)
    ids = table.next_ids(reindex.last_id)
    if ids:
        table.reindex(ids)
        reindex.last_id = ids[-1]
        reindex.rows_done += len(ids)
    else:
        _go_to_next_table(reindex, table)
    reindex.save()
    return reindex.finished_at is None


def _go_to_next_table(reindex: Reindex, table: IndexedTable) -> None:
    remaining = INDEXED_TABLES[INDEXED_TABLES.index(table) + 1 :]
    if remaining:
        reindex.table_name, reindex.last_id = remaining[0].name, 0
    else:
        reindex.finished_at = timezone.now()
        log.info("reindex_finished", language=reindex.language, rows=reindex.rows_done)


def update_vocabulary(*, seconds: float) -> bool:
    """Count the words of new texts for at most so long; return whether there is more to do.

    The vocabulary only ever completes or corrects a query, which finds what its viewer may see.
    """
    deadline = time.monotonic() + seconds
    for table in VOCABULARY_TABLES:
        while _count_words_of_batch(table):
            if time.monotonic() > deadline:
                return True
    return False


@transaction.atomic
def _count_words_of_batch(table: IndexedTable) -> bool:
    """Count the words of one batch and save the progress; return whether it was a full batch."""
    progress = _lock_progress(table)
    ids = table.next_ids(progress.last_id)
    if not ids:
        return False
    count_words(table, f"WHERE id BETWEEN {ids[0]} AND {ids[-1]}")
    progress.last_id = ids[-1]
    progress.save()
    return len(ids) == BATCH_ROWS


def count_words(table: IndexedTable, rows_sql: str) -> None:
    """Add the words of some rows to the vocabulary; ``rows_sql`` is trusted SQL after FROM."""
    execute(
        "search",
        "count_words",
        texts_sql=_texts_sql(table, rows_sql),
        min_length=MIN_VOCABULARY_CHARACTERS,
        max_length=MAX_VOCABULARY_CHARACTERS,
    )


@transaction.atomic
def uncount_words(rows: QuerySet) -> None:
    """Take the words of texts that are about to be erased out of the vocabulary.

    ``rows`` are tickets or messages, whose texts never changed since they were counted. Call it in
    the transaction that erases them: until its end no words are counted.
    """
    table = next(table for table in VOCABULARY_TABLES if table.model is rows.model)
    progress = _lock_progress(table)
    ids = list(rows.filter(pk__lte=progress.last_id).values_list("pk", flat=True))
    if ids:
        rows_sql = f"WHERE id IN ({', '.join(map(str, ids))})"
        execute("search", "uncount_words", texts_sql=_texts_sql(table, rows_sql))


def _lock_progress(table: IndexedTable) -> VocabularyProgress:
    VocabularyProgress.objects.get_or_create(table_name=table.name)
    return VocabularyProgress.objects.select_for_update().get(table_name=table.name)


def _texts_sql(table: IndexedTable, rows_sql: str) -> str:
    return (
        f"SELECT to_tsvector('simple', {table.text_sql})"  # noqa: S608
        f" FROM {table.quoted_name} {rows_sql}"
    )


def check_index(
    *, repair: bool = True, report: Callable[[str], None] = lambda line: None
) -> IndexCheck:
    """Compare all texts with the index, repair what is missing, and save the result.

    Takes some 150 µs a row, half a minute for 200,000. Each batch is a transaction of its own, so
    it blocks nobody. ``report`` receives one line for each table. Vectors are made by the worker.
    """
    check = IndexCheck.objects.create(is_repairing=repair)
    if repair:
        start_reindex()
        continue_reindex(seconds=CHECK_SECONDS)
    for table in INDEXED_TABLES:
        _check_search_vectors(check, table)
        checked, missing = check.checked[table.name], check.missing[table.name]
        report(f"{table.name}: {checked} checked, {missing} missing")
    _check_embeddings(check)
    check.finished_at = timezone.now()
    check.save()
    old = IndexCheck.objects.order_by("-started_at").values_list("pk", flat=True)[MAX_CHECKS:]
    IndexCheck.objects.filter(pk__in=list(old)).delete()
    log.info("index_checked", missing=check.missing, repaired=check.repaired)
    return check


def _check_search_vectors(check: IndexCheck, table: IndexedTable) -> None:
    checked = missing = repaired = last_id = 0
    while ids := table.next_ids(last_id):
        stale_ids = table.stale_ids(ids)
        if stale_ids and check.is_repairing:
            with transaction.atomic():
                repaired += table.reindex(stale_ids)
        checked, missing, last_id = checked + len(ids), missing + len(stale_ids), ids[-1]
    check.checked[table.name], check.missing[table.name] = checked, missing
    if repaired:
        check.repaired[table.name] = repaired


def _check_embeddings(check: IndexCheck) -> None:
    """Count texts without vectors of the current encoder, by looking at all texts.

    Without an encoder nothing is missing.
    """
    encoder = engine.find_ref("encoder")
    if encoder is None:
        return
    refs = {"encoder": encoder}
    work_queue.reset()
    check.missing["ticket_vectors"] = len(work_queue.list_pending_tickets(refs, MAX_BACKLOG))
    check.missing["passages"] = len(work_queue.list_pending_articles(refs, MAX_BACKLOG))
    for name, table in (("ticket_vectors", TICKETS), ("passages", ARTICLES)):
        check.checked[name] = table.model._base_manager.count()
    if check.is_repairing and (check.missing["ticket_vectors"] or check.missing["passages"]):
        triage_services.queue_catch_up()
