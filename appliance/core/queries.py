"""Reads of the site settings."""

from appliance.core import cache
from appliance.core.models import SiteSettings


def site_settings() -> SiteSettings:
    """Return the only row; before set-up an unsaved one with the defaults."""
    return SiteSettings.objects.filter(pk=1).first() or SiteSettings()


def locale_defaults() -> tuple[str, str]:
    """Return language and time zone of the site, cached."""
    return cache.get_or_compute(
        "locale_defaults", [], _locale_defaults, depends_on=[cache.SITE_SETTINGS]
    )


def _locale_defaults() -> tuple[str, str]:
    row = site_settings()
    return row.language, row.time_zone
