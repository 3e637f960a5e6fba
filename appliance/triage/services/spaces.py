"""A vector space is looked after while it is read, and taken away when it has had its time."""

import time

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from appliance.core.errors import ForbiddenError
from appliance.triage import engine, spaces
from appliance.triage.models import LookedThrough
from appliance.triage.services.indexing import INDEXED, drop_indexes, index_space
from appliance.triage.services.queueing import queue_forgetting

SLICE = 5000  # rows deleted by one statement


def tend_spaces() -> int:
    """The space that is read has its indexes; what no encoder at hand can read goes, once the
    reading space is complete. How many indexes were built.
    """
    space = engine.reading_space()
    if space is None:
        return 0
    _forget_unreadable(space)
    return index_space(space)


def forget_space(*, space: str, seconds: float = 10.0) -> int:
    """Delete the vectors of a space, as far as the seconds go. How many; 0 when none is left.

    Refused for the space that is read and for the one that is being filled.
    """
    upcoming = engine.find_next_encoder()
    if space in (engine.reading_space(), upcoming and upcoming.space):
        raise ForbiddenError(_("This embedding space is in use."))
    if not drop_indexes(space):
        return 0
    ends_at, deleted = time.monotonic() + seconds, 0
    LookedThrough.objects.filter(bundle=space).delete()
    for model in INDEXED:
        while ids := list(model.objects.filter(space=space).values_list("pk", flat=True)[:SLICE]):
            deleted += _delete_untold(model.objects.filter(pk__in=ids))
            if time.monotonic() > ends_at:
                return deleted
    return deleted


@transaction.atomic
def _delete_untold(vectors: QuerySet) -> int:
    """Nobody reads this space, so the backlog need not look at whose vectors these were."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL skerry.forgets_a_space = 'on'")
        return vectors.delete()[0]


def _forget_unreadable(reading: str) -> None:
    """After an upgrade that brought another encoder: nobody will ask for the old vectors again."""
    known = engine.spaces_at_hand()
    if known is None:
        return
    unreadable = spaces.list_names() - known
    if unreadable and spaces.is_space_complete(reading):
        for space in unreadable:
            queue_forgetting(space)
