"""Days and the moments at which they begin. A day has no time zone; its beginning has."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from django.utils import timezone

from appliance.core import queries


def start_of_day(day: date) -> datetime:
    """Return the first moment of the day in the active time zone, that of the reader."""
    return timezone.make_aware(datetime.combine(day, time.min))


def site_date() -> date:
    """Return today's date in the time zone of the site, which is the same for everybody."""
    return timezone.localdate(timezone=ZoneInfo(queries.locale_defaults()[1]))
