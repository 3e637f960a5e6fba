"""Strict readers of environment variables; ``NAME_FILE`` names a file with the value.

Settings read the environment only through this module. Every variable is documented in
docs/operating.md; a test compares the two.
"""

import ipaddress
import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from appliance import site_url
from appliance.site_url import SiteUrl

TRUE, FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off", ""}


def text(name: str, default: str | None = None) -> str:
    """Return the value of ``name``, or the content of the file that ``name_FILE`` names.

    Raises ImproperlyConfigured when it is not set and has no default, or cannot be read.
    """
    if path := os.environ.get(f"{name}_FILE"):
        try:
            return Path(path).read_text().strip()
        except OSError as error:
            raise ImproperlyConfigured(
                f"{name}_FILE names {path}, which cannot be read: {error.strerror}."
            ) from error
    value = os.environ.get(name, default)
    if value is None:
        raise ImproperlyConfigured(f"{name} is not set. Start Skerry with: python3 launcher.py")
    return value


def flag(name: str, default: bool) -> bool:
    """Return a boolean. Raise ImproperlyConfigured for any other word."""
    value = text(name, str(default)).lower()
    if value not in TRUE | FALSE:
        raise ImproperlyConfigured(f"{name} must be true or false, not {value!r}.")
    return value in TRUE


def number(name: str, default: int) -> int:
    """Return a number of 0 or more. Raise ImproperlyConfigured for anything else."""
    value = text(name, str(default))
    if not (value.isascii() and value.isdigit()):
        raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}.")
    return int(value)


def words(name: str, default: str = "") -> list[str]:
    """Return the entries of a comma-separated list, without empty ones."""
    return [word for word in (part.strip() for part in text(name, default).split(",")) if word]


def url(name: str) -> SiteUrl | None:
    """Return the URL of a site, None when it is not set. Raise ImproperlyConfigured for others."""
    value = text(name, "")
    try:
        return site_url.parse(value) if value else None
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: {error}") from error


def networks(name: str) -> list[str]:
    """Return addresses and networks as networks: 10.0.0.5/32, 10.0.0.0/24, fd00::5/128.

    Raise ImproperlyConfigured for anything else, such as a host name.
    """
    try:
        return [str(ipaddress.ip_network(word)) for word in words(name)]
    except ValueError as error:
        raise ImproperlyConfigured(
            f"{name} must hold addresses or networks, separated by commas: {error}."
        ) from error
