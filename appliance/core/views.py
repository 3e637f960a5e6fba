"""Error pages."""

import sys

import structlog
from django.contrib.auth.models import AnonymousUser
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from appliance.core.errors import UnavailableError
from appliance.core.models import SiteSettings

log = structlog.get_logger(__name__)
DATABASE_UNAVAILABLE_ERRORS = (OperationalError, InterfaceError)


def error_page(request: HttpRequest, status: int, title: str, message: str) -> HttpResponse:
    """Render the page for any error. From status 500 on it reads nothing from the database."""
    context: dict = {"title": title, "message": message, "status": status}
    if status >= 500:
        request.user = (
            AnonymousUser()
        )  # the log line of this request must not query the user either
        context |= {"site_settings": SiteSettings(), "messages": []}
    response = render(request, "core/error.html", context, status=status)
    if status == 503:
        response["Retry-After"] = "5"
    return response


def database_unavailable(request: HttpRequest, error: Exception) -> HttpResponse:
    log.error("database_unavailable", error=str(error).split("\n")[0])
    return error_page(
        request,
        503,
        UnavailableError.title,
        _(
            "The database did not respond in time. None of your changes were saved. Go "
            "back and try again in a moment."
        ),
    )


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return error_page(
        request,
        403,
        _("Session expired"),
        _(
            "You were signed out or the page was open for too long. Go back (your text "
            "is still there), copy your text, reload the page and send it again."
        ),
    )


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_page(
        request,
        400,
        _("Bad request"),
        _("The address or the form is invalid. Go back and try again."),
    )


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_page(
        request,
        403,
        _("Access denied"),
        _("You do not have permission to view this page. Ask an administrator."),
    )


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_page(
        request, 404, _("Page not found"), _("It does not exist, or you do not have access.")
    )


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer an exception raised anywhere; Django calls this while handling it."""
    error = sys.exc_info()[1]
    if isinstance(error, DATABASE_UNAVAILABLE_ERRORS):
        return database_unavailable(request, error)
    return error_page(
        request,
        500,
        _("Something went wrong"),
        _(
            "The error was logged under the number below. Try again; if it persists, "
            "contact your administrator."
        ),
    )
