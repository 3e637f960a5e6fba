"""The tables whose words are searched."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from django.db import connection, transaction
from django.db.models import Model
from django.utils import timezone

from appliance.core import queries as core_queries
from appliance.core.fields import MAX_INDEXED_CHARACTERS, TEXT_SEARCH_CONFIG
from appliance.knowledge.models import Article, ArticleVersion
from appliance.search import tsqueries
from appliance.search.models import Check, Learning, Rewording
from appliance.tickets.models import Message, Ticket
from appliance.triage import backlog, engine, touched
from appliance.triage import services as triage_services

SLICE = 500  # rows written or looked at in one statement


@dataclass(frozen=True)
class Table:
    name: str
    model: type[Model]
    body: str  # writing this as it is makes PostgreSQL write the words anew
    title: str = ""

    @property
    def table(self) -> str:
        return connection.ops.quote_name(self.model._meta.db_table)

    @property
    def text(self) -> str:
        """All of it that is searched, as SQL."""
        body = f"left({self.body}, {MAX_INDEXED_CHARACTERS})"
        return f"{self.title} || ' ' || {body}" if self.title else body

    def next_numbers(self, position: int) -> list[int]:
        """The numbers of the next rows, in order."""
        rows = self.model._base_manager.filter(pk__gt=position).order_by("pk")
        return list(rows.values_list("pk", flat=True)[:SLICE])

    def stale(self, numbers: list[int]) -> list[int]:
        """Those whose words are not what the text says now."""
        words, arguments = self.model._meta.get_field("search_vector").generated_sql(connection)
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT id FROM {self.table} WHERE id = ANY(%s)"  # noqa: S608
                f" AND search_vector IS DISTINCT FROM ({words})",
                [numbers, *arguments],
            )
            return [number for (number,) in cursor.fetchall()]

    def write_anew(self, numbers: list[int]) -> int:
        body = connection.ops.quote_name(self.body)
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE {self.table} SET {body} = {body} WHERE id = ANY(%s)",  # noqa: S608
                [numbers],
            )
            return cursor.rowcount


TABLES = [
    Table("tickets", Ticket, "description", "subject"),
    Table("messages", Message, "body"),
    Table("articles", Article, "content", "title"),
]

log = structlog.get_logger(__name__)
LOCK = 7_737_542


@transaction.atomic
def follow_language() -> Rewording | None:
    """Stem as the desk speaks; the rewording that has begun, None when nothing has changed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])  # two workers, one change
        wanted = tsqueries.LANGUAGES.get(core_queries.site_settings().language, tsqueries.FIRST)
        previous = tsqueries.current()
        if wanted == previous:
            return None
        cursor.execute(
            f"ALTER TEXT SEARCH CONFIGURATION {TEXT_SEARCH_CONFIG}"
            f" ALTER MAPPING REPLACE {previous}_stem WITH {wanted}_stem"
        )
    Rewording.objects.filter(finished_at=None).update(finished_at=timezone.now())
    total = sum(table.model._base_manager.count() for table in TABLES)
    log.info("words_change_language", language=wanted, rows=total)
    return Rewording.objects.create(
        language=wanted, previous=previous, table=TABLES[0].name, total=total
    )


def reword(*, seconds: float) -> bool:
    """Go on writing words anew for so long; whether there is more to do."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not _reindex_slice():
            return False
    return True


@transaction.atomic
def _reindex_slice() -> bool:
    """One slice and how far that is, together or not at all. False when all is done."""
    running = Rewording.objects.select_for_update(skip_locked=True).filter(finished_at=None).first()
    if running is None:
        return False
    table = next(one for one in TABLES if one.name == running.table)
    numbers = table.next_numbers(running.position)
    if numbers:
        table.write_anew(numbers)
        running.position, running.done = numbers[-1], running.done + len(numbers)
    else:
        _advance(running, table)
    running.save()
    return running.finished_at is None


def _advance(running: Rewording, table: Table) -> None:
    """To the next table, or to the end."""
    rest = TABLES[TABLES.index(table) + 1 :]
    if rest:
        running.table, running.position = rest[0].name, 0
    else:
        running.finished_at = timezone.now()
        log.info("words_changed_language", language=running.language, rows=running.done)


# An article that is edited is a new version of it, whose words are read in their turn.
LEARNT = [*TABLES, Table("versions", ArticleVersion, "content", "title")]
LENGTHS = (4, 40)  # a shorter word is like too many others
LEARN = """
INSERT INTO search_word (text, seen)
SELECT word, ndoc FROM ts_stat(%s)
WHERE length(word) BETWEEN %s AND %s AND word ~ '^[[:alpha:]]+$'
ON CONFLICT (text) DO UPDATE SET seen = search_word.seen + excluded.seen
"""


def learn_words(*, seconds: float) -> bool:
    """Read on where the last reading ended; whether there is more to read."""
    deadline = time.monotonic() + seconds
    for table in LEARNT:
        while _learn_slice(table):
            if time.monotonic() > deadline:
                return True
    return False


@transaction.atomic
def _learn_slice(table: Table) -> bool:
    """One slice and how far that is, together or not at all. False when nothing is left."""
    Learning.objects.get_or_create(table=table.name)
    learning = Learning.objects.select_for_update().get(table=table.name)
    numbers = table.next_numbers(learning.position)
    if not numbers:
        return False
    with connection.cursor() as cursor:
        texts = (
            f"SELECT to_tsvector('simple', {table.text}) FROM {table.table}"  # noqa: S608
            f" WHERE id BETWEEN {numbers[0]} AND {numbers[-1]}"
        )
        cursor.execute(LEARN, [texts, *LENGTHS])
    learning.position = numbers[-1]
    learning.save()
    return len(numbers) == SLICE


log = structlog.get_logger(__name__)
KEPT = 90  # checks
MOST_UNREAD = 10_000  # texts without vectors are counted up to here
FOREVER = 24 * 3600.0


def check_index(*, repair: bool = True, tell: Callable[[str], None] = lambda line: None) -> Check:
    """Look at every row, mend what is missing, and keep what was found.

    Reads all texts: some 150 µs a row, half a minute for 200,000. Each slice is a transaction of
    its own, so nobody waits. ``tell`` hears of each part when it is done.
    """
    check = Check.objects.create(is_repairing=repair)
    if repair:
        follow_language()
        reword(seconds=FOREVER)
    for table in TABLES:
        _check_words(check, table)
        tell(f"{table.name}: {check.looked[table.name]}, missing {check.missing[table.name]}")
    _check_vectors(check)
    check.finished_at = timezone.now()
    check.save()
    old = Check.objects.order_by("-started_at").values_list("pk", flat=True)[KEPT:]
    Check.objects.filter(pk__in=list(old)).delete()
    log.info("index_checked", missing=check.missing, repaired=check.repaired)
    return check


def _check_words(check: Check, table: Table) -> None:
    looked = missing = repaired = position = 0
    while numbers := table.next_numbers(position):
        stale = table.stale(numbers)
        if stale and check.is_repairing:
            with transaction.atomic():
                repaired += table.write_anew(stale)
        looked, missing, position = looked + len(numbers), missing + len(stale), numbers[-1]
    _note(check, table.name, looked, missing, repaired)


def _check_vectors(check: Check) -> None:
    """Texts the encoder at hand has not read, looking at all of them: what was written down as
    touched is not believed. Without an encoder there is nothing to miss.
    """
    encoder = engine.find_ref("encoder")
    if encoder is None:
        return
    refs = {"encoder": encoder}
    touched.look_again()
    unread = {
        "ticket_vectors": len(backlog.list_tickets_to_read(refs, MOST_UNREAD)),
        "passages": len(backlog.list_articles_to_read(refs, MOST_UNREAD)),
    }
    for name, table in (("ticket_vectors", TABLES[0]), ("passages", TABLES[2])):
        _note(check, name, table.model._base_manager.count(), unread[name], 0)
    if check.is_repairing and any(unread.values()):
        # the models need their time; the next check says whether it was enough
        triage_services.queue_catch_up()


def _note(check: Check, name: str, looked: int, missing: int, repaired: int) -> None:
    check.looked[name], check.missing[name] = looked, missing
    if repaired:
        check.repaired[name] = repaired
