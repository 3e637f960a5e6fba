"""Making somebody anonymous in rows that are otherwise never changed.

The triggers of the append-only tables let one kind of update pass, and only inside ``allowed``:
a name becomes ANONYMOUS, a value in ``data`` becomes null. Everything else is refused as ever.
See docs/decisions/0007-anonymous-in-place.md.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

ANONYMOUS = "Anonymous"
SETTING = "skerry.anonymising"  # the triggers ask for this name


@contextmanager
def allowed() -> Iterator[None]:
    """Inside, and until the end of this transaction at most, names may be taken away."""
    with transaction.atomic():
        _say("yes")
        yield
        _say("")


def _say(value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config(%s, %s, true)", [SETTING, value])
