"""What is left to read is read, by whoever has the time."""

import time

from appliance.triage import backlog
from appliance.triage.services.articles import refresh_article
from appliance.triage.services.tickets import annotate


def catch_up(limit: int = 1000, *, seconds: float = 10.0) -> int:
    """Read what is left to read, as far as the seconds go. How many texts were written.

    Any number of workers may do this at once: each text is claimed by one of them.
    """
    ends_at = time.monotonic() + seconds
    refs = backlog.refs_at_hand()
    backlog.keep_up(refs)
    # articles first: they are few, and every ticket is answered from them
    work = [(refresh_article, pk) for pk in backlog.list_articles_to_read(refs, limit)]
    work += [(annotate, pk) for pk in backlog.list_tickets_to_read(refs, limit)]
    written = 0
    for verb, pk in work:
        if time.monotonic() > ends_at:
            break
        written += verb(pk)
    return written
