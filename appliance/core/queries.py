"""Reads of the site settings."""

from django.urls import reverse

from appliance.core import cache
from appliance.core.models import SiteSettings


def site_settings() -> SiteSettings:
    """Return the only row; before set-up an unsaved one with the defaults."""
    return SiteSettings.objects.filter(pk=1).first() or SiteSettings()


def absolute_url(name: str, *args: object) -> str:
    """Return the full address of a page; empty while the desk was started without a URL."""
    base = site_settings().base_url.rstrip("/")
    return f"{base}{reverse(name, args=args)}" if base else ""


def locale_defaults() -> tuple[str, str]:
    """Return language and time zone of the site, cached."""
    return cache.get_or_compute(
        "locale_defaults", [], _locale_defaults, depends_on=[cache.SITE_SETTINGS]
    )


def desk_languages() -> list[str]:
    """Return the codes of the languages the desk works in, cached."""
    return cache.get_or_compute(
        "desk_languages",
        [],
        lambda: site_settings().desk_languages,
        depends_on=[cache.SITE_SETTINGS],
    )


def _locale_defaults() -> tuple[str, str]:
    row = site_settings()
    return row.language, row.time_zone
