"""The words people write here, for guessing what somebody meant who mistyped one.

They only ever become a search, which finds what its reader may see: nobody is shown a word that
does not stand before them anyway.
"""

import time

from django.db import connection, transaction

from appliance.knowledge.models import ArticleVersion
from appliance.search.models import Learning
from appliance.search.services.tables import SLICE, TABLES, Table

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
        while _step(table):
            if time.monotonic() > deadline:
                return True
    return False


@transaction.atomic
def _step(table: Table) -> bool:
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
