"""What holds around every view: errors become HTTP, and people are spoken to in their language."""

import zoneinfo
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.utils.translation import trans_real

from appliance.core import cache, queries
from appliance.core.errors import SkerryError
from appliance.core.views import DATABASE_AWAY, database_away, error_page

View = Callable[[HttpRequest], HttpResponse]


class errors_to_http:
    """Answers a ``SkerryError`` with its status, and a database that is away with 503.

    What fails before or after a view (a session that cannot be read) arrives at handler500,
    ``core.views.server_error``, which answers alike.
    """

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if isinstance(error, DATABASE_AWAY):
            return database_away(request, error)
        if isinstance(error, SkerryError):
            return error_page(request, error.status, error.title, str(error))
        return None


class one_look:
    """While a page is only read, what the cache said is not asked for again."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method not in ("GET", "HEAD") or request.path in settings.PATHS_OF_MACHINES:
            return self.get_response(request)
        with cache.one_look():
            return self.get_response(request)


class person_language:
    """Language and time zone of whoever asks, else the desk's; strangers may name a language.

    Nothing is asked for a health probe, which must be answered while the database is away.
    """

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path in settings.PATHS_OF_MACHINES:
            return self.get_response(request)
        language, time_zone = _manners_of(request)
        request.LANGUAGE_CODE = language
        with translation.override(language), timezone.override(zoneinfo.ZoneInfo(time_zone)):
            return self.get_response(request)


def _manners_of(request: HttpRequest) -> tuple[str, str]:
    """Language and time zone. No query for somebody who chose both."""
    person = request.user
    if person.is_authenticated and person.language and person.time_zone:
        return person.language, person.time_zone
    language, time_zone = queries.manners()
    if not person.is_authenticated:
        return _accepted(request) or language, time_zone
    return person.language or language, person.time_zone or time_zone


def _accepted(request: HttpRequest) -> str:
    """The first language of the browser's that the desk speaks."""
    header = request.META.get("HTTP_ACCEPT_LANGUAGE", "")
    for code, _ in trans_real.parse_accept_lang_header(header):
        try:
            return translation.get_supported_language_variant(code)
        except LookupError:
            continue
    return ""
