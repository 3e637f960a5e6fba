"""Who reads which text now, and which texts broke the bundles. One row, claimed by one statement.

The try is counted before the text is read, so a text that takes the whole process down with it
is counted, too.
"""

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils import timezone

from appliance.triage.models import Attempt

MOST_TRIES = 3
HOLD_SECONDS = 120  # a worker that died gives its text back after this long

# Takes the row when nobody holds it and it has tries left; another text, or other bundles, start
# the count again. A claim that lies further ahead than any claim can (the clock jumped back) is
# nobody's. The real clock, not the start of the transaction, decides.
CLAIM = """
INSERT INTO triage_attempt AS mine
    (kind, object_id, text_sha256, bundles, tries, leased_until, error)
VALUES (%(kind)s, %(object_id)s, %(text)s, %(bundles)s, 1,
        clock_timestamp() + %(hold)s::interval, '')
ON CONFLICT (kind, object_id) DO UPDATE SET
    tries = CASE WHEN (mine.text_sha256, mine.bundles) = (excluded.text_sha256, excluded.bundles)
                 THEN mine.tries + 1 ELSE 1 END,
    text_sha256 = excluded.text_sha256,
    bundles = excluded.bundles,
    leased_until = excluded.leased_until,
    error = ''
WHERE (mine.leased_until IS NULL
       OR mine.leased_until NOT BETWEEN clock_timestamp() AND excluded.leased_until)
  AND (mine.tries < %(most)s
       OR (mine.text_sha256, mine.bundles) <> (excluded.text_sha256, excluded.bundles))
RETURNING id
"""


def claim(kind: str, object_id: int, *, text_sha256: str, bundles: str) -> bool:
    """Whether the text is now ours to read: False while another holds it or it is parked."""
    values = {
        "kind": kind,
        "object_id": object_id,
        "text": text_sha256,
        "bundles": bundles,
        "hold": f"{HOLD_SECONDS} seconds",
        "most": MOST_TRIES,
    }
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, values)
        return cursor.fetchone() is not None


def list_parked() -> QuerySet[Attempt]:
    """Texts that had all their tries and that nobody holds."""
    held = Q(leased_until__gt=timezone.now())
    return Attempt.objects.filter(tries__gte=MOST_TRIES).exclude(held)


def release(kind: str, object_id: int) -> None:
    """It went well, or nothing could be tried: forget the tries."""
    Attempt.objects.filter(kind=kind, object_id=object_id).delete()


def fail(kind: str, object_id: int, *, error: str) -> None:
    """It broke: keep the count, let the next try begin."""
    Attempt.objects.filter(kind=kind, object_id=object_id).update(
        leased_until=None, error=error[:500]
    )
