"""Languages and time zones that a user or the site may choose."""

from functools import cache
from zoneinfo import available_timezones

from django.conf import settings


def languages() -> list[tuple[str, str]]:
    """Return code and name of each language, the name in that language."""
    return [(code, str(name)) for code, name in settings.LANGUAGES]


def is_language(code: str) -> bool:
    """Return whether the site supports the language."""
    return code in dict(settings.LANGUAGES)


@cache
def time_zones() -> list[tuple[str, str]]:
    """Return IANA names of places, and UTC, without aliases and offsets; each with its label."""
    regions = (
        "Africa",
        "America",
        "Antarctica",
        "Arctic",
        "Asia",
        "Atlantic",
        "Australia",
        "Europe",
        "Indian",
        "Pacific",
    )
    names = [name for name in available_timezones() if name.split("/")[0] in regions]
    return [(name, name.replace("_", " ")) for name in ["UTC", *sorted(names)]]


def is_time_zone(name: str) -> bool:
    """Return whether the name is one of ``time_zones``."""
    return name in dict(time_zones())
