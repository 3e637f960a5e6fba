"""Every address the desk answers, as its URL conf says."""

from collections.abc import Iterator

from django.urls import URLResolver, get_resolver


def list_routes() -> list[str]:
    """Like ``tickets/<int:ticket_id>/``, once each; what is a regular expression is left out."""
    return sorted({route for route in _walk(get_resolver().url_patterns, "") if "^" not in route})


def _walk(patterns: list, prefix: str) -> Iterator[str]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, route)
        else:
            yield route
