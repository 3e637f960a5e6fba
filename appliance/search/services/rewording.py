"""Words are stemmed in the desk's language. When that changes, all words are written anew: in the
worker, a slice at a time, going on where it was cut off. Until the end, what is typed is looked for
as either language has it (``configurations.in_use``), so nothing is lost meanwhile.
"""

import time

import structlog
from django.db import connection, transaction
from django.utils import timezone

from appliance.core import queries as core_queries
from appliance.core.fields import WORDS
from appliance.search import configurations
from appliance.search.models import Rewording
from appliance.search.services.tables import TABLES, Table

log = structlog.get_logger(__name__)
LOCK = 7_737_542


@transaction.atomic
def follow_language() -> Rewording | None:
    """Stem as the desk speaks; the rewording that has begun, None when nothing has changed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])  # two workers, one change
        wanted = configurations.LANGUAGES.get(core_queries.desk().language, configurations.FIRST)
        previous = configurations.current()
        if wanted == previous:
            return None
        cursor.execute(
            f"ALTER TEXT SEARCH CONFIGURATION {WORDS}"
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
        if not _step():
            return False
    return True


@transaction.atomic
def _step() -> bool:
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
        _go_on(running, table)
    running.save()
    return running.finished_at is None


def _go_on(running: Rewording, table: Table) -> None:
    """To the next table, or to the end."""
    rest = TABLES[TABLES.index(table) + 1 :]
    if rest:
        running.table, running.position = rest[0].name, 0
    else:
        running.finished_at = timezone.now()
        log.info("words_changed_language", language=running.language, rows=running.done)
