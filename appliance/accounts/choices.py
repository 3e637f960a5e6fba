"""What a person or the desk may choose from: languages and time zones."""

from functools import cache
from zoneinfo import available_timezones

from django.conf import settings


def languages() -> list[tuple[str, str]]:
    """Code and name of each, the name in the language itself."""
    return [(code, str(name)) for code, name in settings.LANGUAGES]


def is_language(code: str) -> bool:
    return code in dict(settings.LANGUAGES)


@cache
def time_zones() -> list[tuple[str, str]]:
    """IANA names that are places, and UTC; aliases and offsets are left out."""
    places = (
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
    names = [name for name in available_timezones() if name.split("/")[0] in places]
    return [(name, name.replace("_", " ")) for name in ["UTC", *sorted(names)]]


def is_time_zone(name: str) -> bool:
    return name in dict(time_zones())
