"""Errors become HTTP in one place."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

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
