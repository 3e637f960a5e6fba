"""Errors become HTTP in one place."""

from collections.abc import Callable

import structlog
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from appliance.core.errors import SkerryError, UnavailableError

log = structlog.get_logger(__name__)
View = Callable[[HttpRequest], HttpResponse]


class errors_to_http:
    """Answers a ``SkerryError`` with its status, and a database that is away with 503."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if isinstance(error, OperationalError | InterfaceError):
            log.error("database_unavailable", error=str(error).split("\n")[0])
            error = UnavailableError(
                "The database did not answer in time. Nothing you sent was half-saved: "
                "go back and send it again in a moment."
            )
        if isinstance(error, SkerryError):
            return error_page(request, error)
        return None


def error_page(request: HttpRequest, error: SkerryError) -> HttpResponse:
    context = {"title": error.title, "message": str(error), "status": error.status}
    response = render(request, "core/error.html", context, status=error.status)
    if error.status == 503:
        response["Retry-After"] = "5"
    return response
