"""The vectors of the next encoder are written beside those that are found, when nothing else waits.

What is left is found by query, so whoever is killed here loses the text it was at, which another
worker reads again two minutes later.
"""

import time

from procrastinate.contrib.django.models import ProcrastinateJob

from appliance.triage import backlog, engine
from appliance.triage.models import Attempt
from appliance.triage.services.articles import read_article_ahead
from appliance.triage.services.indexing import index_space
from appliance.triage.services.tickets import read_ticket_ahead

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


def _work(refs: backlog.Refs, limit: int) -> list:
    articles = backlog.list_articles_to_read(refs, limit, Attempt.Kind.NEXT_ARTICLE)
    tickets = backlog.list_tickets_to_read(refs, limit, Attempt.Kind.NEXT_TICKET)
    return [(read_article_ahead, pk) for pk in articles] + [
        (read_ticket_ahead, pk) for pk in tickets
    ]


def _waits() -> bool:
    return ProcrastinateJob.objects.filter(status="todo", task_name__in=FIRST).exists()
