"""Reads on the desk itself."""

from appliance.core import cache
from appliance.core.models import Desk


def desk() -> Desk:
    """The one row; made unsaved with its defaults before set-up."""
    return Desk.objects.filter(pk=1).first() or Desk()


def manners() -> tuple[str, str]:
    """The desk's language and time zone; from the cache if there."""
    return cache.remember("manners", [], _manners, depends_on=[cache.DESK])


def _manners() -> tuple[str, str]:
    row = desk()
    return row.language, row.time_zone
