"""Template context of every page."""

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from appliance.core import queries


def site_settings(request: HttpRequest) -> dict[str, object]:
    """Add the site settings, read from the database when a template first uses them."""
    return {"site_settings": SimpleLazyObject(queries.site_settings)}
