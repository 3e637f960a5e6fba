"""Whether everything that should be found is: every row against its words, every text against its
vectors. What is missing is mended: words here, vectors by the models when their turn comes.
"""

from collections.abc import Callable

import structlog
from django.db import transaction
from django.utils import timezone

from appliance.search.models import Check
from appliance.search.services.rewording import follow_language, reword
from appliance.search.services.tables import TABLES, Table
from appliance.triage import backlog, engine, touched
from appliance.triage import services as triage_services

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
