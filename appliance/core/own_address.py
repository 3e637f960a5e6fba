"""The desk's own address, which an admin sets, counts as listed besides ALLOWED_HOSTS.

A restart is not needed, and a desk behind a proxy for TLS accepts the forms of its https address.
"""

from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest
from django.http.request import split_domain_port
from django.http.response import HttpResponse
from django.middleware.csrf import CsrfViewMiddleware

from appliance.core import cache, queries

GetResponse = Callable[[HttpRequest], HttpResponse]
DEFAULT_PORTS = {"http": "80", "https": "443"}


def parse_address(url: str) -> tuple[str, str]:
    """Return host and origin of a URL as browsers send them; empty if it names no single host.

    An address that looks like a pattern ("*", ".example") names none.
    """
    parts = urlsplit(url)
    try:
        netloc = parts.netloc.encode("idna").decode()
    except UnicodeError:
        return "", ""
    host, port = split_domain_port(netloc)
    if not host or host.startswith(".") or parts.scheme not in DEFAULT_PORTS:
        return "", ""
    suffix = f":{port}" if port and port != DEFAULT_PORTS[parts.scheme] else ""
    return host, f"{parts.scheme}://{host}{suffix}"


def own_address() -> tuple[str, str]:
    """Return host and origin of the site's address, cached."""
    return cache.get_or_compute(
        "own_address",
        [],
        lambda: parse_address(queries.site_settings().base_url),
        depends_on=[cache.SITE_SETTINGS],
    )


class OwnAddressMiddleware:
    """Accept the host of the site's address. It is looked up for unlisted hosts only."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path not in settings.HEALTH_CHECK_PATHS:
            self._accept_own_host(request)
        return self.get_response(request)

    def _accept_own_host(self, request: HttpRequest) -> None:
        try:
            request.get_host()
        except DisallowedHost:
            host = request.META.get("HTTP_HOST", "")
            name, _port = split_domain_port(host)
            if name and name == own_address()[0]:
                request.get_host = lambda: host  # type: ignore[method-assign]


class OwnOriginMiddleware(CsrfViewMiddleware):
    """Accept forms that come from the site's address, whose https may end at a proxy.

    The address is looked up when the origin of a form is not that of the request.
    """

    @property
    def allowed_origins_exact(self) -> set[str]:
        return {origin for origin in own_address()[1:] if origin}
