"""Middleware around every view: errors become HTTP responses, pages speak the user's language."""

import zoneinfo
from collections.abc import Callable
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, QueryDict
from django.http.request import split_domain_port
from django.http.response import HttpResponse
from django.utils import timezone, translation
from django.utils.translation import trans_real

from appliance.core import cache, disk_space, queries
from appliance.core.clean_text import remove_unstorable
from appliance.core.errors import DiskFullError, SkerryError
from appliance.core.reader_language import find_browser_language, reading_in
from appliance.core.views import (
    DATABASE_UNAVAILABLE_ERRORS,
    database_unavailable,
    disk_full,
    error_page,
)
from appliance.disks import DATABASE

# URL names whose POST writes little or nothing
TRIED_WHEN_FULL = {"account_login", "logout", "presence", "preview", "suggest"}
GetResponse = Callable[[HttpRequest], HttpResponse]


class HstsMiddleware:
    """Keep HSTS to the name of the site's URL: browsers reach the desk by other names as well."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        host, _port = split_domain_port(request.META.get("HTTP_HOST", ""))
        if settings.SITE_URL is None or host != settings.SITE_URL.http_host:
            response.headers.pop("Strict-Transport-Security", None)
        return response


class NoStoreMiddleware:
    """Keep answers out of the caches of browsers, so that Back shows nothing after log-out.

    Only files that are equal for everybody may be kept: their views say so (``public``), and static
    files are answered by the front. Outermost of all that answers, it covers redirects as well.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if "public" not in response.get("Cache-Control", ""):
            response["Cache-Control"] = "no-store"
        return response


class ErrorResponseMiddleware:
    """Answer a ``SkerryError`` with its status, and an unavailable database with 503.

    What fails outside of a view (a session that cannot be read) reaches handler500,
    ``core.views.server_error``, which answers alike.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if isinstance(error, DATABASE_UNAVAILABLE_ERRORS):
            return database_unavailable(request, error)
        if isinstance(error, SkerryError):
            return error_page(request, error.status, error.title, str(error))
        return None


class DiskSpaceMiddleware:
    """Refuse writes while the disk of the database is full; pages can still be read.

    The refusal returns what was typed. Sign-in is tried, because an admin must see what is wrong.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: object, arguments: object, options: object
    ) -> HttpResponse | None:
        is_tried = request.resolver_match and request.resolver_match.url_name in TRIED_WHEN_FULL
        if request.method in ("GET", "HEAD", "OPTIONS") or is_tried:
            return None
        disk = disk_space.find_unwritable(DATABASE)
        return disk_full(request, disk_space.refusal(disk.uses)) if disk else None

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if isinstance(error, DiskFullError):
            return disk_full(request, str(error))
        reason = disk_space.reason_of(error)
        return disk_full(request, reason) if reason else None


class StorableInputMiddleware:
    """Drop what no column can store from the query string and the form: NUL, lone surrogates.

    The form is read after CsrfViewMiddleware, which reads it anyway.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if (query := _storable_query(request.GET)) is not None:
            request.GET = QueryDict(query)
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_view: object) -> None:
        if request.method == "POST" and (query := _storable_query(request.POST)) is not None:
            request.POST = QueryDict(query)


def _storable_query(query: QueryDict) -> str | None:
    """Return the names and values as a query string, or None if all can be stored."""
    values = [(name, value) for name, values in query.lists() for value in values]
    cleaned = [(remove_unstorable(name), remove_unstorable(value)) for name, value in values]
    return None if cleaned == values else urlencode(cleaned)


class RequestCacheMiddleware:
    """Read each cached value once while a page is only read."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        is_read_only = request.method in ("GET", "HEAD")
        if not is_read_only or request.path in settings.HEALTH_CHECK_PATHS:
            return self.get_response(request)
        with cache.request_cache():
            return self.get_response(request)


class LocaleMiddleware:
    """Activate language and time zone of the user, else the browser's language, else the site's.

    A health check reads nothing: it must be answered while the database is unavailable.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path in settings.HEALTH_CHECK_PATHS:
            return self.get_response(request)
        language, time_zone = _locale_of(request)
        request.LANGUAGE_CODE = language
        with (
            translation.override(language),
            timezone.override(zoneinfo.ZoneInfo(time_zone)),
            reading_in(_reader_language(request)),
        ):
            return self.get_response(request)


def _locale_of(request: HttpRequest) -> tuple[str, str]:
    """Return language and time zone; no query for a user who chose both."""
    user = request.user
    if user.is_authenticated and user.language and user.time_zone:
        return user.language, user.time_zone
    language, time_zone = queries.locale_defaults()
    if not user.is_authenticated:
        return _browser_language(request) or language, time_zone
    return user.language or language, user.time_zone or time_zone


def _reader_language(request: HttpRequest) -> str:
    """Return the language for articles: of a guest the browser's, which the screens may lack."""
    if request.user.is_authenticated:
        return ""
    return find_browser_language(request.META.get("HTTP_ACCEPT_LANGUAGE", ""))


def _browser_language(request: HttpRequest) -> str:
    """Return the first language of the Accept-Language header that is supported, or ""."""
    header = request.META.get("HTTP_ACCEPT_LANGUAGE", "")
    for code, _ in trans_real.parse_accept_lang_header(header):
        try:
            return translation.get_supported_language_variant(code)
        except LookupError:
            continue
    return ""
